"""Hierarchies: the list of trees, and one tree with its branches, on any day and with one's own draft."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.utils.cache import patch_vary_headers

from mdm import queries
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid, NotFound
from mdm.hierarchies import Tree, find_tree
from mdm.hierarchies.edges import edges
from mdm.hierarchies.keeping import make_hierarchy
from mdm.hierarchies.reading import find, nodes, size
from mdm.hierarchies.trees import all_trees
from mdm.models import HierarchyKind, HierarchyMove
from mdm.spec import Domain
from stewardship import permissions
from stewardship.access import is_fragment, require, signed_in
from stewardship.models import DraftState, TreeDraft
from stewardship.permissions import may_see, may_set_up
from stewardship.requests import person
from stewardship.trees.drafting import draft_of
from stewardship.trees.filling import fill_draft
from stewardship.trees.showing import Asked, asked, level, panel, tree_address, way_to

MOVES = 50


@require(may_see)
def trees(request: HttpRequest) -> HttpResponseBase:
    """Every tree of every domain, with what waits for approval."""
    rows = [
        {"tree": tree, "size": size(edges(tree)), "href": tree_address(tree), "domain": tree.domain}
        for tree in all_trees()
    ]
    drafts = TreeDraft.objects.select_related("drafted_by", "hierarchy")
    mine = drafts.filter(drafted_by=signed_in(request), state=DraftState.DRAFTING)
    context = {
        "domains": [(d, own) for d in DOMAINS if (own := [row for row in rows if row["domain"] is d])],
        "waiting": [_drafted(one) for one in drafts.filter(state=DraftState.OPEN).order_by("sent_at")],
        "mine": [_drafted(one) for one in mine.order_by("drafted_at")],
        "may_make": permissions.may_set_up(request.user),
    }
    return render(request, "stewardship/trees/list.html", context)


def _drafted(draft: TreeDraft) -> dict[str, Any]:
    tree = find_tree(BY_NAME[draft.domain].slug, draft.tree)
    return {"draft": draft, "tree": tree, "count": draft.moves.count()}


@require(may_set_up)
def new_tree(request: HttpRequest) -> HttpResponseBase:
    """Make a named tree, empty or as a copy of another one, which then waits for approval as a draft."""
    given = request.POST if request.method == "POST" else request.GET
    domain = next((one for one in DOMAINS if one.slug == given.get("domain")), None)
    problems: list[tuple[str, str]] = []
    if request.method == "POST":
        try:
            return redirect(_make(request, domain))
        except Invalid as refusal:
            problems = list(refusal.problems) or [("", refusal.message)]
    context = {
        "domains": DOMAINS,
        "domain": domain or DOMAINS[0],
        "kinds": HierarchyKind.choices,
        "sources": [tree for tree in all_trees() if size(edges(tree))],
        "given": given,
        "problems": problems,
    }
    return render(request, "stewardship/trees/new.html", context, status=422 if problems else 200)


def _make(request: HttpRequest, domain: Domain | None) -> str:
    if domain is None:
        raise Invalid("Which records?", "Choose a domain.", [("domain", "Choose what the hierarchy holds.")])
    source: Tree | None = None
    if request.POST.get("copy"):
        source = find_tree(*request.POST["copy"].split("/", 1)) if "/" in request.POST["copy"] else None
        if source is None or source.domain is not domain:
            problem = f"Only a hierarchy of {domain.plural.lower()} can be copied into this one."
            raise Invalid("That cannot be copied.", "Choose another one.", [("copy", problem)])
    user = signed_in(request)
    made = make_hierarchy(
        domain=domain,
        name=request.POST.get("name", ""),
        kind=request.POST.get("kind", ""),
        description=request.POST.get("description", ""),
        by=person(user).name,
    )
    tree = find_tree(domain.slug, made.slug)
    if source is not None:
        draft = fill_draft(tree=tree, source=source, user=user)
        messages.success(request, f"Made. {draft.moves.count():,} places wait in your draft; send it for approval.")
    else:
        messages.success(request, "Made. Place the first records, then send your draft for approval.")
    return tree_address(tree)


def read_day(text: str) -> date | None:
    """A day of the address; None for none. Raises Invalid."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problem = f"“{text[:40]}” is no day: write it as {timezone.now():%Y-%m-%d}."
        raise Invalid("That is no day.", "Choose one in the calendar.", [("on", problem)]) from None


