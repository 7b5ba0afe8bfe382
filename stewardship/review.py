"""The read side of one question: members, evidence, the choice made so far, and what a merge would do."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import chain
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from matching.models import CandidateKind, CandidateState, MatchCandidate
from matching.relations import Suggestion, suggest
from matching.rules import in_force
from mdm.compiled import Compiled
from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound, Refused
from mdm.mastering import Edit, MergePreview, follow_merges, preview_merge
from mdm.models import GoldenRecord, Merge
from mdm.queries import resolve
from mdm.spec import Domain
from mdm.targets import Merging, TargetOfMerge, targets_of
from mdm.vetoes import Standing, standing
from stewardship import blind, frozen, grid, misfits, union
from stewardship.choosing import COLUMNS, LETTERS, Choice
from stewardship.evidence import Evidence
from stewardship.members import Member, load
from stewardship.models import ChangeRequest, Decision, RequestState, Verb
from stewardship.workflow.recording import members_of
from stewardship.workflow.undoing import UNDOABLE
from stewardship.workflow.unmerging import stands

UNDO_HOURS = 12
MISFIT_VERDICTS = {CandidateState.MERGED: "Kept", CandidateState.REJECTED: "Taken out"}


@dataclass(frozen=True)
class Beside:
    """A group that is a record beside the first one: its letter and its members, the one that wins first."""

    letter: str
    members: Sequence[Member]


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
    choice: Choice = field(default_factory=Choice)
    beside: Sequence[Beside] = ()
    problems: Sequence[str] = ()
    vetoes: Sequence[Standing] = ()
    targets: Sequence[TargetOfMerge] = ()
    places: Sequence[int] | None = None  # of the members that stand side by side; None: all of them

    @property
    def shown(self) -> Sequence[Member]:
        """The members that stand side by side: as many as fit, whoever would win, was added, or gives a value."""
        return self.members if self.places is None else [self.members[place] for place in self.places]

    @property
    def hidden(self) -> Sequence[Member]:
        """The others; what is chosen of them travels along."""
        seen = {member.record.pk for member in self.shown}
        return [member for member in self.members if member.record.pk not in seen]

    @property
    def wider(self) -> int:
        """How many stand side by side after the next wish for more."""
        return min(self.choice.columns + COLUMNS, len(self.members))

    @property
    def leading(self) -> Member:
        """The member that would win."""
        return next(member for member in self.members if member.record.pk == self.winner)

    @property
    def left_out(self) -> int:
        """How many members are ticked out and in no other group."""
        return len(self.members) - len(self.ticked) - sum(len(group.members) for group in self.beside)

    @property
    def placed(self) -> Mapping[UUID, str]:
        """{member: letter of the group it is in} of those in a group beside the first."""
        return {member.record.pk: group.letter for group in self.beside for member in group.members}

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
    misfit: misfits.Told | None = None
    suggestions: Sequence[Suggestion] = ()
    blind: bool = False

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The pairs shown, likest first."""
        return self.kept.pairs

    @property
    def mergeable(self) -> bool:
        """Whether members can be merged here: the question is open and about several records."""
        return self.open and not self.conflict

    @property
    def verdict(self) -> str:
        """How the question stands, in the words of its kind."""
        own = MISFIT_VERDICTS.get(CandidateState(self.candidate.state)) if self.misfit else None
        return own or str(self.candidate.get_state_display())

    @property
    def stands_apart(self) -> Sequence[Mapping[str, Any]]:
        """Code and title of what a member that was taken out is now."""
        rows = self.decision.records if self.misfit and self.decision else ()
        return [row for row in rows if row.get("made") or row.get("merged")]

    @property
    def left_out(self) -> Sequence[Mapping[str, Any]]:
        """Code and title of those the decision left out, ruled out as no match with it."""
        made = self.decision
        return [row for row in made.records if row.get("left")] if made and made.non_matches else []


