"""The one way out: HTTP calls that reach only where the operator lets them and end when they must.

Names are resolved once per connection, every address is judged, and the connection goes to the judged address: a
second look-up cannot smuggle in another. No proxies, no redirects, no cookies, no decompression; one deadline for
the whole call however slowly the target drips; at most 64 KB of an answer are read.
"""

import queue
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from types import TracebackType
from typing import Any, Self

import httpcore2
import httpx2

from publishing.addresses import Forbidden, check_url, may_call
from publishing.tls import Trust, equip

READ_AT_MOST = 64 * 1024
CONNECT_SECONDS = 5.0
KEEP_ALIVE_SECONDS = 4.0  # below the five seconds many servers wait, so we rarely write into a closing connection

ALERTS = {
    "CERTIFICATE_REQUIRED": "it asks for one",
    "BAD_CERTIFICATE": "it is not accepted",
    "CERTIFICATE_EXPIRED": "it has expired",
    "CERTIFICATE_REVOKED": "it was revoked",
    "CERTIFICATE_UNKNOWN": "it is not accepted",
    "UNSUPPORTED_CERTIFICATE": "it is of another kind",
    "UNKNOWN_CA": "its authority is not known there",
    "ACCESS_DENIED": "it may not sign in",
}

_call = threading.local()


class CallFailed(Exception):
    """There is no answer. ``kind`` is one of blocked, certificate, unreachable, timeout, broken."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Reply:
    """What the target answered: at most 64 KB of text unless more was asked for, broken bytes replaced."""

    code: int
    headers: Mapping[str, str]
    text: str


class _Stream(httpcore2.NetworkStream):
    """A connection whose every read and write ends at the deadline of the call it serves."""

    def __init__(self, inner: httpcore2.NetworkStream) -> None:
        self.inner = inner

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self.inner.read(max_bytes, _time_left(httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.inner.write(buffer, _time_left(httpcore2.WriteTimeout))

    def close(self) -> None:
        self.inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        left = _time_left(httpcore2.ConnectTimeout)
        return _Stream(self.inner.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self.inner.get_extra_info(info)


class _GuardedNetwork(httpcore2.NetworkBackend):
    """Connects to judged addresses only."""

    def __init__(self, allowed: Sequence[str]) -> None:
        self.allowed = tuple(allowed)
        self.inner = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        last: Exception | None = None
        for address in self._judged(host, port):
            left = min(CONNECT_SECONDS, _time_left(httpcore2.ConnectTimeout))
            try:
                return _Stream(self.inner.connect_tcp(address, port, left, local_address, socket_options))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                last = error
        raise last or httpcore2.ConnectError(f"{host} has no address")

    def _judged(self, host: str, port: int) -> list[str]:
        """All addresses of the host. One bad address condemns the name: it would be the next one tried."""
        addresses = _resolved(host, port)
        if bad := [address for address in addresses if not may_call(address, self.allowed)]:
            raise Forbidden(f"{host} leads to {', '.join(bad)}, which the operator has not allowed.")
        return addresses

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[Any] | None = None
    ) -> httpcore2.NetworkStream:
        raise Forbidden("Sockets of this machine are no targets.")


def _resolved(host: str, port: int) -> list[str]:
    """The addresses of a name. The resolver cannot be told a deadline, so it is asked on a thread that may be left."""
    answer: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answer.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except (OSError, UnicodeError) as error:
            answer.put(error)

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    try:
        told = answer.get(timeout=_time_left(httpcore2.ConnectTimeout))
    except queue.Empty:
        raise httpcore2.ConnectTimeout(f"nobody says in time where {host} is") from None
    if isinstance(told, Exception):
        raise httpcore2.ConnectError(f"{host} is not known") from told
    return told


def resolve(host: str, port: int, *, seconds: float) -> list[str]:
    """The addresses of a name, none of them judged. Raises CallFailed where nobody says in time."""
    _call.deadline = time.monotonic() + seconds
    try:
        return _resolved(host, port)
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
        raise CallFailed("unreachable", str(error)) from error


_ERRNO = re.compile(r"^\[Errno -?\d+\] ")


@cache
def _trusting_everyones() -> ssl.SSLContext:
    """The public authorities and no certificate of ours. Read once: it takes as long as several calls."""
    return httpx2.create_ssl_context(trust_env=False)


class Caller:
    """Keeps connections to one target open, one for each thread that calls. Safe to share; use as a context.

    Each thread has a pool of its own: a shared one let its threads wait for each other a quarter of their time.
    """

    def __init__(self, *, allowed: Sequence[str], trust: Trust | None = None) -> None:
        """``trust`` adds authorities and a client certificate. Raises ssl.SSLError where it cannot be used."""
        self._context = _trusting_everyones()
        if trust is not None:
            self._context = httpx2.create_ssl_context(trust_env=False)
            equip(self._context, trust)
        self._network = _GuardedNetwork(allowed)
        self._own = threading.local()
        self._pools: queue.SimpleQueue[httpcore2.ConnectionPool] = queue.SimpleQueue()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        while not self._pools.empty():
            self._pools.get().close()

    def _pool(self) -> httpcore2.ConnectionPool:
        """This thread's own: a connection to the target and one to whoever gives out its tokens."""
        found: httpcore2.ConnectionPool | None = getattr(self._own, "pool", None)
        if found is None:
            found = self._own.pool = httpcore2.ConnectionPool(
                ssl_context=self._context,
                max_connections=2,
                max_keepalive_connections=2,
                keepalive_expiry=KEEP_ALIVE_SECONDS,
                network_backend=self._network,
            )
            self._pools.put(found)
        return found

    def call(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        seconds: float,
        most: int = READ_AT_MOST,
    ) -> Reply:
        """One request and its answer within ``seconds`` in all, ``most`` bytes of it. Raises CallFailed alone."""
        _call.deadline = time.monotonic() + seconds
        try:
            parts = check_url(url)
            sent = [("host", parts.netloc), ("accept-encoding", "identity"), ("content-length", str(len(body)))]
            with self._pool().stream(
                method, url, headers=[*sent, *headers.items()], content=body, extensions=_timeouts(seconds)
            ) as response:
                text = _read(response, most)
        except Forbidden as error:
            raise CallFailed("blocked", str(error)) from error
        except (httpcore2.ConnectTimeout, httpcore2.PoolTimeout) as error:
            raise CallFailed("unreachable", "no connection in time") from error
        except httpcore2.TimeoutException as error:
            raise CallFailed("timeout", f"no answer within {seconds:g} seconds") from error
        except httpcore2.ConnectError as error:
            raise CallFailed(*_why(error, "unreachable")) from error
        except (httpcore2.NetworkError, httpcore2.ProtocolError, ssl.SSLError, ValueError, OSError) as error:
            raise CallFailed(*_why(error, "broken")) from error
        named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
        return Reply(response.status, named, text)


