"""Targets that lie, drip, flood or lead elsewhere cost neither memory nor time, and each gets its code."""

import contextlib
import gzip
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from publishing.endpoints import rotate_secret
from publishing.http import READ_AT_MOST, Caller, CallFailed
from publishing.models import Attempt, Endpoint
from publishing.payloads import ping
from publishing.sending import sign
from tests.publishing.making import OWNER, SIGNING, Answer, Call, Target, rename, rest, run, suppliers, webhook
from tests.publishing.test_http import LOOPBACK, raw_target

MEGABYTE = 1024 * 1024
BOMB = gzip.compress(b"\0" * MEGABYTE) * 2000  # two gigabytes for who opens it
Speech = Callable[[socket.socket], None]


def asked(connection: socket.socket) -> None:
    """Read the request to the end of its two bytes of body."""
    got = b""
    while not got.endswith(b"{}"):
        got += connection.recv(65536)


def floods(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 5368709120\r\n\r\n")
    block = b"x" * MEGABYTE
    for _ in range(5120):
        connection.sendall(block)


def floods_in_chunks(connection: socket.socket) -> None:
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(5120):
        connection.sendall(b"100000\r\n" + b"x" * MEGABYTE + b"\r\n")


def bombs(connection: socket.socket) -> None:
    asked(connection)
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: {len(BOMB)}\r\n\r\n"
    connection.sendall(head.encode() + BOMB)


def boasts(connection: socket.socket) -> None:
    """Headers without end."""
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for number in range(10_000_000):
        connection.sendall(f"x-{number}: {'y' * 1000}\r\n".encode())


def shouts(connection: socket.socket) -> None:
    """One header of 100 MB."""
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\nx: ")
    for _ in range(100):
        connection.sendall(b"y" * MEGABYTE)


def stutters(connection: socket.socket) -> None:
    """One byte a second, chunked, so that every read succeeds."""
    asked(connection)
    connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(100):
        connection.sendall(b"1\r\nx\r\n")
        time.sleep(0.1)


def promises(connection: socket.socket) -> None:
    """Interim answers without end, never the real one."""
    asked(connection)
    for _ in range(10_000):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.01)


