"""Why golden records change: who acts, for what reason, on whose approval."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from mdm.identity import uuid7


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


HUB = Actor(name="Assay", kind="system", channel="task")