def candidate(candidate_id: int) -> MatchCandidate:
    """The question with this number; NotFound otherwise."""
    found = _QUESTION.records(candidate=candidate_id)
    if not found:
        raise NotFound("There is no such question.", "Go back to the work queue.")
    return found[0]


_QUESTION = Compiled(lambda candidate: MatchCandidate.objects.filter(pk=candidate), candidate=1_234_567)


def case(question: MatchCandidate, choice: Choice | None = None, *, veiled: bool = False) -> Case:
    """Everything the page of a question shows. Constant queries, whatever the size of the group.

    ``veiled``: to be judged by values alone; a question that is decided, or about links, is shown in full.
    """
    domain = in_force(BY_NAME[question.domain])
    is_open = question.state in (CandidateState.OPEN, CandidateState.SKIPPED)
    asked = members_of(question)
    holders = follow_merges(asked)
    shown = set(holders.values()) if is_open else set(asked)
    conflict = question.kind != CandidateKind.RESEMBLANCE
    decision = _decision(question)
    hidden = veiled and is_open and not conflict
    pairs = frozen.pairs_of(question)
    weighed = {} if hidden else grid.weights(domain, [pair.explanation for pair in pairs])
    group = compare(domain, shown, choice or Choice(), weighed, merging=is_open and not conflict)
    if hidden:
        group = replace(group, members=blind.unnamed(group.members), rows=blind.bare(group.rows))
    return Case(
        candidate=question,
        domain=domain,
        group=group,
        kept=_evidence(question, pairs, decision if not is_open else None),
        decision=decision,
        open=is_open,
        conflict=conflict,
        misfit=misfits.told(question, domain, group.leading.record) if question.source_record_id else None,
        suggestions=suggest(domain, *sorted(shown))
        if is_open and not conflict and not hidden and len(shown) == 2
        else (),
        blind=hidden,
    )


def compare(
    domain: Domain, record_ids: Iterable[UUID], choice: Choice, weighed: Mapping[str, float], *, merging: bool = True
) -> Group:
    """Members side by side, the winner first, with the preview of merging those ticked (where at least two are).

    Values chosen that do not fit are told, and the preview goes on without them.
    """
    members = load(domain, {*record_ids, *_added(domain, choice)})
    known = {member.record.pk for member in members}
    ticked = frozenset(known if choice.ticked is None else choice.ticked & known)
    winner = choice.winner if choice.winner in known else members[0].record.pk
    if ticked and winner not in ticked:
        winner = next(member.record.pk for member in members if member.record.pk in ticked)
    losers = [member.record.pk for member in members if member.record.pk in ticked and member.record.pk != winner]
    preview: MergePreview | None = None
    problems: dict[str, str] = {}
    if merging and losers and winner in ticked:
        preview, problems = _preview(winner, losers, choice)
    chosen = grid.Chosen(
        choice=choice,
        edited=preview.edited if preview else frozenset(),
        problems=problems,
        rows=union.kept_rows(domain, preview, choice.left_out) if preview else {},
    )
    others = choice.others() if ticked else []
    held = {member.record.pk: member for member in members}
    beside = [
        Beside(letter, [held[pk] for pk in group if pk in held]) for letter, group in zip(LETTERS, others, strict=False)
    ]
    places = _places(members, winner, choice)
    return Group(
        domain=domain,
        members=members,
        ticked=ticked,
        winner=winner,
        rows=grid.rows(domain, members, weighed, preview.values if preview else None, chosen, places),
        places=places,
        preview=preview,
        open_requests=ChangeRequest.objects.filter(record_id__in=losers, state=RequestState.OPEN).count(),
        choice=choice,
        beside=beside,
        problems=list(problems.values()),
        vetoes=standing(domain, [winner, *losers]) if preview else (),
        targets=targets_of(_merging(winner, losers, beside)) if preview else (),
    )


