"""Doing what the rules say, and taking it back: through mastering's verbs alone, each change kept with its undoing."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import Max
from django.utils import timezone

from matching import asking, misfits, verdicts
from matching.asking import Question
from matching.deciding import Resemblance
from matching.models import CandidateMember, CandidateState, ChangeKind, MatchCandidate, Rematch, RematchChange
from matching.rematch_looking import Doubt, Judged, View, between
from matching.rematch_questions import fading
from matching.rematch_standing import BY_PEOPLE
from matching.scoring import Score, sentence
from mdm import mastering
from mdm.cause import HUB, Cause
from mdm.errors import MdmError
from mdm.mastering import follow_merges
from mdm.models import GoldenRecord, GoldenState, Link, Merge
from mdm.spec import Domain

Parts = Mapping[int, Sequence[int]]


@dataclass(frozen=True)
class Batch:
    """What one step of a re-match works with: the run, whom it looks at, what the rules make of them, and why."""

    run: Rematch
    domain: Domain
    seeds: Collection[UUID]
    view: View
    judged: Judged
    cause: Cause


def carry_out(batch: Batch) -> list[RematchChange]:
    """Split, join and ask as judged; returns the changes, stored. Callers hold the domain's matching.

    Of a golden record looked at only in part (it resembles one of these and falls apart itself) nothing is moved: its
    own turn comes. Raises the refusals of mastering.
    """
    holders = _split(batch)
    changes = holders.changes + _join(batch, holders.of)
    changes += _ask(batch, holders.of)
    changes += _stop_asking(batch)
    return RematchChange.objects.bulk_create(changes)


@dataclass(frozen=True)
class _Holders:
    """Which golden record holds which part of what: {(golden record, group): golden record now}."""

    of: Mapping[tuple[UUID, int], UUID]
    changes: list[RematchChange]


def _split(batch: Batch) -> _Holders:
    """Take apart the golden records in turn that fall apart; the largest part keeps the identity."""
    judged, now = batch.judged, timezone.now()
    of: dict[tuple[UUID, int], UUID] = {}
    changes = []
    for golden, numbers in judged.at.items():
        of |= dict.fromkeys(((golden, number) for number in numbers), golden)
        if golden not in batch.seeds or len(numbers) < 2:
            continue
        parts = {n: [pk for p in judged.groups[n] if p.golden == golden for pk in p.records] for n in numbers}
        keeper = max(parts, key=lambda n: (len(parts[n]), -min(parts[n])))
        followed = _with_stubs(batch.view, golden, parts, keeper)
        leaving = [number for number in numbers if number != keeper]
        made = mastering.split(groups=[followed[number] for number in leaving], cause=batch.cause)
        for number, fresh in zip(leaving, made, strict=True):
            of[golden, number] = fresh
            told = between(batch.view.scored, parts[number], parts[keeper], weakest=True)
            changes.append(
                _change(batch, ChangeKind.SPLIT, golden, told, other_id=fresh, sources=list(followed[number]), at=now)
            )
    return _Holders(of, changes)


def _with_stubs(view: View, golden: UUID, parts: Parts, keeper: int) -> dict[int, list[int]]:
    """The parts with those known by name only: each goes where its name is borne, else stays."""
    followed = {number: list(records) for number, records in parts.items()}
    borne = {number: {name for pk in records for name in view.names[pk]} for number, records in parts.items()}
    for stub in view.stubs.get(golden, ()):
        names = set(view.names[stub])
        home = next((n for n in parts if names & borne[n] and not names & borne[keeper]), keeper)
        followed[home].append(stub)
    return followed


def _join(batch: Batch, of: Mapping[tuple[UUID, int], UUID]) -> list[RematchChange]:
    judged, changes = batch.judged, []
    for number in _in_turn(batch):
        parts: dict[UUID, list[int]] = {}
        for piece in judged.groups[number]:
            if piece.golden in batch.seeds or piece.golden not in judged.broken:
                parts.setdefault(of[piece.golden, number], []).extend(piece.records)
        if len(parts) < 2:
            continue
        winner = _winner(parts)
        losers = sorted(parts.keys() - {winner})
        merges = mastering.merge(winner_id=winner, loser_ids=losers, expected={}, cause=batch.cause)
        verdicts.supersede(cause=batch.cause, records=losers)
        for loser, merge in zip(losers, merges, strict=True):
            told = between(batch.view.scored, parts[loser], parts[winner], weakest=False)
            changes.append(_change(batch, ChangeKind.JOIN, winner, told, other_id=loser, merge_id=merge))
    return changes


def _in_turn(batch: Batch) -> list[int]:
    """The groups in which one of the golden records in turn is found."""
    return sorted({number for golden in batch.seeds for number in batch.judged.at.get(golden, ())})


def _winner(parts: Mapping[UUID, Sequence[int]]) -> UUID:
    """In use before suspected, then the most sources, then the oldest."""
    states = dict(GoldenRecord.objects.filter(pk__in=parts).values_list("pk", "state"))
    return min(parts, key=lambda pk: (states[pk] != GoldenState.ACTIVE, -len(parts[pk]), pk))


def _ask(batch: Batch, of: Mapping[tuple[UUID, int], UUID]) -> list[RematchChange]:
    """Ask people about what the rules doubt, and remember which questions that made."""
    last = MatchCandidate.objects.aggregate(last=Max("pk"))["last"] or 0
    now = follow_merges(set(of.values()))
    turn = set(_in_turn(batch))
    questions, doubted = [], []
    for doubt in batch.judged.doubts:
        left, right = (_holder(batch, number, of, now) for number in (doubt.left, doubt.right))
        if left is None or right is None or not {doubt.left, doubt.right} & turn:
            continue
        if doubt.left == doubt.right:
            doubted.append((left, *doubt.pairs[0][:2]))
        elif left != right:
            questions.append(_question(left, right, doubt))
    asking.store(batch.domain, questions, {})
    misfits.doubt(batch.domain, batch.view.scored, batch.view.before, doubted)
    fresh = MatchCandidate.objects.filter(pk__gt=last, domain=batch.domain.name).prefetch_related("members")
    return [
        _change(batch, ChangeKind.QUESTION, min(m.record_id for m in one.members.all()), None, candidate_id=one.pk,
                score=one.score, sentence=one.sentence)
        for one in fresh
    ]  # fmt: skip


def _holder(batch: Batch, number: int, of: Mapping[tuple[UUID, int], UUID], now: Mapping[UUID, UUID]) -> UUID | None:
    """The golden record that stands for a group; none where that one's own turn is still to come."""
    held = {piece.golden for piece in batch.judged.groups[number]}
    if any(golden in batch.judged.broken and golden not in batch.seeds for golden in held):
        return None
    return now[of[min(held), number]]


