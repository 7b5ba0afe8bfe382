"""Endpoints, and targets on the loopback that answer as they are told and remember every call."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

from django.db import connection

from mdm.mastering import Actor, contribute
from mdm.models import GoldenRecord
from publishing.draining import drain
from publishing.endpoints import Proposal, create_endpoint
from publishing.models import AuthKind, Delivery, Endpoint, EndpointKind, EndpointState
from publishing.running import Drained
from tests.factories import publish, supplier, why

OWNER = Actor(name="Olga Owner", kind="person", channel="page")
TOKEN = "token-canary-2f6d"
SIGNING = "whsec_c2lnbmluZy1jYW5hcnktZm9yLXRlc3RzLW9ubHktMzI="


@dataclass
class Call:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Answer:
    """One answer to give; ``before`` runs first, in the target's thread."""

    code: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"id": "V-1"}'
    before: Callable[[], None] | None = None


class Target:
    """An HTTP server on the loopback. ``answer`` is what it says, or decides that from the call."""

    def __init__(self, answer: Answer | Callable[[Call], Answer] | None = None) -> None:
        self.answer: Answer | Callable[[Call], Answer] = answer or Answer()
        self.calls: list[Call] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        # Who is called may hang up in the middle of a long answer; that is no fault of the test.
        self.server.handle_error = lambda *_: None  # type: ignore[method-assign]
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        target = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def _take(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                call = Call(self.command, self.path, headers, body)
                target.calls.append(call)
                answer = target.answer(call) if callable(target.answer) else target.answer
                if answer.before:
                    answer.before()
                self.send_response(answer.code)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_PATCH = _take  # noqa: N815 - names the standard library calls

            def log_message(self, *args: object) -> None:
                pass

        return Handler

    def versions(self, record: GoldenRecord) -> list[int]:
        """The versions of one record in the order they came."""
        return [call.json["recordversion"] for call in self.calls if call.json.get("subject") == str(record.pk)]


def webhook(url: str, *, state: EndpointState = EndpointState.ACTIVE, **given: Any) -> Endpoint:
    """A verified webhook."""
    proposal = Proposal(
        code=given.pop("code", "hook"), name="Hook", kind=EndpointKind.WEBHOOK, url=url, signing_secret=SIGNING, **given
    )
    return _made(proposal, state)


def rest(url: str, *, state: EndpointState = EndpointState.ACTIVE, from_now: bool = False, **given: Any) -> Endpoint:
    """A verified REST target with a bearer token, told of everything or of what comes from now on."""
    proposal = Proposal(
        code=given.pop("code", "push"), name="Push", kind=EndpointKind.REST, url=url, method="PUT",
        path="/{slug}/{id}", auth_kind=AuthKind.BEARER, auth_secret=TOKEN, **given,
    )  # fmt: skip
    return _made(proposal, state, from_now=from_now)


def _made(proposal: Proposal, state: EndpointState, *, from_now: bool = False) -> Endpoint:
    endpoint = create_endpoint(proposal=proposal, by=OWNER, from_now=from_now)
    Endpoint.objects.filter(pk=endpoint.pk).update(state=state)
    endpoint.refresh_from_db()
    return endpoint


def suppliers(count: int) -> list[GoldenRecord]:
    """Active suppliers, their events numbered."""
    made = [supplier(f"K{number}", f"Company {number} Ltd") for number in range(count)]
    publish()
    return made


def rename(record: GoldenRecord, name: str) -> None:
    """A new version of a supplier, numbered."""
    contribute(record_id=record.pk, values={"name": name}, expected=None, cause=why(f"call it {name}"))
    publish()


def run(endpoint: Endpoint) -> Drained:
    """Drain the lane until nothing is due."""
    return drain(endpoint.pk)


def states(endpoint: Endpoint) -> list[str]:
    """The states of its deliveries in the order of the log."""
    return list(Delivery.objects.filter(endpoint=endpoint).order_by("seq").values_list("state", flat=True))


def pass_time(seconds: int) -> None:
    """The database's clock as publishing reads it stands this many seconds ahead, for this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('assay.clock_shift', %s, false)", [f"{seconds} seconds"])
