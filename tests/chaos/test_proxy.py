"""The proxy of the chaos rig does to a line what it is told, while it is open."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from bench.chaos.proxy import Proxy

REPLY = b"answer " * 20


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that answers every line with the same 140 bytes; its port."""
    server = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def talk(line: socket.socket) -> None:
        with line, contextlib.suppress(OSError):
            while line.recv(4096):
                line.sendall(REPLY)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threads.append(threading.Thread(target=talk, args=(server.accept()[0],)))
                threads[-1].start()

    accepting = threading.Thread(target=serve)
    accepting.start()
    yield server.getsockname()[1]
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    accepting.join(5)
    for thread in threads:
        thread.join(5)


def ask(line: socket.socket, seconds: float = 5) -> bytes:
    """What comes back within so many seconds, up to one whole answer."""
    line.settimeout(seconds)
    line.sendall(b"question\n")
    got = b""
    while len(got) < len(REPLY):
        chunk = line.recv(4096)
        if not chunk:
            break
        got += chunk
    return got


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=5)


def test_it_passes_and_delays(echo: int) -> None:
    with Proxy(echo) as proxy, connect(proxy) as line:
        assert ask(line) == REPLY
        proxy.set(latency=0.15)
        began = time.monotonic()
        assert ask(line) == REPLY
        assert time.monotonic() - began >= 0.3


def test_a_black_hole_swallows_on_a_line_already_open(echo: int) -> None:
    with Proxy(echo) as proxy, connect(proxy) as line:
        assert ask(line) == REPLY
        proxy.set(state="black_hole")
        with pytest.raises(TimeoutError):
            ask(line, 0.3)


def test_a_reset_ends_open_lines_and_new_ones(echo: int) -> None:
    with Proxy(echo) as proxy, connect(proxy) as line:
        assert ask(line) == REPLY
        proxy.reset_all()
        with pytest.raises(ConnectionResetError):
            line.recv(1)
        proxy.set(state="reset")
        time.sleep(0.1)
        # The reset may come while the line is still being opened.
        with pytest.raises(ConnectionError):
            _read_later(proxy)


def _read_later(proxy: Proxy) -> None:
    with connect(proxy) as line:
        time.sleep(0.2)
        line.recv(1)


def test_an_answer_is_cut_after_so_many_bytes(echo: int) -> None:
    with Proxy(echo) as proxy, connect(proxy) as line:
        proxy.set(cut_after=10)
        got = b""
        with contextlib.suppress(ConnectionError):
            got = ask(line)
        assert len(got) <= 10


def test_an_answer_drips(echo: int) -> None:
    with Proxy(echo) as proxy, connect(proxy) as line:
        proxy.set(bytes_per_second=20)
        line.settimeout(5)
        line.sendall(b"question\n")
        time.sleep(0.5)
        assert 1 <= len(line.recv(4096)) <= 40


def test_it_refuses_for_a_while_and_comes_back(echo: int) -> None:
    with Proxy(echo) as proxy:
        walk = proxy.schedule((0.4, "refuse"), (0.0, "pass"))
        time.sleep(0.2)
        with pytest.raises(ConnectionRefusedError):
            connect(proxy)
        walk.join(5)
        for _ in range(50):
            with contextlib.suppress(ConnectionRefusedError), connect(proxy) as line:
                assert ask(line) == REPLY
                return
            time.sleep(0.1)
        pytest.fail("nobody listens again")