def says(answer: bytes) -> Speech:
    def speak(connection: socket.socket) -> None:
        asked(connection)
        connection.sendall(answer)

    return speak


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
HOSTILE = {
    "floods": (floods, 200),
    "floods in chunks": (floods_in_chunks, 200),
    "gzip bomb": (bombs, 200),
    "endless headers": (boasts, "broken"),
    "a header of 100 MB": (shouts, "broken"),
    "one byte at a time": (stutters, "timeout"),
    "endless interim answers": (promises, "timeout"),
    "chunk of no size": (says(CHUNKED + b"zz\r\nabc\r\n"), "broken"),
    "chunk of negative size": (says(CHUNKED + b"-5\r\nabc\r\n"), "broken"),
    "chunk of endless size": (says(CHUNKED + b"f" * 40 + b"\r\nabc\r\n"), "broken"),
    "chunks that stop": (says(CHUNKED + b"5\r\nab"), "broken"),
    "two lengths": (says(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 9\r\n\r\nok"), "broken"),
    "negative length": (says(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n"), "broken"),
    "folded header": (says(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: a\r\n\x00b\r\n\r\n"), "broken"),
    "no status": (says(b"HTTP/1.1 OK\r\n\r\n"), "broken"),
    "HTTP/2 preface": (says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "broken"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_answer_costs_neither_memory_nor_time(name: str) -> None:
    speak, expected = HOSTILE[name]
    with raw_target(speak) as url, Caller(allowed=LOOPBACK) as caller:
        started = time.monotonic()
        tracemalloc.start()
        try:
            outcome: object = caller.call("POST", url, {}, b"{}", seconds=1).code
        except CallFailed as error:
            outcome = error.kind
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        took = time.monotonic() - started
    assert outcome == expected
    # What the target itself holds in this process is counted too: a block of its own.
    assert peak < 5 * MEGABYTE + READ_AT_MOST
    assert took < 3


def test_no_header_of_ours_can_be_broken_open(target: Target) -> None:
    for value in ("a\r\nx-other: b", "a\nb", "a\x00b"):
        with Caller(allowed=LOOPBACK) as caller, pytest.raises(CallFailed) as failed:
            caller.call("POST", target.url, {"authorization": value}, b"{}", seconds=2)
        assert failed.value.kind == "broken"
    assert target.calls == []


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "HTTPS_PROXY", "NO_PROXY"])
def test_no_variable_of_the_environment_leads_calls_elsewhere(
    target: Target, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    with Target() as proxy:
        monkeypatch.setenv(name, proxy.url)
        with Caller(allowed=LOOPBACK) as caller:
            assert caller.call("POST", target.url, {}, b"{}", seconds=2).code == 200
        assert proxy.calls == []
    assert len(target.calls) == 1


@pytest.mark.parametrize("host", [
    "127.0.0.1", "localhost", "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "0",
    "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "127.0.0.1.",
])  # fmt: skip
def test_no_spelling_of_the_loopback_is_called(target: Target, host: str) -> None:
    url = target.url.replace("127.0.0.1", host)
    with Caller(allowed=[]) as caller, pytest.raises(CallFailed) as failed:
        caller.call("POST", url, {}, b"{}", seconds=2)
    assert failed.value.kind in {"blocked", "unreachable"}
    assert target.calls == []


def test_a_resolver_that_changes_its_mind_reaches_nothing_inside(
    target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first answer is an address the operator allows, the second one inside: each connection is judged anew."""
    port = target.server.server_port
    target.answer = Answer(200, headers={"Connection": "close"})
    told: list[str] = []

    def resolve(host: str, *args: object, **kwargs: object) -> list[tuple[object, ...]]:
        if host[0].isdigit():  # an address is its own answer
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))]
        told.append("169.254.169.254" if told else "127.0.0.1")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (told[-1], port))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with Caller(allowed=["127.0.0.1/32"]) as caller:
        url = f"http://rebind.example.org:{port}/"
        assert caller.call("POST", url, {}, b"{}", seconds=2).code == 200
        with pytest.raises(CallFailed) as failed:
            caller.call("POST", url, {}, b"{}", seconds=2)
    assert failed.value.kind == "blocked"
    assert told == ["127.0.0.1", "169.254.169.254"]
    assert len(target.calls) == 1


@pytest.mark.django_db
@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_redirect_is_told_and_never_followed(target: Target, code: int) -> None:
    suppliers(1)
    with Target() as elsewhere:
        target.answer = Answer(code, headers={"Location": f"{elsewhere.url}/stolen"})
        endpoint = rest(target.url)
        run(endpoint)
        assert elsewhere.calls == []
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.last_failure_code == "TARGET_REDIRECTED"
    assert "never followed" in endpoint.lane.last_failure


def use(endpoint: Endpoint, url: str) -> None:
    """The address as it might stand after its name was pointed inside."""
    Endpoint.objects.filter(pk=endpoint.pk).update(url=url)
    run(endpoint)
    endpoint.lane.refresh_from_db()


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["169.254.169.254", "10.0.0.1", "[::ffff:169.254.169.254]", "100.100.100.200"])
def test_a_target_that_has_moved_inside_is_blocked_with_words(target: Target, host: str) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    use(endpoint, f"http://{host}/latest/meta-data")
    assert endpoint.lane.last_failure_code == "BLOCKED_BY_POLICY"
    assert "which the operator has not allowed" in endpoint.lane.last_failure
    assert Attempt.objects.filter(endpoint=endpoint, outcome_code="BLOCKED_BY_POLICY").exists()


@contextlib.contextmanager
def receiver(secret: list[str]) -> Iterator[tuple[Target, list[str]]]:
    """A target that verifies with the one secret it knows at the moment; what fails is kept."""
    failures: list[str] = []
    lock = threading.Lock()

    def verified(call: Call) -> Answer:
        with lock:
            try:
                Webhook(secret[0]).verify(call.body, call.headers)
            except WebhookVerificationError as error:
                failures.append(str(error))
        return Answer(200)

    with Target(verified) as target:
        yield target, failures


@pytest.mark.django_db
def test_three_rotations_under_traffic_fail_no_verification() -> None:
    """The receiver changes over at its own time: between two rotations, in the middle of the traffic."""
    records = suppliers(8)
    known = [SIGNING]
    with receiver(known) as (target, failures):
        endpoint = webhook(target.url)
        run(endpoint)
        for turn in range(3):
            new = rotate_secret(endpoint=endpoint, by=OWNER, overlap=timedelta(hours=1))
            for number, record in enumerate(records):
                rename(record, f"Company {number} turn {turn} Ltd")
                run(endpoint)
                if number == 3:
                    known[0] = new
        assert len(target.calls) == 8 * 4
    assert failures == []


def test_one_changed_byte_id_or_time_breaks_the_signature() -> None:
    now = datetime.now(UTC)
    body = ping("msg_1", "challenge", now)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": sign((SIGNING,), "msg_1", now, body),
    }
    Webhook(SIGNING).verify(body, headers)
    late = now - timedelta(minutes=6)
    stale = {
        "webhook-id": "msg_1", "webhook-timestamp": str(int(late.timestamp())),
        "webhook-signature": sign((SIGNING,), "msg_1", late, body),
    }  # fmt: skip
    for changed, with_headers in (
        (body.replace("challenge", "Challenge", 1), headers),
        (body + " ", headers),
        (body, headers | {"webhook-id": "msg_2"}),
        (body, headers | {"webhook-timestamp": str(int(now.timestamp()) + 1)}),
        (body, stale),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(SIGNING).verify(changed, with_headers)
