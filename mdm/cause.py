"""Why golden records change: who acts, for what reason, on whose approval."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from mdm.errors import Invalid
from mdm.identity import uuid7

LONGEST_REASON = 500


@dataclass(frozen=True)
class Actor:
    """A person, a client system or the hub itself, and the channel it came through."""

    name: str
    kind: Literal["person", "client", "system"] = "system"
    channel: Literal["page", "api", "command", "task"] = "task"
    user_id: int | None = None


@dataclass(frozen=True)
class Cause:
    """Carried by every verb into the version and the event. One ``correlation_id`` for everything one act changes."""

    by: Actor
    reason: str
    correlation_id: UUID = field(default_factory=uuid7)
    decision_id: UUID | None = None
    approved_by: str = ""


def reason_given(text: str) -> str:
    """The reason a person typed, without blanks at its ends. Raises Invalid for one that is too long: none is cut."""
    said = text.replace("\r\n", "\n").strip()
    if len(said) > LONGEST_REASON:
        told = f"{len(said):,} characters are too many: at most {LONGEST_REASON} are kept."
        raise Invalid("The reason is too long.", "Shorten it and send it again.", [("reason", told)])
    return said


HUB = Actor(name="Assay", kind="system", channel="task")
