"""Moving in a tree, and the draft that collects the moves: its page, and what its author and its approver do."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from mdm.errors import Invalid, MdmError, NotFound
from mdm.hierarchies import Tree, find_tree
from mdm.hierarchies.edges import edges
from mdm.hierarchies.reading import find
from mdm.queries import resolve as record_named
from stewardship import permissions
from stewardship.access import require, signed_in
from stewardship.asking import Question, ask
from stewardship.errors import worded
from stewardship.models import ChangeRequest, DraftState, TreeDraft
from stewardship.permissions import may_approve, may_propose, may_see
from stewardship.trees import deciding, drafting
from stewardship.trees.impact import impact
from stewardship.trees.showing import move_lines, tree_address
from stewardship.views.trees import at, read_day

PAGE = 100
TOP = "top"


@require(may_propose)
@require_POST
def move(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """Draft that ``records`` (codes) stand below ``to`` (a code, or ``top``), or with ``out`` that they leave.

    Goes back to the tree, opened where the record would stand; a refusal is said there.
    """
    tree, user = find_tree(slug, name), signed_in(request)
    codes = request.POST.get("records", "").split()[:200]
    place = at(tree, codes[0]) if codes else tree_address(tree)
    try:
        records = [drafting.resolve(code, tree) for code in codes]
        if not records:
            raise Invalid("Nothing was chosen to be moved.", "Choose a record of the tree first.")
        draft = drafting.begin_draft(tree=tree, user=user)
        if request.POST.get("out"):
            drafting.take_out(draft_id=draft.pk, record=records[0], user=user)
            messages.success(request, "Taken out with its branch, in your draft.")
            return redirect(tree_address(tree))
        parent = _target(tree, draft, request.POST.get("to", ""))
        drafting.move(draft_id=draft.pk, records=records, parent=parent, user=user)
        messages.success(request, "Moved, in your draft. Others see it when it is approved.")
    except MdmError as refusal:
        messages.error(request, worded(refusal))
    return redirect(place)


def _target(tree: Tree, draft: TreeDraft, text: str) -> UUID | None:
    """The record meant by a code, or by a name that one record of the tree bears alone; None for the top."""
    text = " ".join(text.split())[:300]
    if text.casefold() == TOP:
        return None
    if not text:
        raise Invalid("Where to?", "Name a record of the tree by code or name, or write “top”.")
    try:
        return drafting.resolve(text, tree)
    except NotFound:
        seen = edges(tree, drafting.day_of(draft), drafting.thoughts_of(draft))
        found = find(seen, tree.domain, text, limit=4)
    if len(found) == 1:
        return found[0].record.record
    if not found:
        raise NotFound(f"No record of this tree bears “{text}”.", "Search for it on the left, and copy its code.")
    several = ", ".join(f"{one.record} ({one.record.code})" for one in found[:3])
    raise Invalid(f"Several records bear “{text}”.", f"Name one by its code: {several}.")


def _find(draft_id: UUID, request: HttpRequest) -> TreeDraft:
    """The draft; one that is only drafted is its author's alone. Raises NotFound."""
    found = TreeDraft.objects.select_related("drafted_by", "decided_by", "hierarchy").filter(pk=draft_id).first()
    hidden = found is not None and found.sent_at is None and found.drafted_by_id != signed_in(request).pk
    if found is None or hidden:
        raise NotFound("There is no such draft.", "Open the list of hierarchies.")
    return found


@require(may_see)
def draft(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """What a draft moves, what speaks against it, and what may be done about it."""
    one = _find(draft_id, request)
    tree, mine = drafting.tree_of(one), one.drafted_by_id == signed_in(request).pk
    alive = one.state in (DraftState.DRAFTING, DraftState.OPEN)
    found = deciding.conflicts(one) if alive else []
    page = Paginator(one.moves.order_by("id"), PAGE).get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "one": one,
        "tree": tree,
        "address": tree_address(tree),
        "lines": move_lines(list(page.object_list), {each.record: each.sentence for each in found}),
        "conflicts": found,
        "impact": impact(one) if alive and page.paginator.count else None,
        "total": page.paginator.count,
        "previous_href": f"?page={page.previous_page_number()}" if page.has_previous() else "",
        "next_href": f"?page={page.next_page_number()}" if page.has_next() else "",
        "mine": mine and permissions.may_propose(request.user),
        "drafting_now": one.state == DraftState.DRAFTING,
        "open_now": one.state == DraftState.OPEN,
        "may_approve": permissions.may_approve(request.user) and not mine,
        "verdicts": one.verdicts.select_related("by").order_by("id"),
        "made": ChangeRequest.objects.filter(pk__in=one.requests).select_related("record"),
        "past": one.day < timezone.now().date(),
        "hidden": [("revision", one.revision)],
    }
    return render(request, "stewardship/trees/draft.html", context)


def _act(request: HttpRequest, draft_id: UUID, act: Callable[[TreeDraft], str]) -> HttpResponseBase:
    """One act of the author; a refusal is said on the page of the draft."""
    one = _find(draft_id, request)
    try:
        messages.success(request, act(one))
    except MdmError as refusal:
        messages.error(request, worded(refusal))
    return redirect("stewardship:tree_draft", one.pk)


