"""Connections to hosts that are no web servers, under the same walls as HTTP: judged addresses only."""

import queue
import socket
import threading
import time
from collections.abc import Sequence

from publishing.addresses import DENIED_PORTS, may_call

SSH_PORT = 22
CONNECT_SECONDS = 5.0


class Unreached(Exception):
    """There is no connection. ``kind`` is blocked, unreachable or timeout."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def may_use_port(port: int) -> bool:
    """Whether files may be put there: 22, or a high port that belongs to no other kind of service."""
    return port == SSH_PORT or (1024 <= port <= 65535 and port not in DENIED_PORTS)


def connected(host: str, port: int, *, seconds: float, allowed: Sequence[str]) -> socket.socket:
    """A connection to one of the host's addresses. Raises Unreached.

    The name is resolved once, every address is judged and the judged one is connected to. One bad address condemns
    the name: it would be the next one tried.
    """
    if not may_use_port(port):
        raise Unreached("blocked", f"Port {port} belongs to another kind of service.")
    until = time.monotonic() + seconds
    addresses = _resolved(host, port, seconds)
    if bad := [address for address in addresses if not may_call(address, allowed)]:
        raise Unreached("blocked", f"{host} leads to {', '.join(bad)}, which the operator has not allowed.")
    why = f"{host} has no address"
    for address in addresses:
        left = min(CONNECT_SECONDS, until - time.monotonic())
        if left <= 0:
            break
        try:
            return socket.create_connection((address, port), timeout=left)
        except TimeoutError:
            why = "no connection in time"
        except OSError as error:
            why = error.strerror or type(error).__name__
    raise Unreached("unreachable", why)


def _resolved(host: str, port: int, seconds: float) -> list[str]:
    """The resolver cannot be told a deadline, so it is asked on a thread that may be left behind."""
    answer: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            answer.put(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        told = answer.get(timeout=seconds)
    except queue.Empty:
        raise Unreached("unreachable", f"nobody says in time where {host} is") from None
    if isinstance(told, Exception):
        raise Unreached("unreachable", f"{host} is not known") from told
    return told
