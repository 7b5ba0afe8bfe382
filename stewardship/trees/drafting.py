"""The verbs of whoever drafts: move, take out, take back, date, send, withdraw. Nobody else sees it before."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from mdm import queries
from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound, Refused, WrongState
from mdm.hierarchies import Thought, Tree, find_tree
from mdm.hierarchies.edges import edges
from mdm.hierarchies.keeping import problems_of
from mdm.hierarchies.reading import Node, branch, nodes
from mdm.models import GoldenRecord, GoldenState
from mdm.retrying import atomic
from stewardship import requests
from stewardship.models.trees import DraftMove, DraftState, DraftVerb, DraftVerdict, TreeDraft

MOST_MOVES = 20_000


def tree_of(draft: TreeDraft) -> Tree:
    """The tree a draft is about."""
    return find_tree(BY_NAME[draft.domain].slug, draft.tree)


def day_of(draft: TreeDraft) -> date | None:
    """The day whose tree the draft changes; none for one the sources make, which is always the present one."""
    return draft.day if draft.hierarchy_id else None


def draft_of(tree: Tree, user: User) -> TreeDraft | None:
    """What the person drafts in this tree at present."""
    mine = TreeDraft.objects.filter(drafted_by=user, domain=tree.domain.name, tree=tree.slug)
    return mine.filter(state=DraftState.DRAFTING).first()


def thoughts_of(draft: TreeDraft | None) -> list[Thought]:
    """The moves of a draft, as the reading side takes them. One query."""
    if draft is None:
        return []
    rows = draft.moves.order_by("id").values_list("record_id", "parent_id", "present")
    return [Thought(record, parent, present) for record, parent, present in rows]


@atomic
def begin_draft(*, tree: Tree, user: User) -> TreeDraft:
    """The person's draft of the tree: the one they have, or a new one that takes effect today."""
    found, _ = TreeDraft.objects.get_or_create(
        drafted_by=user,
        domain=tree.domain.name,
        tree=tree.slug,
        state=DraftState.DRAFTING,
        defaults={"hierarchy": tree.hierarchy, "day": timezone.now().date()},
    )
    return found


@atomic
def move(*, draft_id: UUID, records: Sequence[UUID], parent: UUID | None, user: User) -> TreeDraft:
    """Draft that these records, each with its branch, stand below ``parent``, or on top without one.

    A record that would go back to where it stands leaves the draft. Raises Invalid naming every circle at once.
    """
    draft = own(draft_id, user)
    return _take_up(draft, [Thought(record, parent) for record in records])


@atomic
def take_out(*, draft_id: UUID, record: UUID, user: User) -> TreeDraft:
    """Draft that the record and everything below it leave the tree. Raises Refused where sources make the tree."""
    draft = own(draft_id, user)
    tree = tree_of(draft)
    if tree.derived:
        raise Refused(
            "The sources make this tree: a record leaves it when it refers to no parent.", "Move it to the top instead."
        )
    whole = [record, *branch(edges(tree, day_of(draft), thoughts_of(draft)), record)]
    return _take_up(draft, [Thought(one, None, present=False) for one in whole])


def _take_up(draft: TreeDraft, moves: Sequence[Thought]) -> TreeDraft:
    tree, ids = tree_of(draft), [move.record for move in moves]
    _check_records(tree, {one for move in moves for one in (move.record, move.parent) if one})
    standing = nodes(edges(tree, day_of(draft)), ids)
    draft.moves.filter(record__in=ids).delete()
    made = [_drafted(draft, move, standing.get(move.record)) for move in moves]
    DraftMove.objects.bulk_create([move for move in made if move is not None], batch_size=2000)
    thoughts = thoughts_of(draft)
    if len(thoughts) > MOST_MOVES:
        raise Invalid("This draft is too large.", f"Send what it holds first: {MOST_MOVES:,} moves are the most.")
    if problems := problems_of(tree, thoughts, day_of(draft)):
        raise Invalid("That move does not leave a tree.", "Choose another place.", problems)
    return touch(draft)


def _drafted(draft: TreeDraft, move: Thought, here: Node | None) -> DraftMove | None:
    stays = (here is not None) == move.present and (here is None or here.parent == move.parent)
    if stays:
        return None
    return DraftMove(
        draft=draft,
        record_id=move.record,
        parent_id=move.parent,
        present=move.present,
        was_present=here is not None,
        before_id=here.parent if here else None,
    )


def _check_records(tree: Tree, ids: set[UUID]) -> None:
    rows = GoldenRecord.objects.filter(pk__in=ids).values_list("pk", "domain", "state", "title")
    problems = [
        (str(pk), f"{title} is no {tree.domain.label.lower()}: this tree holds {tree.domain.plural.lower()}.")
        for pk, domain, _, title in rows
        if domain != tree.domain.name
    ]
    problems += [
        (str(pk), f"{title} was merged: choose the record it was merged into.")
        for pk, _, state, title in rows
        if state == GoldenState.MERGED
    ]
    if problems or len(rows) < len(ids):
        raise Invalid("That record cannot stand in this tree.", "Choose another one.", problems)


@atomic
def take_back(*, draft_id: UUID, user: User, record: UUID | None = None) -> TreeDraft:
    """Take back one move of one's draft, or all of them. Raises Invalid where others depend on it."""
    draft = own(draft_id, user)
    gone = draft.moves.filter(record=record) if record else draft.moves.all()
    gone.delete()
    if problems := problems_of(tree_of(draft), thoughts_of(draft), day_of(draft)):
        raise Invalid("Other moves of the draft build on this one.", "Take those back first.", problems)
    return touch(draft)


