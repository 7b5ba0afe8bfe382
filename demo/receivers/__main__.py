"""`python -m demo.receivers`: the three receivers in one program, each on a port of its own."""

import os
import signal
import sys
import threading
from pathlib import Path

from demo.receivers.receiver import CHARACTERS, Receiver
from demo.receivers.server import HOST, serve
from demo.receivers.telling import Teller

DEFAULT_PORTS = "8801,8802,8803"
DEFAULT_FOLDER = str(Path(__file__).resolve().parents[2] / "var")


def main() -> int:
    """Serves until SIGTERM or Ctrl-C. Exit code 2, with a sentence, where a port is taken or the list is wrong."""
    words = os.environ.get("ASSAY_RECEIVER_PORTS", "").strip() or DEFAULT_PORTS
    ports = [int(word) for word in words.split(",") if word.strip().isdigit()]
    if len(ports) != len(CHARACTERS):
        print(f"receivers: ASSAY_RECEIVER_PORTS is {words!r}: write three ports, {DEFAULT_PORTS}", file=sys.stderr)
        return 2
    folder = Path(os.environ.get("ASSAY_DATA_DIR", "").strip() or DEFAULT_FOLDER) / "receivers"
    servers = []
    tellers = []
    for character, port in zip(CHARACTERS, ports, strict=True):
        try:
            servers.append(serve(Receiver(character, folder), port))
            tellers.append(Teller(servers[-1].receiver, folder))
        except OSError as error:
            print(f"receivers: port {port} for {character.name} cannot be used: {error.strerror}", file=sys.stderr)
            return 2
        print(f"{character.name}: http://{HOST}:{port}/", flush=True)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    for teller in tellers:
        teller.start()
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    ended.wait()
    for server in servers:
        server.shutdown()
        server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
