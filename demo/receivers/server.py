"""The HTTP side of the receivers: messages in, a page and JSON out."""

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from demo.receivers.holdings import holdings
from demo.receivers.page import page
from demo.receivers.receiver import MODES, Answer, Receiver, Unproven

LARGEST_MESSAGE = 2 * 1024 * 1024
HOST = "127.0.0.1"
ALTERED = 3


class Server(ThreadingHTTPServer):
    """One receiver on one port of the loopback address."""

    daemon_threads = True

    def __init__(self, receiver: Receiver, port: int) -> None:
        self.receiver = receiver
        super().__init__((HOST, port), _Handler)


def serve(receiver: Receiver, port: int) -> Server:
    """A server bound to the port, not yet serving. Raises OSError where the port is taken."""
    return Server(receiver, port)


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet an answer
    timeout = 60

    def do_GET(self) -> None:
        place = urlsplit(self.path)
        if place.path.startswith("/records/"):
            found = self.server.receiver.ledger.record(unquote(place.path.removeprefix("/records/")))
            self._json(200 if found else 404, found or {"title": "No such record here"})
        elif place.path == "/holdings":
            self._holdings({name: values[-1] for name, values in parse_qs(place.query).items()})
        elif place.path != "/":
            self._json(404, {"title": "Nothing here"})
        elif "authorization" in self.headers:
            self._greet()
        else:
            query = {name: values[-1] for name, values in parse_qs(place.query).items()}
            self._send(200, "text/html; charset=utf-8", page(self.server.receiver, query).encode())

    def do_POST(self) -> None:
        if urlsplit(self.path).path == "/switch":
            self._switch()
        elif urlsplit(self.path).path == "/alter":
            self._alter()
        else:
            self._take()

    def do_PUT(self) -> None:
        self._take()

    def _take(self) -> None:
        body = self._body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        answer = self.server.receiver.take(headers, body)
        self._note(answer)
        kind = "application/problem+json" if answer.code >= HTTPStatus.BAD_REQUEST else "application/json"
        self._json(answer.code, answer.body, kind)

    def _note(self, answer: Answer) -> None:
        self.server.receiver.ledger.note(
            what=f"{self.command} {urlsplit(self.path).path}"[:90], subject=answer.subject,
            verified=answer.verified, code=answer.code, note=answer.note,
        )  # fmt: skip

    def _holdings(self, query: dict[str, str]) -> None:
        """What is held here, for whoever proves to be the hub."""
        receiver = self.server.receiver
        if receiver.ledger.mode() == "down":
            self._json(503, {"title": "Down for maintenance"})
            return
        try:
            verified = receiver.prove({name.lower(): value for name, value in self.headers.items()}, b"")
            answer = holdings(receiver.ledger, query)
        except Unproven as error:
            self._json(401, {"title": str(error)})
            return
        except ValueError:
            self._json(422, {"title": "limit is a number"})
            return
        what = "digests" if "buckets" in answer else f"{len(answer['records'])} records"
        self._note(Answer(200, {}, "what is held", verified, f"told: {what}"))
        self._json(200, answer)

    def _alter(self) -> None:
        """Somebody here changes records behind the hub's back."""
        if self._body() is None:
            return
        if not self._from_own_page():
            self._json(403, {"title": "Alter records from this system's own page, or with curl"})
            return
        altered = self.server.receiver.ledger.alter(ALTERED)
        self._note(Answer(200, {}, f"{len(altered)} records", "", "altered here"))
        if "text/html" in self.headers.get("accept", ""):
            self._send(303, "text/plain", b"", {"Location": "/"})
        else:
            self._json(200, {"altered": altered})

    def _from_own_page(self) -> bool:
        origin = self.headers.get("origin")
        return not origin or urlsplit(origin).netloc == self.headers.get("host")

    def _greet(self) -> None:
        """A signed-in GET asks whether this is the right system and the token is good."""
        try:
            verified = self.server.receiver.prove({"authorization": self.headers["authorization"]}, b"")
        except Unproven as error:
            self._json(401, {"title": str(error)})
            return
        self._note(Answer(200, {}, "greeting", verified, "answered"))
        self._json(200, {"system": self.server.receiver.character.name})

    def _switch(self) -> None:
        body = self._body()
        if body is None:
            return
        mode = parse_qs(body.decode("utf-8", "replace")).get("mode", [""])[-1]
        if not self._from_own_page():
            self._json(403, {"title": "Switch it from its own page, or with curl"})
        elif mode not in MODES:
            self._json(422, {"title": f"mode is one of {', '.join(MODES)}"})
        else:
            self.server.receiver.ledger.turn(mode)
            if "text/html" in self.headers.get("accept", ""):
                self._send(303, "text/plain", b"", {"Location": "/"})
            else:
                self._json(200, {"mode": mode, "means": MODES[mode]})

    def _body(self) -> bytes | None:
        length = self.headers.get("content-length", "")
        if not length.isdigit() or int(length) > LARGEST_MESSAGE:
            self.close_connection = True
            self._json(413, {"title": "Say how long the message is; at most 2 MB"})
            return None
        return self.rfile.read(int(length))

    def _json(self, code: int, body: dict[str, Any], kind: str = "application/json") -> None:
        self._send(code, kind, json.dumps(body, ensure_ascii=False).encode())

    def _send(self, code: int, kind: str, body: bytes, more: dict[str, str] | None = None) -> None:
        self.send_response(code)
        for name, value in {"content-type": kind, "cache-control": "no-store", **(more or {})}.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
        """Calls are on the page; the log stays readable."""
