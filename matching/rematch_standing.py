"""Which source records of a golden record people hold together: verified links, which no rule overrules.

A link is verified where a person merged, linked or unmerged: everything the golden record held at that moment was
looked at. What the hub merged or gave back by itself is looked through, level by level, to what stood before.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from matching.models import CandidateKind, CandidateState, MatchPair
from mdm.cause import HUB
from mdm.models import Link, LinkMethod


class Standing(StrEnum):
    """How firm a link is: the hub made the record of it, matching found it, or a person looked at it."""

    SYSTEM = "system"
    AUTOMATIC = "automatic"
    VERIFIED = "verified"


BY_PEOPLE = (LinkMethod.STEWARD, LinkMethod.MERGE, LinkMethod.UNMERGE)
_MOVES = (LinkMethod.MERGE, LinkMethod.UNMERGE)


@dataclass(frozen=True)
class Held:
    """One link of a source record. ``moved``: the hub itself brought it here, so the link before it still speaks."""

    record: UUID
    at: datetime
    verified: bool
    moved: bool


def held_together(ids: Collection[int]) -> list[frozenset[int]]:
    """Sets of at least two of these source records that people hold together. Three queries."""
    histories = _histories(ids)
    kept = MatchPair.objects.filter(
        candidate__kind__in=(CandidateKind.CONFLICT, CandidateKind.MISFIT),
        candidate__state=CandidateState.MERGED,
        left_source__in=histories,
        right_source__in=histories,
    ).values_list("left_source_id", "right_source_id")
    together = [{a, b} for a, b in kept if histories[a][0].record == histories[b][0].record]
    return united([*together, *kernels(histories)])


def _histories(ids: Collection[int]) -> dict[int, list[Held]]:
    """{source record: its links, the open one first}; ended ones only where the hub moved it."""
    columns = ("source_record_id", "record_id", "linked_at", "method", "linked_by")
    links = Link.objects.filter(source_record_id__in=list(ids))
    found = {row[0]: [_held(*row[1:])] for row in links.filter(ended_at__isnull=True).values_list(*columns)}
    moved = [pk for pk, held in found.items() if held[0].moved]
    if moved:
        ended = links.filter(source_record_id__in=moved, ended_at__isnull=False).order_by("-pk")
        for pk, *rest in ended.values_list(*columns):
            found[pk].append(_held(*rest))
    return found


def _held(record: UUID, at: datetime, method: str, by: str) -> Held:
    hub = by == HUB.name
    return Held(record, at, verified=method in BY_PEOPLE and not hub, moved=method in _MOVES and hub)


def kernels(histories: Mapping[int, Sequence[Held]]) -> Iterator[frozenset[int]]:
    """What people hold together, by the links of each source record, newest first."""
    here: dict[UUID, list[int]] = defaultdict(list)
    for pk, links in histories.items():
        here[links[0].record].append(pk)
    for ids in here.values():
        until = max((histories[pk][0].at for pk in ids if histories[pk][0].verified), default=None)
        looked_at = {pk for pk in ids if until is not None and histories[pk][0].at <= until}
        if len(looked_at) > 1:
            yield frozenset(looked_at)
        before = {
            pk: histories[pk][1:]
            for pk in ids
            if pk not in looked_at and histories[pk][0].moved and len(histories[pk]) > 1
        }
        if before:
            yield from kernels(before)


def standings(ids: Collection[int]) -> dict[int, Standing]:
    """{source record: how firm its link is}, for those that are linked. Four queries."""
    held = {pk for one in held_together(ids) for pk in one}
    links = Link.objects.filter(source_record_id__in=list(ids), ended_at__isnull=True)
    rows = links.values_list("source_record_id", "method", "linked_by", "score")
    return {pk: Standing.VERIFIED if pk in held else _standing(method, by, score) for pk, method, by, score in rows}


def _standing(method: str, by: str, score: float | None) -> Standing:
    if by != HUB.name and method != LinkMethod.PARENT:
        return Standing.VERIFIED
    alone = method == LinkMethod.PARENT or (method == LinkMethod.NEW and score is None)
    return Standing.SYSTEM if alone else Standing.AUTOMATIC


def united(sets: Iterable[Collection[int]]) -> list[frozenset[int]]:
    """Sets that share a member become one."""
    home: dict[int, set[int]] = {}
    for one in sets:
        joined = set(one).union(*(home[pk] for pk in one if pk in home))
        home.update(dict.fromkeys(joined, joined))
    return list({id(joined): frozenset(joined) for joined in home.values()}.values())
