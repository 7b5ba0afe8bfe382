"""Readers that wait for the feed: `python -m bench.waiters URL [READERS] [SECONDS]` beside a running, empty hub.

DATABASE_URL and SECRET_KEY are those of that hub. Its own sequencer numbers ten new suppliers a second; each reader
waits with `wait=20` and remembers when it heard of each. Prints one JSON line: delays from commit to reader.
"""

import http.client
import json
import os
import sys
import threading
import time
from itertools import pairwise
from urllib.parse import urlencode, urlsplit

import django

CHANGES_A_SECOND = 10
PATIENCE_SECONDS = 30  # after the last change, for who is late


class Reader(threading.Thread):
    """One client of the feed; ``heard`` is when it knew of each record."""

    def __init__(self, url: str, token: str, after: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.host, self.token, self.after, self.stop = urlsplit(url).netloc, token, after, stop
        self.heard: dict[str, float] = {}
        self.numbers: list[int] = []
        self.asked = 0
        self.ended = ""

    def run(self) -> None:
        try:
            self._read()
        except (OSError, http.client.HTTPException, ValueError, KeyError) as error:
            self.ended = repr(error)

    def _read(self) -> None:
        line = http.client.HTTPConnection(self.host, timeout=60)
        place: dict[str, object] = {"after_sequence": self.after}
        while not self.stop.is_set():
            line.request("GET", f"/api/v1/changes?{urlencode({**place, 'wait': 20})}", headers=self._headers())
            page = json.load(line.getresponse())
            now = time.time()
            self.asked += 1
            for event in page["items"]:
                self.heard[event["record"]] = now
                self.numbers.append(event["sequence"])
            place = {"cursor": page["next_cursor"]}

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def main() -> None:
    """Makes records, lets the readers hear of them, prints the figure."""
    url, count = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 50
    seconds = int(sys.argv[3]) if len(sys.argv) > 3 else 20
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
    django.setup()
    # Only now do the models exist.
    from api.clients import create_client  # noqa: PLC0415
    from mdm.models import LogHead  # noqa: PLC0415
    from tests.factories import supplier  # noqa: PLC0415

    _, token = create_client(name=f"bench {time.time()}")
    head = LogHead.objects.values_list("seq", flat=True).first() or 0
    stop = threading.Event()
    readers = [Reader(url, token, head, stop) for _ in range(count)]
    for reader in readers:
        reader.start()
    time.sleep(2)
    committed: dict[str, float] = {}
    until = time.time() + seconds
    while time.time() < until:
        begun = time.time()
        record = supplier(f"W{begun}", f"Waited {len(committed)} Medical")
        committed[str(record.pk)] = time.time()
        time.sleep(max(0.0, 1 / CHANGES_A_SECOND - (time.time() - begun)))
    patience = time.time() + PATIENCE_SECONDS
    while time.time() < patience and any(len(reader.heard) < len(committed) for reader in readers):
        time.sleep(0.1)
    stop.set()
    supplier(f"W{time.time()}", "Last Call Medical")
    pairs = [(reader, record) for reader in readers for record in committed]
    delays = sorted(reader.heard[record] - committed[record] for reader, record in pairs if record in reader.heard)
    if not delays:
        sys.exit(f"No reader heard of anything: {readers[0].ended or 'no answer'}")
    print(
        json.dumps(
            {
                "readers": count,
                "changes": len(committed),
                "missed": len(pairs) - len(delays),
                "ended": sorted({reader.ended for reader in readers if reader.ended}),
                "out_of_order": sum(a >= b for reader in readers for a, b in pairwise(reader.numbers)),
                "p50_ms": round(delays[len(delays) // 2] * 1000),
                "p99_ms": round(delays[int(len(delays) * 0.99)] * 1000),
                "worst_ms": round(delays[-1] * 1000),
                "requests": sum(reader.asked for reader in readers),
            }
        )
    )


if __name__ == "__main__":
    main()