def _question(left: UUID, right: UUID, doubt: Doubt) -> Question:
    return Question(tuple(sorted((left, right), key=str)), (Resemblance(left, right, doubt.bits, doubt.pairs),))


def _stop_asking(batch: Batch) -> list[RematchChange]:
    over = fading(batch.domain, batch.seeds, before=batch.run.started_at)
    withdrawn = verdicts.stop_asking(candidate_ids=list(over), cause=batch.cause)
    fitting = misfits.settle(cause=batch.cause, domain=batch.domain, records=batch.seeds, since=batch.run.started_at)
    homes = dict(CandidateMember.objects.filter(candidate__in=fitting).values_list("candidate", "record"))
    return [
        *(_change(batch, ChangeKind.WITHDRAWN, min(over[pk]), None, candidate_id=pk) for pk in withdrawn),
        *(_change(batch, ChangeKind.WITHDRAWN, homes[pk], None, candidate_id=pk) for pk in fitting),
    ]


def _change(
    batch: Batch, kind: ChangeKind, record: UUID, found: tuple[float, Score] | None, **values: object
) -> RematchChange:
    told = {"score": found[0], "sentence": sentence(found[1])[:300]} if found else {}
    return RematchChange(
        **{"run": batch.run, "kind": kind, "record_id": record, "at": timezone.now(), **told, **values}
    )


def take_back(change: RematchChange, cause: Cause) -> None:
    """Revert one change, newest changes first; one that people have decided about since is left, and says why.

    Repeats without effect: what is reverted or left is not asked for again.
    """
    try:
        change.left = _TAKE_BACK[ChangeKind(change.kind)](change, cause)
    except MdmError as refusal:
        change.left = refusal.message
    change.left = change.left[:300]
    change.reverted_at = timezone.now()
    change.save(update_fields=["left", "reverted_at"])


def _unjoin(change: RematchChange, cause: Cause) -> str:
    merge = Merge.objects.get(rematch_changes=change)
    if merge.undone_at is not None:
        return "It was unmerged since."
    holder = follow_merges([merge.winner_id])[merge.winner_id]
    if _touched([holder], change):
        return "A person decided about the record since."
    closed = MatchCandidate.objects.filter(
        state=CandidateState.SUPERSEDED, decided_by=HUB.name, decided_at__gte=merge.merged_at,
        members__record=merge.loser_id,
    )  # fmt: skip
    asked = list(closed.values_list("pk", flat=True))
    mastering.unmerge(merge_ids=[merge.pk], cause=cause)
    verdicts.ask_again(candidate_ids=asked)
    return ""


def _unsplit(change: RematchChange, cause: Cause) -> str:
    assert change.other_id is not None  # noqa: S101 - a split names what it made
    here, fresh = change.record_id, change.other_id
    now = follow_merges([here, fresh])
    if now[fresh] != fresh:
        return "What was split off was merged since."
    own = set(Link.objects.filter(record=fresh, ended_at__isnull=True, source_record__part="",
                                  source_record__system__internal=False)
              .values_list("source_record_id", flat=True))  # fmt: skip
    if not own <= set(change.sources) or _touched([fresh, now[here]], change):
        return "A person decided about the record since, or more has come to it."
    mastering.merge(winner_id=now[here], loser_ids=[fresh], expected={}, cause=cause)
    return ""


def _unask(change: RematchChange, cause: Cause) -> str:
    done = verdicts.stop_asking(candidate_ids=_named(change), cause=cause)
    return "" if done else "A person has looked at the question since."


def _ask_again(change: RematchChange, cause: Cause) -> str:
    return "" if verdicts.ask_again(candidate_ids=_named(change)) else "The question was opened again since."


def _named(change: RematchChange) -> list[int]:
    return [change.candidate_id] if change.candidate_id else []


_TAKE_BACK = {
    ChangeKind.JOIN: _unjoin,
    ChangeKind.SPLIT: _unsplit,
    ChangeKind.QUESTION: _unask,
    ChangeKind.WITHDRAWN: _ask_again,
}


def _touched(records: Iterable[UUID], change: RematchChange) -> bool:
    """Whether a person merged, linked or unmerged here after the change."""
    since = Link.objects.filter(
        record__in=list(records), ended_at__isnull=True, method__in=BY_PEOPLE, linked_at__gt=change.at
    )
    return since.exclude(linked_by=HUB.name).exists()
