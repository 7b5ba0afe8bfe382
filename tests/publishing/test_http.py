"""Calls reach only where the operator lets them, and end when they must."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from publishing.addresses import Forbidden, check_url, may_call
from publishing.http import READ_AT_MOST, Caller, CallFailed
from tests.publishing.making import Answer, Target

LOOPBACK = ["127.0.0.0/8"]

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",  # noqa: S104 - a target, not a place to listen
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "169.254.169.254",
    "100.100.100.200",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2001:db8::1",
]


@pytest.mark.parametrize("address", INSIDE)
def test_addresses_inside_are_refused(address: str) -> None:
    assert not may_call(address, [])


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:4700::6810:84e5"])
def test_public_addresses_may_be_called(address: str) -> None:
    assert may_call(address, [])


def test_private_networks_open_only_where_the_operator_listed_them() -> None:
    assert may_call("10.1.2.3", ["10.1.0.0/16"])
    assert not may_call("10.2.2.3", ["10.1.0.0/16"])
    assert may_call("::ffff:10.1.2.3", ["10.1.0.0/16"])


@pytest.mark.parametrize("address", ["169.254.169.254", "0.1.2.3", "224.0.0.1", "fe80::1", "fd00:ec2::254"])
def test_some_addresses_stay_shut_whatever_the_operator_lists(address: str) -> None:
    assert not may_call(address, ["0.0.0.0/0", "::/0"])


@pytest.mark.parametrize(
    "url",
    [
        "ftp://erp.example.org/",
        "file:///etc/passwd",
        "gopher://erp.example.org/",
        "erp.example.org",
        "https://",
        "https://user:secret@erp.example.org/",
        "https://erp.example.org@169.254.169.254/",
        "https://erp.example.org/\r\nHost: other",
        "https://erp.example.org/a b",
        "https://erp.example.org\\@other/",
        "https://erp.example.org/#part",
        "http://erp.example.org:22/",
        "http://erp.example.org:5432/",
        "http://erp.example.org:6379/",
        "http://erp.example.org:99999/",
        "http://[::1/",
        "https://ers\u00e4tze.example/",
    ],
)
def test_addresses_that_say_something_else_are_refused(url: str) -> None:
    with pytest.raises(Forbidden):
        check_url(url)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "0"])
def test_no_way_of_writing_the_loopback_gets_through(target: Target, host: str) -> None:
    url = target.url.replace("127.0.0.1", host)
    with Caller(allowed=[]) as caller, pytest.raises(CallFailed) as failed:
        caller.call("POST", url, {}, b"{}", seconds=2)
    assert failed.value.kind in {"blocked", "unreachable"}
    assert target.calls == []


def test_a_name_that_changes_its_address_is_judged_by_the_one_called(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = target.server.server_port
    answers = iter([[("93.184.216.34", port), ("127.0.0.1", port)]])

    def resolve(*args: object, **kwargs: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in next(answers)]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with Caller(allowed=[]) as caller, pytest.raises(CallFailed) as failed:
        caller.call("POST", f"http://rebind.example.org:{port}/", {}, b"{}", seconds=2)
    assert failed.value.kind == "blocked"
    assert target.calls == []


def test_a_resolver_that_never_answers_ends_at_the_deadline(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def resolve(*args: object, **kwargs: object) -> list[tuple[object, ...]]:
        answered.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with Caller(allowed=[]) as caller, pytest.raises(CallFailed) as failed:
        caller.call("POST", "http://slow.example.org/", {}, b"{}", seconds=0.2)
    assert not answered.is_set()
    answered.set()
    assert failed.value.kind == "unreachable"


def test_the_environments_proxy_is_not_asked(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with Caller(allowed=LOOPBACK) as caller:
        assert caller.call("POST", target.url, {}, b"{}", seconds=2).code == 200


def test_a_huge_answer_is_read_to_64_kilobytes(target: Target) -> None:
    target.answer = Answer(200, body=b"x" * 5_000_000)
    with Caller(allowed=LOOPBACK) as caller:
        assert len(caller.call("POST", target.url, {}, b"{}", seconds=5).text) == READ_AT_MOST
        assert caller.call("POST", target.url, {}, b"{}", seconds=5).code == 200


def test_nothing_is_decompressed(target: Target) -> None:
    target.answer = Answer(200, headers={"Content-Encoding": "gzip"}, body=b"\x1f\x8b\x08bomb")
    with Caller(allowed=LOOPBACK) as caller:
        assert caller.call("POST", target.url, {}, b"{}", seconds=2).text.endswith("bomb")
    assert target.calls[0].headers["accept-encoding"] == "identity"


@contextlib.contextmanager
def raw_target(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that is no server: it accepts one connection and does with it what it likes."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                speak(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        thread.join(5)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n"])
def test_a_target_that_drips_ends_at_the_deadline(head: bytes) -> None:
    def drip(connection: socket.socket) -> None:
        connection.sendall(head or b"HTTP/1.1 200 OK\r\nx: ")
        for _ in range(60):
            connection.sendall(b"x")
            time.sleep(0.05)

    with raw_target(drip) as url, Caller(allowed=LOOPBACK) as caller:
        started = time.monotonic()
        with pytest.raises(CallFailed) as failed:
            caller.call("POST", url, {}, b"{}", seconds=0.5)
        assert time.monotonic() - started < 2
    assert failed.value.kind == "timeout"


@pytest.mark.parametrize("speech", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nab"])
def test_a_target_that_speaks_no_http_is_a_broken_answer(speech: bytes) -> None:
    def babble(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(speech)

    with raw_target(babble) as url, Caller(allowed=LOOPBACK) as caller, pytest.raises(CallFailed) as failed:
        caller.call("POST", url, {}, b"{}", seconds=2)
    assert failed.value.kind == "broken"
