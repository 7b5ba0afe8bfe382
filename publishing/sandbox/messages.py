"""Events of made-up records, rendered as a webhook is sent them: no golden record and no log is touched."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from mdm import canonical
from mdm.identity import uuid7
from mdm.models import EventVerb, GoldenState
from mdm.spec import Domain, Kind
from publishing import payloads


@dataclass(frozen=True)
class Told:
    """One message as it may be sent any number of times: the same id and the same bytes."""

    id: str
    body: str
    record: str
    version: int


@dataclass
class MadeUp:
    """A record that exists in the sandbox only."""

    number: int
    id: UUID = field(default_factory=uuid7)
    version: int = 0
    state: str = ""


@dataclass
class Teller:
    """Tells what happens to made-up records of one domain, numbered like a log and a lane of their own."""

    domain: Domain
    epoch: UUID = field(default_factory=uuid4)
    sequence: int = 0
    number: int = 0

    def tell(
        self,
        record: MadeUp,
        verb: EventVerb | str,
        *,
        state: str = GoldenState.ACTIVE,
        merged_into: MadeUp | None = None,
        title: str = "",
        anew: bool = False,
    ) -> Told:
        """The next version of the record as a message; with ``anew`` the version it has, under another id."""
        before, record.state = record.state, str(state)
        record.version += not anew
        title = title or f"Sandbox {self.domain.label.lower()} {record.number}"
        event = self._event(record, verb, before, title)
        event["merged_into"] = str(merged_into.id) if merged_into else None
        return self.render(event)

    def render(self, event: Mapping[str, Any], **more: Any) -> Told:
        """The event as a message; ``more`` is put into the envelope."""
        self.sequence += 1
        self.number += 1
        message = payloads.envelope(dict(event), seq=self.sequence, epoch=self.epoch, number=self.number) | more
        return Told(message["id"], canonical.dumps(message), event["record"], event["version"])

    def skip(self) -> None:
        """One number of the lane and of the log never arrives."""
        self.sequence += 1
        self.number += 1

    def _event(self, record: MadeUp, verb: EventVerb | str, before: str, title: str) -> dict[str, Any]:
        texts = [attribute for attribute in self.domain.attributes if attribute.kind is Kind.TEXT and attribute.label]
        values = {texts[0].name: title}
        return {
            "id": str(uuid7()),
            "domain": self.domain.name,
            "verb": str(verb),
            "record": str(record.id),
            "code": f"{self.domain.prefix}-TEST{record.number}",
            "version": record.version,
            "previous_version": record.version - 1 or None,
            "state": record.state,
            "previous_state": before or None,
            "merged_into": None,
            "title": title,
            "occurred_at": datetime.now(UTC).isoformat(),
            "actor": "Sandbox",
            "correlation_id": str(uuid4()),
            "attributes": values,
            "parts": {part.name: [] for part in self.domain.parts},
            "extension": {},
            "provenance": {},
            "changed": [{"attribute": texts[0].name, "before": None, "after": title}],
            "sources": [],
            "digest": canonical.digest(values),
        }
