"""The course a receiver is led over: each station sends something and judges what the receiver made of it."""

import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from mdm.identity import uuid7
from mdm.models import EventVerb, GoldenState
from mdm.spec import Domain
from publishing import payloads
from publishing.endpoints import new_secret
from publishing.sandbox.calling import Heard, Line
from publishing.sandbox.messages import MadeUp, Teller, Told

STALE = timedelta(minutes=10)


class Mark(StrEnum):
    """What a station found."""

    RIGHT = "right"
    WRONG = "WRONG"
    UNSEEN = "not seen"


@dataclass(frozen=True)
class Verdict:
    """One line of the report: what was tried, how it went, and what to do about it."""

    station: str
    mark: Mark
    words: str


@dataclass
class Course:
    """Two made-up records on their way through the receiver."""

    line: Line
    domain: Domain
    teller: Teller = field(init=False)
    first: MadeUp = field(default_factory=lambda: MadeUp(1))
    second: MadeUp = field(default_factory=lambda: MadeUp(2))
    sent: list[Told] = field(default_factory=list)
    local_id: str = ""

    def __post_init__(self) -> None:
        self.teller = Teller(self.domain)

    def run(self) -> Iterator[Verdict]:
        """Every station in turn; stops after the first where the receiver does not answer at all."""
        for name, station in self.stations():
            mark, words = station()
            yield Verdict(name, mark, words)
            if mark is Mark.WRONG and "gave no answer" in words:
                return

    def stations(self) -> list[tuple[str, Callable[[], tuple[Mark, str]]]]:
        """The course in order."""
        return [
            ("ping", self.ping),
            ("create", self.create),
            ("own id", self.own_id),
            ("update", self.update),
            ("duplicate", self.duplicate),
            ("out of order", self.out_of_order),
            ("retire", self.retire),
            ("merge", self.merge),
            ("unmerge", self.unmerge),
            ("replay", self.replay),
            ("mended by replay", self.mended),
            ("change of secrets", self.two_secrets),
            ("unknown type", self.unknown_type),
            ("other languages", self.languages),
            ("tampered body", self.tampered_body),
            ("tampered id", self.tampered_id),
            ("old message", self.stale),
            ("foreign secret", self.foreign_secret),
            ("gap", self.gap),
        ]

    # ---- what happens to records -----------------------------------------------------------------

    def ping(self) -> tuple[Mark, str]:
        """The challenge comes back."""
        uid, challenge = str(uuid7()), secrets.token_urlsafe(24)
        heard = self.line.send(Told(uid, payloads.ping(uid, challenge, datetime.now(UTC)), "", 0))
        if heard.took and heard.answer.get("challenge") == challenge:
            return Mark.RIGHT, "the challenge came back"
        return _wrong(heard, 'answer {"challenge": ...} with the value of data.challenge')

    def create(self) -> tuple[Mark, str]:
        """A new record is taken."""
        heard = self._send(self.teller.tell(self.first, EventVerb.CREATED))
        self.local_id = heard.local_id
        return self._taken(heard, self.first, version=1)

    def own_id(self) -> tuple[Mark, str]:
        """The answer names the receiver's own id."""
        if self.local_id:
            return Mark.RIGHT, f"it is {self.local_id} there, and shown on the record"
        return Mark.UNSEEN, 'answer {"id": your own id} and the hub shows it on the record'

    def update(self) -> tuple[Mark, str]:
        """A new version is taken under the same id."""
        heard = self._send(self.teller.tell(self.first, EventVerb.CHANGED, title="Sandbox, renamed"))
        if heard.took and self.local_id != heard.local_id:
            return Mark.WRONG, f"another id for the same record: {self.local_id}, then {heard.local_id}"
        return self._taken(heard, self.first, version=2)

    def duplicate(self) -> tuple[Mark, str]:
        """The same message again has no second effect."""
        before = self.line.held(str(self.first.id))
        heard = self.line.send(self.sent[-1], attempt=2)
        if not heard.took:
            return _wrong(heard, "a message seen before is answered like the first time, with 2xx")
        return self._unchanged(before, self.first, "no second effect")

    def out_of_order(self) -> tuple[Mark, str]:
        """A version older than the one held changes nothing."""
        late = self.teller.tell(self.first, EventVerb.CHANGED, title="Sandbox, version 3")
        newest = self.teller.tell(self.first, EventVerb.CHANGED, title="Sandbox, version 4")
        self._send(newest)
        heard = self._send(late)
        if not heard.took:
            return _wrong(heard, "what is older than you hold is no mistake; ignore it and answer 2xx")
        return self._state(self.first, "the older one was ignored", version=4)

    def retire(self) -> tuple[Mark, str]:
        """A retired record stays, marked."""
        heard = self._send(self.teller.tell(self.first, EventVerb.RETIRED, state=GoldenState.RETIRED))
        taken = self._taken(heard, self.first, version=5, state="retired")
        self._send(self.teller.tell(self.first, EventVerb.REINSTATED))
        return taken

    def merge(self) -> tuple[Mark, str]:
        """A merged record says which one answers for it."""
        self._send(self.teller.tell(self.second, EventVerb.CREATED))
        told = self.teller.tell(self.second, EventVerb.MERGED, state=GoldenState.MERGED, merged_into=self.first)
        return self._taken(self._send(told), self.second, state="merged", merged_into=str(self.first.id))

    def unmerge(self) -> tuple[Mark, str]:
        """A merge undone gives the old id back."""
        heard = self._send(self.teller.tell(self.second, EventVerb.UNMERGED))
        return self._taken(heard, self.second, state="active", merged_into=None)

    def replay(self) -> tuple[Mark, str]:
        """A range that ends before the newest, marked as a replay, takes no record back to an older version."""
        newest = {str(record.id): record.version for record in (self.first, self.second)}
        old = [told for told in self.sent if told.version < newest[told.record]]
        refused = [heard for told in old if not (heard := self.line.send(told, replay="1")).took]
        if refused:
            return _wrong(refused[0], "messages that are sent again are answered with 2xx")
        well = f"{len(old)} old messages again, none went back"
        return self._state(self.first, well, version=self.first.version, state="active", merged_into=None)

    def mended(self) -> tuple[Mark, str]:
        """The version held comes once more, marked as a replay and with its values: it is to be taken again."""
        self._send(self.teller.tell(self.first, payloads.LEFT, state=payloads.LEFT))
        told = self.teller.tell(self.first, EventVerb.CHANGED, title="Sandbox, told again", anew=True)
        self.sent.append(told)
        heard = self.line.send(told, replay="2")
        taken = self._taken(heard, self.first, version=self.first.version, state="active")
        if taken[0] is Mark.WRONG and heard.took:
            return Mark.WRONG, f"{taken[1]}: take what carries webhook-replay again unless you hold a newer version"
        return taken

    # ---- who speaks ------------------------------------------------------------------------------

    def two_secrets(self) -> tuple[Mark, str]:
        """While secrets change, one signature that fits is enough."""
        told = self.teller.tell(self.first, EventVerb.CHANGED)
        self.sent.append(told)
        heard = self.line.send(told, secrets=(new_secret(), self.line.secret))
        if not heard.took:
            return _wrong(heard, "several signatures may stand in the header; one that fits is enough")
        return self._state(self.first, "one signature that fits was enough", version=self.first.version)

    def unknown_type(self) -> tuple[Mark, str]:
        """News of a kind that does not exist yet is no mistake."""
        event = json.loads(self.sent[-1].body)["data"] | {"version": 1}
        told = self._foreign(event)
        heard = self.line.send(told)
        if heard.took:
            return Mark.RIGHT, "taken, as within a version types and fields are only added"
        return _wrong(heard, "answer 2xx to types you do not know, or a new one stops your lane")

    def _foreign(self, data: dict[str, Any]) -> Told:
        message = json.loads(self.sent[-1].body)
        uid = str(uuid7())
        message |= {"id": uid, "type": f"assay.{self.domain.name}.appraised.v9", "data": data, "new_field": [1, 2]}
        self.teller.skip()
        message |= {"sequence": f"{self.teller.sequence:020d}", "lanenumber": self.teller.number}
        return Told(uid, json.dumps(message, ensure_ascii=False), str(self.first.id), 1)

    def languages(self) -> tuple[Mark, str]:
        """Letters of any script, and a long text."""
        title = "Ärzte-Bedarf 医療 مستلزمات 🏥 " + "x" * 20_000
        heard = self._send(self.teller.tell(self.first, EventVerb.CHANGED, title=title))
        return self._taken(heard, self.first, version=self.first.version)

    def tampered_body(self) -> tuple[Mark, str]:
        """One character of the body differs from what was signed."""
        told = self.teller.tell(self.first, EventVerb.CHANGED, title="Sandbox, honest")
        heard = self.line.send(told, sent_body=told.body.replace("honest", "forged"))
        return self._refused(heard, self.first, "verify the exact bytes of the body")

    def tampered_id(self) -> tuple[Mark, str]:
        """A message under another id would get past the memory of ids."""
        told = self.teller.tell(self.first, EventVerb.CHANGED)
        return self._refused(self.line.send(told, sent_id=str(uuid7())), self.first, "the id is signed as well")

    def stale(self) -> tuple[Mark, str]:
        """A recording of an old message."""
        told = self.teller.tell(self.first, EventVerb.CHANGED)
        return self._refused(self.line.send(told, age=STALE), self.first, "refuse what is older than five minutes")

    def foreign_secret(self) -> tuple[Mark, str]:
        """Somebody else's signature."""
        told = self.teller.tell(self.first, EventVerb.CHANGED)
        heard = self.line.send(told, secrets=(new_secret(),))
        return self._refused(heard, self.first, "only signatures of your own secret count")

    def gap(self) -> tuple[Mark, str]:
        """After a number of the lane that never came, the next one is taken; the receiver may tell that it noticed."""
        heard = self._send(self.teller.tell(self.first, EventVerb.CHANGED))
        if not heard.took:
            return _wrong(heard, "take it; what is missing is read from the change feed")
        return self._state(self.first, "taken; lanenumber shows what is missing", version=self.first.version)

    # ---- judging ---------------------------------------------------------------------------------

    def _send(self, told: Told) -> Heard:
        self.sent.append(told)
        return self.line.send(told)

    def _taken(self, heard: Heard, record: MadeUp, **wanted: Any) -> tuple[Mark, str]:
        if not heard.took:
            return _wrong(heard, "answer 2xx when it is stored")
        return self._state(record, "taken", **wanted)

    def _refused(self, heard: Heard, record: MadeUp, advice: str) -> tuple[Mark, str]:
        if heard.took:
            return Mark.WRONG, f"{heard.words}, as if it were genuine: {advice}"
        if not heard.code:
            return Mark.WRONG, heard.words
        held = self.line.held(str(record.id))
        if held is not None and held.get("version", 0) >= record.version:
            return Mark.WRONG, f"{heard.words}, but stored it all the same"
        return Mark.RIGHT, f"turned away with {heard.code}"

    def _state(self, record: MadeUp, well: str, **wanted: Any) -> tuple[Mark, str]:
        if not self.line.states:
            return Mark.RIGHT, f"{well} (what it stored was not looked at)"
        held = self.line.held(str(record.id))
        if held is None:
            return Mark.WRONG, f"it holds nothing of the record {record.id}"
        wrong = [f"{name} is {held.get(name)!r}, not {value!r}" for name, value in wanted.items()
                 if held.get(name) != value]  # fmt: skip
        return (Mark.WRONG, "; ".join(wrong)) if wrong else (Mark.RIGHT, well)

    def _unchanged(self, before: dict[str, Any] | None, record: MadeUp, well: str) -> tuple[Mark, str]:
        if before is None:
            return Mark.RIGHT, f"{well.split(',', maxsplit=1)[0]} as far as its answers tell"
        after = self.line.held(str(record.id))
        if after != before:
            return Mark.WRONG, f"what it holds has changed: {before} became {after}"
        return Mark.RIGHT, well


def _wrong(heard: Heard, advice: str) -> tuple[Mark, str]:
    """What was wrong and what to do about it; where nobody answered, why not."""
    return Mark.WRONG, heard.trouble or f"{heard.words}: {advice}"