@require(may_propose)
@require_POST
def set_day(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """Let it take effect on another day."""

    def act(one: TreeDraft) -> str:
        day: date | None = read_day(request.POST.get("day", ""))
        if day is None:
            raise Invalid("On which day?", "Choose one in the calendar.")
        drafting.set_day(draft_id=one.pk, day=day, user=signed_in(request))
        return f"Takes effect on {day:%d %b %Y}."

    return _act(request, draft_id, act)


@require(may_propose)
@require_POST
def take_back(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """Take back one move, or all of them."""

    def act(one: TreeDraft) -> str:
        code = request.POST.get("record", "")
        record = record_named(code).pk if code else None
        drafting.take_back(draft_id=one.pk, user=signed_in(request), record=record)
        return "Taken back."

    return _act(request, draft_id, act)


@require(may_propose)
@require_POST
def renew(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """Keep the moves although others moved the same records."""

    def act(one: TreeDraft) -> str:
        drafting.renew_draft(draft_id=one.pk, user=signed_in(request))
        return "Your moves now start from where the records stand today."

    return _act(request, draft_id, act)


@require(may_propose)
def send(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """Send it to a colleague, saying why."""
    one = _find(draft_id, request)
    page = reverse("stewardship:tree_draft", args=[one.pk])

    def act(reason: str) -> str:
        done = drafting.send(draft_id=one.pk, reason=reason, user=signed_in(request))
        proposed = done.state == DraftState.PROPOSED
        messages.success(
            request,
            f"{len(done.requests)} change requests wait for approval." if proposed else "Sent to your colleagues.",
        )
        return page

    text = "A colleague approves it; until then nobody sees the moves in the tree."
    return ask(request, Question(title="Send this draft?", text=text, verb="Send", back=page), act)


@require(may_propose)
def withdraw(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """Give one's own draft up."""
    one = _find(draft_id, request)

    def act(_reason: str) -> str:
        drafting.withdraw_draft(draft_id=one.pk, user=signed_in(request))
        messages.success(request, "Withdrawn. The tree stays as it is.")
        return tree_address(drafting.tree_of(one))

    return _ask(request, one, "Withdraw this draft?", "Its moves are given up.", "Withdraw", act, required=False)


@require(may_approve)
def approve(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """Approve what the page showed: its revision travels along."""
    one = _find(draft_id, request)

    def act(words: str) -> str:
        given = request.POST.get("revision", "")
        revision = int(given) if given.isascii() and given.isdigit() and len(given) < 9 else -1
        deciding.approve_draft(draft_id=one.pk, revision=revision, user=signed_in(request), words=words)
        messages.success(request, f"Approved. It holds from {one.day:%d %b %Y} on.")
        return reverse("stewardship:tree_draft", args=[one.pk])

    text = f"All its moves take effect together, from {one.day:%d %b %Y} on."
    return _ask(request, one, "Approve this draft?", text, "Approve", act, required=False)


@require(may_approve)
def refuse(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """Refuse it for good, saying why."""
    one = _find(draft_id, request)

    def act(words: str) -> str:
        deciding.refuse_draft(draft_id=one.pk, user=signed_in(request), words=words)
        messages.success(request, "Refused. Its author reads your reason.")
        return reverse("stewardship:tree_draft", args=[one.pk])

    return _ask(request, one, "Refuse this draft?", "The tree stays as it is.", "Refuse", act, danger=True)


@require(may_approve)
def send_back(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """Give it back to its author, saying what to mend."""
    one = _find(draft_id, request)

    def act(words: str) -> str:
        deciding.send_back(draft_id=one.pk, user=signed_in(request), words=words)
        messages.success(request, "Sent back. Its author reads your words and can send it again.")
        return reverse("stewardship:trees")

    return _ask(request, one, "Send this draft back?", "Its author mends it and sends it again.", "Send back", act)


def _ask(
    request: HttpRequest,
    one: TreeDraft,
    title: str,
    text: str,
    verb: str,
    act: Callable[[str], str],
    *,
    required: bool = True,
    danger: bool = False,
) -> HttpResponseBase:
    back = reverse("stewardship:tree_draft", args=[one.pk])
    hidden = [("revision", one.revision)]
    question = Question(
        title=title, text=text, verb=verb, back=back, danger=danger, reason_required=required, hidden=hidden
    )
    return ask(request, question, act)


urls = [
    path("hierarchies/drafts/<uuid:draft_id>/", draft, name="tree_draft"),
    path("hierarchies/drafts/<uuid:draft_id>/day/", set_day, name="tree_draft_day"),
    path("hierarchies/drafts/<uuid:draft_id>/take-back/", take_back, name="tree_draft_take_back"),
    path("hierarchies/drafts/<uuid:draft_id>/renew/", renew, name="tree_draft_renew"),
    path("hierarchies/drafts/<uuid:draft_id>/send/", send, name="tree_draft_send"),
    path("hierarchies/drafts/<uuid:draft_id>/withdraw/", withdraw, name="tree_draft_withdraw"),
    path("hierarchies/drafts/<uuid:draft_id>/approve/", approve, name="tree_draft_approve"),
    path("hierarchies/drafts/<uuid:draft_id>/refuse/", refuse, name="tree_draft_refuse"),
    path("hierarchies/drafts/<uuid:draft_id>/send-back/", send_back, name="tree_draft_send_back"),
    path("hierarchies/<slug:slug>/<slug:name>/move/", move, name="tree_move"),
]
