"""The read side of one question: members, evidence, the choice made so far, and what a merge would do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from matching.models import CandidateKind, CandidateState, MatchCandidate
from matching.relations import Suggestion, suggest
from matching.rules import in_force
from mdm.domains import BY_NAME
from mdm.errors import NotFound
from mdm.mastering import MergePreview, follow_merges, preview_merge
from mdm.models import GoldenRecord, Merge
from mdm.queries import resolve
from mdm.spec import Domain
from stewardship import frozen, grid
from stewardship.evidence import Evidence
from stewardship.members import Member, load
from stewardship.models import ChangeRequest, Decision, RequestState
from stewardship.workflow.undoing import UNDOABLE

UNDO_HOURS = 12


@dataclass(frozen=True)
class Choice:
    """What the page holds so far: the winner, and which members were ticked out. Nothing chosen yet: the defaults."""

    winner: UUID | None = None
    ticked: frozenset[UUID] | None = None


@dataclass(frozen=True)
class Group:
    """Members side by side with one choice among them; candidates and free comparisons are both shown as one."""

    domain: Domain
    members: Sequence[Member]
    ticked: frozenset[UUID]
    winner: UUID
    rows: Sequence[grid.Row]
    preview: MergePreview | None
    open_requests: int = 0

    @property
    def leading(self) -> Member:
        """The member that would win."""
        return next(member for member in self.members if member.record.pk == self.winner)

    @property
    def left_out(self) -> int:
        """How many members are ticked out."""
        return len(self.members) - len(self.ticked)

    @property
    def equal_count(self) -> int:
        """Rows every member agrees on."""
        return sum(row.state == grid.EQUAL for row in self.rows)

    @property
    def empty_count(self) -> int:
        """Rows nobody says anything about."""
        return sum(row.state == grid.EMPTY for row in self.rows)

    @property
    def changes(self) -> Sequence[grid.Row]:
        """Rows in which the winner gets another value."""
        return [row for row in self.rows if row.golden.changes]

    @property
    def versions(self) -> Sequence[str]:
        """What the page posts back: ``id:version`` of every member shown."""
        return [f"{member.record.pk}:{member.record.version}" for member in self.members]


@dataclass(frozen=True)
class Case:
    """One question with everything its page shows."""

    candidate: MatchCandidate
    domain: Domain
    group: Group
    kept: frozen.Kept
    decision: Decision | None = None
    open: bool = True
    conflict: bool = False
    suggestions: Sequence[Suggestion] = ()

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The pairs shown, likest first."""
        return self.kept.pairs

    @property
    def mergeable(self) -> bool:
        """Whether members can be merged here: the question is open and about several records."""
        return self.open and not self.conflict

    @property
    def left_out(self) -> Sequence[Mapping[str, Any]]:
        """Code and title of those the decision left out, ruled out as no match with it."""
        made = self.decision
        return [row for row in made.records if row.get("left")] if made and made.non_matches else []


def candidate(candidate_id: int) -> MatchCandidate:
    """The question with this number; NotFound otherwise."""
    found = MatchCandidate.objects.filter(pk=candidate_id).first()
    if found is None:
        raise NotFound("There is no such question.", "Go back to the work queue.")
    return found


def case(question: MatchCandidate, choice: Choice | None = None) -> Case:
    """Everything the page of a question shows. Constant queries, whatever the size of the group."""
    domain = in_force(BY_NAME[question.domain])
    is_open = question.state in (CandidateState.OPEN, CandidateState.SKIPPED)
    asked = list(question.members.values_list("record_id", flat=True))
    holders = follow_merges(asked)
    weighed = grid.weights(domain, question.pairs.values_list("explanation", flat=True))
    shown = set(holders.values()) if is_open else set(asked)
    conflict = question.kind == CandidateKind.CONFLICT
    decision = _decision(question)
    group = compare(domain, shown, choice or Choice(), weighed, merging=is_open and not conflict)
    return Case(
        candidate=question,
        domain=domain,
        group=group,
        kept=_evidence(question, decision, is_open),
        decision=decision,
        open=is_open,
        conflict=conflict,
        suggestions=suggest(domain, *sorted(shown)) if is_open and not conflict and len(shown) == 2 else (),
    )