def _places(members: Sequence[Member], winner: UUID, choice: Choice) -> list[int] | None:
    if len(members) <= choice.columns:
        return None
    needed = {winner, *choice.added, *choice.taken.values()}
    return [place for place, one in enumerate(members) if place < choice.columns or one.record.pk in needed]


def with_record(question: MatchCandidate, choice: Choice, name: str) -> Choice:
    """The choice with one more record, ticked: the one with this code or id. Raises NotFound, Refused."""
    if not name.strip():
        raise NotFound("No record was named.", "Write its code, or begin its name and choose from the list.")
    (found,) = records_named([name.strip()])
    if found.domain != question.domain:
        raise Refused("Records of different domains cannot be one.", "Find another one.")
    ticked = choice.ticked if choice.ticked is None else choice.ticked | {found.pk}
    return replace(choice, ticked=ticked, added=(*choice.added, found.pk))


def _added(domain: Domain, choice: Choice) -> set[UUID]:
    """The records found by hand, merged ones followed; those of other domains are left aside."""
    now = set(follow_merges(choice.added).values())
    return set(GoldenRecord.objects.filter(pk__in=now, domain=domain.name).values_list("pk", flat=True)) if now else now


def _merging(winner: UUID, losers: Sequence[UUID], beside: Sequence[Beside]) -> list[Merging]:
    """Everything that becomes one, in the first record and in those beside it."""
    others = [[member.record.pk for member in one.members] for one in beside]
    return [Merging(winner, losers), *(Merging(group[0], group[1:]) for group in others if len(group) > 1)]


def _preview(winner: UUID, losers: Sequence[UUID], choice: Choice) -> tuple[MergePreview, dict[str, str]]:
    """The merge with what was chosen; where that does not fit, without it, and why: {attribute: problem}."""
    taken = {name: member for name, member in choice.taken.items() if member in (winner, *losers)}
    edit = Edit(typed=choice.typed, taken=taken, left_out=choice.left_out)
    try:
        return preview_merge(winner_id=winner, loser_ids=losers, edit=edit), {}
    except Invalid as invalid:
        problems = dict(invalid.problems)
    fitting = Edit(
        typed={name: text for name, text in choice.typed.items() if name not in problems},
        taken={name: member for name, member in taken.items() if name not in problems},
        left_out=choice.left_out,
    )
    return preview_merge(winner_id=winner, loser_ids=losers, edit=fitting), problems


def last_decision(user: User) -> Decision | None:
    """The latest decision of the person's working day that can still be undone; undoing goes back one by one."""
    since = timezone.now() - timedelta(hours=UNDO_HOURS)
    mine = (
        Decision.objects.filter(decided_by=user, decided_at__gte=since, verb__in=UNDOABLE, undone_by__isnull=True)
        .defer("evidence")
        .order_by("-decided_at")
    )
    # Nearly always it is the newest; a cursor on the server costs three questions.
    for decision in chain(mine[:1], mine[1:10], mine[10:].iterator(chunk_size=100)):
        # A merge taken back on its record's page has nothing left to undo, nor has an unmerge merged again.
        if decision.verb == Verb.UNMERGE:
            if stands(decision):
                return decision
        elif not decision.merges or Merge.objects.filter(pk__in=decision.merges, undone_at__isnull=True).exists():
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
        "unmerge": "Unmerged from {}: {}",
    }
    first, others = titles[0], titles[1:]
    rest = others[0] if len(others) == 1 else f"{len(others)} others"
    return _sentence(words.get(decision.verb, decision.get_verb_display() + ": {}").format(first, rest))


def _sentence(text: str) -> str:
    """With one full stop, also after ``Inc.``."""
    return text if text.endswith(".") else f"{text}."


def _evidence(question: MatchCandidate, pairs: Sequence[frozen.Pair], decision: Decision | None) -> frozen.Kept:
    """What the person saw who decided; where nobody did yet, or nothing was kept, the pairs as they are."""
    kept = frozen.read(decision) if decision else None
    return kept or frozen.show(question.domain, frozen.of_candidate(question, pairs))


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
