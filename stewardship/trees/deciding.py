"""The verbs of whoever decides about a draft that was sent: approve, send back, refuse."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from mdm.cause import Cause
from mdm.errors import Invalid, Refused, WrongState
from mdm.hierarchies.edges import edges
from mdm.hierarchies.keeping import carry_out, lock, titles_of
from mdm.hierarchies.reading import nodes
from mdm.retrying import atomic
from stewardship.models.trees import DraftState, DraftVerb, TreeDraft
from stewardship.requests import person
from stewardship.trees.drafting import day_of, locked, note, thoughts_of, tree_of


@dataclass(frozen=True)
class Conflict:
    """A record that somebody else moved since the draft was made: where it stood then, and where it stands now."""

    record: UUID
    sentence: str


def conflicts(draft: TreeDraft) -> list[Conflict]:
    """What was approved meanwhile about the records of the draft. Three queries."""
    moves = list(draft.moves.all())
    standing = nodes(edges(tree_of(draft), day_of(draft)), [move.record_id for move in moves])
    found = []
    for move in moves:
        here = standing.get(move.record_id)
        now, then = (here is not None, here.parent if here else None), (move.was_present, move.before_id)
        if now != then:
            found.append((move.record_id, then, now))
    titles = titles_of([one for record, then, now in found for one in (record, then[1], now[1]) if one])

    def words(place: tuple[bool, UUID | None]) -> str:
        return "outside the tree" if not place[0] else f"below {titles[place[1]]}" if place[1] else "on top"

    return [
        Conflict(record, f"{titles[record]} stood {words(then)} when this was drafted; it now stands {words(now)}.")
        for record, then, now in found
    ]


@atomic
def approve_draft(*, draft_id: UUID, revision: int, user: User, words: str = "") -> TreeDraft:
    """Carry out everything a colleague drafted, all or nothing, from its day on.

    ``revision`` is that of the draft the approver read. Raises Refused for its author and where it is another draft
    by now, Invalid naming what was approved meanwhile or no longer leaves a tree, WrongState.
    """
    draft = _to_decide(draft_id, user, "Ask a colleague to approve it.")
    if draft.hierarchy_id is None:
        raise WrongState("A tree of the sources is changed by change requests.", "Approve those.")
    lock(draft.hierarchy_id)
    if draft.revision != revision:
        raise Refused("The draft has changed since you read it.", "Reload the page and read it again.")
    if found := conflicts(draft):
        raise Invalid(
            "Others moved some of these records meanwhile.",
            "Send the draft back, so that its author can look at it again.",
            [(str(one.record), one.sentence) for one in found],
        )
    cause = Cause(by=person(draft.drafted_by), reason=draft.reason, approved_by=person(user).name)
    draft.number = carry_out(hierarchy_id=draft.hierarchy_id, moves=thoughts_of(draft), day=draft.day, cause=cause)
    return _settle(draft, DraftState.APPROVED, DraftVerb.APPROVE, user, words)


@atomic
def refuse_draft(*, draft_id: UUID, user: User, words: str) -> TreeDraft:
    """Refuse what a colleague drafted, saying why; it is over. Raises Refused for its author, WrongState, Invalid."""
    draft = _to_decide(draft_id, user, "Withdraw it instead.")
    _require(words, "A refusal needs a reason.")
    return _settle(draft, DraftState.REFUSED, DraftVerb.REFUSE, user, words)


@atomic
def send_back(*, draft_id: UUID, user: User, words: str) -> TreeDraft:
    """Give a draft back to its author with what is to be mended; nobody else sees it until it is sent again.

    Raises Refused for its author and where they draft another one by now, WrongState, Invalid.
    """
    draft = _to_decide(draft_id, user, "Withdraw it instead.")
    _require(words, "Sending it back needs words.")
    others = TreeDraft.objects.filter(drafted_by=draft.drafted_by, domain=draft.domain, tree=draft.tree)
    if others.filter(state=DraftState.DRAFTING).exists():
        raise Refused("Its author drafts something else in this tree by now.", "Refuse this one, saying what to mend.")
    draft.state, draft.answer = DraftState.DRAFTING, words.strip()
    draft.save(update_fields=["state", "answer"])
    note(draft, DraftVerb.SEND_BACK, user, words)
    return draft


def _require(words: str, sentence: str) -> None:
    if not words.strip():
        raise Invalid(sentence, "Say why.", [("reason", "Say why, so that it can be mended.")])


def _to_decide(draft_id: UUID, user: User, way_out: str) -> TreeDraft:
    draft = locked(draft_id)
    if draft.state != DraftState.OPEN:
        label = DraftState(draft.state).label.lower()
        raise WrongState(f"This draft does not wait for approval: it is {label}.", "Reload the page.")
    if draft.drafted_by_id == user.pk:
        raise Refused("You drafted this yourself.", way_out)
    return draft


def _settle(draft: TreeDraft, state: DraftState, verb: DraftVerb, user: User, words: str) -> TreeDraft:
    draft.state, draft.decided_by, draft.decided_at = state, user, timezone.now()
    draft.answer = words.strip()
    draft.save(update_fields=["state", "decided_by", "decided_at", "answer", "number"])
    note(draft, verb, user, words)
    return draft