def compare(
    domain: Domain, record_ids: Iterable[UUID], choice: Choice, weighed: Mapping[str, float], *, merging: bool = True
) -> Group:
    """Members side by side, the winner first, with the preview of merging those ticked (where at least two are)."""
    members = load(domain, record_ids)
    known = {member.record.pk for member in members}
    ticked = frozenset(known if choice.ticked is None else choice.ticked & known)
    winner = choice.winner if choice.winner in known else members[0].record.pk
    if ticked and winner not in ticked:
        winner = next(member.record.pk for member in members if member.record.pk in ticked)
    losers = [member.record.pk for member in members if member.record.pk in ticked and member.record.pk != winner]
    preview = preview_merge(winner_id=winner, loser_ids=losers) if merging and losers and winner in ticked else None
    return Group(
        domain=domain,
        members=members,
        ticked=ticked,
        winner=winner,
        rows=grid.rows(domain, members, weighed, preview.values if preview else None),
        preview=preview,
        open_requests=ChangeRequest.objects.filter(record_id__in=losers, state=RequestState.OPEN).count(),
    )


def last_decision(user: User) -> Decision | None:
    """The latest decision of the person's working day that can still be undone; undoing goes back one by one."""
    since = timezone.now() - timedelta(hours=UNDO_HOURS)
    mine = Decision.objects.filter(
        decided_by=user, decided_at__gte=since, verb__in=UNDOABLE, undone_by__isnull=True
    ).order_by("-decided_at")
    for decision in mine.iterator(chunk_size=10):
        # A merge taken back on its record's page has nothing left to undo.
        if not decision.merges or Merge.objects.filter(pk__in=decision.merges, undone_at__isnull=True).exists():
            return decision
    return None


def told(decision: Decision) -> str:
    """A decision in one sentence, for a toast."""
    titles = [str(row.get("title") or row["code"]) for row in decision.records]
    if decision.verb == "merge":
        winner = next((row["title"] for row in decision.records if row.get("winner")), titles[0])
        losers = [row for row in decision.records if row.get("merged")]
        gone = losers[0]["title"] if len(losers) == 1 else f"{len(losers)} records"
        codes = f" ({losers[0]['code']})" if len(losers) == 1 and gone == winner else ""
        return _sentence(f"Merged {gone}{codes} into {winner}")
    words = {
        "reject": "Not a match: {} and {}",
        "relate": "Related, not the same: {} and {}",
        "skip": "Put off: {} and {}",
        "keep": "Kept together: {}",
        "split": "Split off from {}",
    }
    first, others = titles[0], titles[1:]
    rest = others[0] if len(others) == 1 else f"{len(others)} others"
    return _sentence(words.get(decision.verb, decision.get_verb_display() + ": {}").format(first, rest))


def _sentence(text: str) -> str:
    """With one full stop, also after ``Inc.``."""
    return text if text.endswith(".") else f"{text}."


def _evidence(question: MatchCandidate, decision: Decision | None, is_open: bool) -> frozen.Kept:
    """What the person saw who decided; where nobody did yet, or nothing was kept, the pairs as they are."""
    kept = frozen.read(decision) if decision and not is_open else None
    return kept or frozen.show(question.domain, frozen.of_candidate(question))


def _decision(question: MatchCandidate) -> Decision | None:
    made = question.decisions.filter(verb__in=UNDOABLE, undone_by__isnull=True).select_related("decided_by")
    return made.order_by("-decided_at").first()


def records_named(names: Sequence[str]) -> list[GoldenRecord]:
    """The records with these codes or ids, merged ones followed to where they are now, each once, in the order asked.

    NotFound naming the first unknown one.
    """
    ids = [resolve(name).pk for name in names]
    holders = follow_merges(ids)
    known: dict[UUID, GoldenRecord] = GoldenRecord.objects.in_bulk(list(holders.values()))
    return [known[pk] for pk in dict.fromkeys(holders[asked] for asked in ids)]