@atomic
def set_day(*, draft_id: UUID, day: date, user: User) -> TreeDraft:
    """Let the draft take effect on another day; what its moves come from is looked up anew."""
    draft = own(draft_id, user)
    if tree_of(draft).derived:
        raise Refused("A tree of the sources changes when the change requests are approved.", "It has no date.")
    draft.day = day
    return renew(draft)


@atomic
def renew_draft(*, draft_id: UUID, user: User) -> TreeDraft:
    """Keep one's moves although others moved the same records meanwhile: they start from where those stand now."""
    return renew(own(draft_id, user))


def renew(draft: TreeDraft) -> TreeDraft:
    """Look up anew where every record of the draft stands, and drop moves that move nothing any more."""
    standing = nodes(edges(tree_of(draft), day_of(draft)), [move.record_id for move in draft.moves.all()])
    made = [_drafted(draft, thought, standing.get(thought.record)) for thought in thoughts_of(draft)]
    draft.moves.all().delete()
    DraftMove.objects.bulk_create([move for move in made if move is not None], batch_size=2000)
    return touch(draft)


@atomic
def send(*, draft_id: UUID, reason: str, user: User) -> TreeDraft:
    """Send one's draft to a colleague; of a tree the sources make, each move becomes a change request at once.

    Raises Invalid with everything that is missing, WrongState when it was sent already.
    """
    draft = own(draft_id, user)
    tree, thoughts = tree_of(draft), thoughts_of(draft)
    problems = [] if thoughts else [("", "The draft holds no move yet.")]
    if not reason.strip():
        problems.append(("reason", "Say why, so that whoever approves can judge it."))
    problems += problems_of(tree, thoughts, day_of(draft))
    if problems:
        raise Invalid("The draft cannot be sent yet.", "Complete it and send it again.", problems)
    draft.reason, draft.sent_at, draft.answer = reason.strip(), timezone.now(), ""
    if tree.derived:
        return _propose(draft, tree, thoughts, user)
    draft.state = DraftState.OPEN
    draft.save(update_fields=["state", "reason", "sent_at", "answer"])
    note(draft, DraftVerb.SEND, user, draft.reason)
    return draft


def _propose(draft: TreeDraft, tree: Tree, thoughts: Sequence[Thought], user: User) -> TreeDraft:
    versions = dict(GoldenRecord.objects.filter(pk__in=[t.record for t in thoughts]).values_list("pk", "version"))
    made = [
        requests.propose(
            record_id=thought.record,
            values={tree.slug: str(thought.parent) if thought.parent else None},
            base_version=versions[thought.record],
            reason=draft.reason,
            user=user,
        )
        for thought in thoughts
    ]
    draft.requests = [str(request.pk) for request in made]
    draft.state, draft.decided_by, draft.decided_at = DraftState.PROPOSED, user, timezone.now()
    draft.save(update_fields=["state", "reason", "sent_at", "answer", "requests", "decided_by", "decided_at"])
    note(draft, DraftVerb.PROPOSE, user, draft.reason)
    return draft


@atomic
def withdraw_draft(*, draft_id: UUID, user: User) -> TreeDraft:
    """Give one's draft up, sent or not. Raises Refused for anybody else, WrongState once it was decided."""
    draft = locked(draft_id)
    if draft.drafted_by_id != user.pk:
        raise Refused("Only whoever drafted it can withdraw it.", "Send it back or refuse it instead.")
    if draft.state not in (DraftState.DRAFTING, DraftState.OPEN):
        raise WrongState("It was decided already.", "Reload the page to see by whom.")
    draft.state, draft.decided_by, draft.decided_at = DraftState.WITHDRAWN, user, timezone.now()
    draft.save(update_fields=["state", "decided_by", "decided_at"])
    note(draft, DraftVerb.WITHDRAW, user, "")
    return draft


def own(draft_id: UUID, user: User) -> TreeDraft:
    """The person's draft while it is drafted, held until the transaction ends. Raises NotFound for anybody else's."""
    draft = locked(draft_id)
    if draft.drafted_by_id != user.pk:
        raise NotFound("There is no such draft of yours.", "Open the hierarchy and move something.")
    if draft.state != DraftState.DRAFTING:
        raise WrongState("This draft was sent already.", "Withdraw it, or wait for it to be sent back.")
    return draft


def locked(draft_id: UUID) -> TreeDraft:
    """The draft, held until the transaction ends. Raises NotFound."""
    draft = TreeDraft.objects.select_for_update(no_key=True, of=("self",)).filter(pk=draft_id).first()
    if draft is None:
        raise NotFound("There is no such draft.", "Open the list of hierarchies.")
    return draft


def touch(draft: TreeDraft) -> TreeDraft:
    """A draft whose moves changed is another one to whoever reads it."""
    draft.revision += 1
    draft.save(update_fields=["revision", "day"])
    return draft


def note(draft: TreeDraft, verb: DraftVerb, user: User, words: str) -> None:
    """Keep who did what with the draft."""
    DraftVerdict.objects.create(draft=draft, verb=verb, by=user, words=words.strip())


def resolve(name: str, tree: Tree) -> UUID:
    """The record a person named by code or id. Raises NotFound, Invalid where it is of another domain."""
    record = queries.resolve(name.strip())
    _check_records(tree, {record.pk})
    return record.pk
