"""Calls of the sandbox: through the same client, headers and signatures as real deliveries."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from publishing.http import Caller, CallFailed
from publishing.models import EndpointKind
from publishing.sandbox.messages import Told
from publishing.sending import Message, Route, headers_for


@dataclass(frozen=True)
class Heard:
    """What the receiver answered; ``code`` is 0 where it did not, and ``trouble`` says why."""

    code: int
    answer: dict[str, Any] = field(default_factory=dict)
    trouble: str = ""

    @property
    def took(self) -> bool:
        """Whether the receiver says that it took the message."""
        return 200 <= self.code < 300

    @property
    def local_id(self) -> str:
        """The receiver's own id of the record, blank where it names none."""
        found = self.answer.get("id")
        return str(found) if isinstance(found, str | int) else ""

    @property
    def words(self) -> str:
        """The answer in a few words."""
        return self.trouble or f"answered {self.code}"


@dataclass
class Line:
    """The way to one receiver. ``states`` is the address that shows what it holds, with {id} in it, or blank."""

    caller: Caller
    url: str
    secret: str
    states: str = ""
    seconds: float = 10.0

    def send(
        self,
        told: Told,
        *,
        attempt: int = 1,
        age: timedelta = timedelta(0),
        secrets: Sequence[str] = (),
        replay: str = "",
        sent_body: str = "",
        sent_id: str = "",
    ) -> Heard:
        """Sign the message and send it; ``sent_body`` and ``sent_id`` go out in place of what was signed."""
        route = Route(EndpointKind.WEBHOOK, self.url, "POST", self.seconds, "", tuple(secrets) or (self.secret,))
        message = Message(id=told.id, body=told.body, number=attempt)
        headers = headers_for(route, message, datetime.now(UTC) - age)
        if replay:
            headers["webhook-replay"] = replay
        if sent_id:
            headers["webhook-id"] = sent_id
        return self._call("POST", self.url, headers, sent_body or told.body)

    def held(self, record: str) -> dict[str, Any] | None:
        """What the receiver says it holds of the record; None where it holds nothing or shows nothing."""
        if not self.states:
            return None
        heard = self._call("GET", self.states.replace("{id}", record), {"accept": "application/json"}, "")
        return heard.answer if heard.took else None

    def _call(self, method: str, url: str, headers: dict[str, str], body: str) -> Heard:
        try:
            reply = self.caller.call(method, url, headers, body.encode(), seconds=self.seconds)
        except CallFailed as error:
            return Heard(0, trouble=f"gave no answer: {error}")
        try:
            document = json.loads(reply.text)
        except ValueError:
            document = {}
        return Heard(reply.code, document if isinstance(document, dict) else {})
