"""What a merge means to the systems that are told about golden records: the room that carries facts out says so."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string


@dataclass(frozen=True)
class Merging:
    """Records that become one: who stays, and who is merged into it."""

    winner: UUID
    losers: Sequence[UUID]


@dataclass(frozen=True)
class LocalRecord:
    """What a target has of a member. ``version`` is None where the first one is still on its way to it."""

    code: str
    local_id: str
    version: int | None


@dataclass(frozen=True)
class Consequence:
    """One member that goes, as the target knows it, and the record it is then to use instead. ``into`` is None where
    the target has nothing of that one yet; ``into_code`` is its code in any case."""

    gone: LocalRecord
    into: LocalRecord | None
    into_code: str
    told: bool


@dataclass(frozen=True)
class TargetOfMerge:
    """One target that has any of the members that go. ``holding_back`` says why it is not told at once."""

    code: str
    name: str
    consequences: Sequence[Consequence]
    holding_back: str


def targets_of(merges: Sequence[Merging]) -> Sequence[TargetOfMerge]:
    """The targets that have any of the records that go, by name; none where nothing carries facts out."""
    if not settings.TARGETS_OF_MERGE:
        return ()
    ask: Callable[[Sequence[Merging]], Sequence[TargetOfMerge]] = import_string(settings.TARGETS_OF_MERGE)
    return ask(merges)