def view_of(request: HttpRequest, slug: str, name: str) -> Asked:
    """The tree as the address asks for it: on a day, or with the person's own draft."""
    tree, day = find_tree(slug, name), read_day(request.GET.get("on", ""))
    user = signed_in(request)
    draft = draft_of(tree, user) if day is None and permissions.may_propose(user) else None
    return asked(tree, day=day, draft=draft)


@require(may_see)
def tree(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """One tree. ``at`` opens the way to a record, ``q`` searches, ``below`` gives one branch, ``on`` another day."""
    view = view_of(request, slug, name)
    fragment = is_fragment(request)
    if fragment and "below" in request.GET:
        response = render(request, "stewardship/trees/level.html", _branch(request, view))
    elif fragment and "q" in request.GET:
        response = render(request, "stewardship/trees/found.html", _found(request, view))
    else:
        response = _page(request, view, fragment=fragment)
    patch_vary_headers(response, ["HX-Request"])
    return response


def _branch(request: HttpRequest, view: Asked) -> dict[str, Any]:
    code = request.GET["below"]
    parent = None if code == "top" else queries.resolve(code).pk
    after = (request.GET.get("title", ""), request.GET["code"]) if request.GET.get("code") else None
    return {"level": level(view, parent, parent_code=code, after=after), "view": view}


def _found(request: HttpRequest, view: Asked) -> dict[str, Any]:
    text = request.GET.get("q", "").strip()[:200]
    found = find(view.edges, view.tree.domain, text)
    return {"q": text, "found": [(node, view.link(at=node.record.code)) for node in found], "view": view}


def _page(request: HttpRequest, view: Asked, *, fragment: bool) -> Any:
    code = request.GET.get("at", "")
    record = queries.resolve(code).pk if code else None
    way = way_to(view, record)
    here = nodes(view.edges, [record]).get(record) if record else None
    missing = record is not None and here is None
    context = {
        "view": view,
        "tree": view.tree,
        "today": timezone.now().date(),
        "may_move": permissions.may_propose(request.user) and (view.draft is not None or view.day is None),
        "panel": panel(view, here) if here else None,
        "missing": queries.resolve(code) if missing else None,
    }
    if fragment:
        return render(request, "stewardship/trees/panel.html", context)
    context |= _found(request, view) if request.GET.get("q") else {}
    context |= {
        "level": level(view, None, way=way),
        "size": size(view.edges),
        "changes": view.draft.moves.count() if view.draft else 0,
        "waiting": _waiting(view.tree),
    }
    return render(request, "stewardship/trees/tree.html", context)


def _waiting(tree: Tree) -> list[TreeDraft]:
    drafts = TreeDraft.objects.filter(domain=tree.domain.name, tree=tree.slug, state=DraftState.OPEN)
    return list(drafts.select_related("drafted_by").order_by("sent_at"))


@require(may_see)
def tree_moves(request: HttpRequest, slug: str, name: str) -> HttpResponseBase:
    """Everything ever moved in a named tree, newest first."""
    tree = find_tree(slug, name)
    if tree.hierarchy is None:
        raise NotFound("The sources make this tree.", "Each record's history says when it got another parent.")
    before = request.GET.get("before", "")
    rows = HierarchyMove.objects.filter(hierarchy=tree.hierarchy).select_related("record", "before", "parent")
    if before.isascii() and before.isdigit():
        rows = rows.filter(pk__lt=int(before[:18]))
    found = list(rows.order_by("-id")[: MOVES + 1])
    context = {
        "tree": tree,
        "address": tree_address(tree),
        "moves": found[:MOVES],
        "next_href": f"?before={found[MOVES - 1].pk}" if len(found) > MOVES else "",
    }
    return render(request, "stewardship/trees/moves.html", context)


def at(tree: Tree, record: UUID | str) -> str:
    """The page of the tree, opened at a record."""
    return f"{tree_address(tree)}?at={record}"


urls = [
    path("hierarchies/", trees, name="trees"),
    path("hierarchies/new/", new_tree, name="new_tree"),
    path("hierarchies/<slug:slug>/<slug:name>/", tree, name="tree"),
    path("hierarchies/<slug:slug>/<slug:name>/moves/", tree_moves, name="tree_moves"),
]