def _read(response: httpcore2.Response, most: int) -> str:
    """The first bytes, never decompressed; what comes after is left behind with the connection."""
    held = bytearray()
    for piece in response.iter_stream():
        held += piece
        if len(held) >= most:
            break
    return bytes(held[:most]).decode("utf-8", "replace").replace("\x00", "\ufffd")


def _timeouts(seconds: float) -> dict[str, Any]:
    return {"timeout": {"pool": seconds, "connect": CONNECT_SECONDS, "read": seconds, "write": seconds}}


def _time_left(error: type[Exception]) -> float:
    left: float = _call.deadline - time.monotonic()
    if left <= 0:
        raise error("the deadline of the call has passed")
    return left


def _why(error: Exception, otherwise: str) -> tuple[str, str]:
    """What kind of failure it was, and why, as far as the error and its causes say."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return "certificate", cause.verify_message
        # A target that wants no part of our certificate says so by an alert, in TLS 1.3 only when we first read.
        if isinstance(cause, ssl.SSLError) and (cause.reason or "").split("ALERT_")[-1] in ALERTS:
            return "certificate", f"the target refuses our own certificate ({ALERTS[cause.reason.split('ALERT_')[-1]]})"
        cause = cause.__cause__ or cause.__context__
    return otherwise, _ERRNO.sub("", str(error))[:200] if otherwise == "unreachable" else type(error).__name__
