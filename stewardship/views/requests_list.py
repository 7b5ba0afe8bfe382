"""The list of change requests: what waits, what waits for its day, one's own, what was decided."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from mdm.domains import BY_NAME, DOMAINS
from mdm.filters.fields import uuid_or_none
from mdm.mastering.compose import EXTENSION_PREFIX
from mdm.models import ExtensionAttribute
from stewardship import listed
from stewardship.access import is_fragment, require, signed_in
from stewardship.listed import Listing
from stewardship.listing import address
from stewardship.models import ChangeRequest, RequestState
from stewardship.permissions import may_see
from stewardship.requests import person
from stewardship.tables import Column, Table

LISTING = Listing(
    table=Table(
        "requests",
        (
            Column("changes", "Changes"),
            Column("why", "Why"),
            Column("by", "Proposed by", sort="by"),
            Column("when", "When", sort="when", fit=True),
            Column("state", "State", sort="state", fit=True),
            Column("kind", "Kind of record", sort="kind", fit=True),
            Column("holds", "Holds from", sort="holds", fit=True),
            Column("decided_by", "Decided by", sort="decided_by"),
            Column("decided", "Decided", sort="decided", fit=True),
            Column("answer", "Answer"),
        ),
        ("changes", "why", "by", "when", "state"),
    ),
    head="Record",
    orders={
        "record": "record__title", "by": "requested_by__last_name", "when": "requested_at", "state": "state",
        "kind": "domain", "holds": "holds_from", "decided_by": "decided_by__last_name", "decided": "decided_at",
    },
    usual="when",
)  # fmt: skip
# Name in the address -> (what the tab says, the order where none is asked for).
VIEWS = {
    "open": ("Waiting for approval", "when"),
    "scheduled": ("Waiting for their day", "holds"),
    "mine": ("Mine", "-when"),
    "decided": ("Decided", "-decided"),
}
WAITING = (RequestState.OPEN, RequestState.SCHEDULED)


@require_safe
@require(may_see)
def change_requests(request: HttpRequest) -> HttpResponseBase:
    """``?view=`` open, scheduled, mine or decided; ``?list=ID``: only those a list proposed as one act."""
    if onward := listed.chosen(request):
        return onward
    asked, listing, rows, act = _asked(request)
    part = listed.page(listing, rows, sort=request.GET.get("sort", ""), after=request.GET.get("after", ""))
    context = listed.shown(request, listing, asked, part, reverse("stewardship:requests") + "seen")
    counted = {state: _of(state, act, request).count() for state in ("open", "scheduled")}
    base = {"list": asked.get("list", "")}
    labels = _labels()
    context |= {
        "view": asked["view"],
        "act": act,
        "tabs": [
            {
                "label": label, "href": address(base, view=name), "current": name == asked["view"],
                "count": counted.get(name),
            }
            for name, (label, _) in VIEWS.items()
        ],
        "rows": [
            {
                "request": one, "domain": BY_NAME[one.domain], "mine": one.requested_by_id == signed_in(request).pk,
                "changed": _changed(one, labels),
            }
            for one in part.rows
        ],
    }  # fmt: skip
    template = "stewardship/requests/results.html" if is_fragment(request) else "stewardship/requests/list.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@require(may_see)
def seen(request: HttpRequest, ending: str) -> HttpResponseBase:
    """Every request of the view as a file, with the columns and in the order of the list."""
    _, listing, rows, _ = _asked(request)
    return listed.export(request, listing, rows, _told, ending)


def _asked(request: HttpRequest) -> tuple[dict[str, str], Listing, QuerySet[ChangeRequest], UUID | None]:
    view = request.GET.get("view", "")
    view = view if view in VIEWS else "open"
    act = uuid_or_none(request.GET.get("list", ""))
    asked = {"view": view} | ({"list": str(act)} if act else {})
    return asked, replace(LISTING, usual=VIEWS[view][1]), _of(view, act, request), act


def _of(view: str, act: UUID | None, request: HttpRequest) -> QuerySet[ChangeRequest]:
    rows = ChangeRequest.objects.select_related("record", "requested_by", "decided_by")
    if act:
        rows = rows.filter(list_row__of=act)
    if view == "mine":
        return rows.filter(requested_by=signed_in(request))
    return rows.exclude(state__in=WAITING) if view == "decided" else rows.filter(state=view)


def _told(rows: Sequence[ChangeRequest]) -> Iterator[dict[str, Any]]:
    labels = _labels()
    for one in rows:
        yield {
            "": f"{one.record.code if one.record else ''} {one.title}".strip(),
            "changes": _changed(one, labels),
            "why": one.reason,
            "by": person(one.requested_by).name,
            "when": one.requested_at.isoformat(timespec="seconds"),
            "state": one.get_state_display(),
            "kind": BY_NAME[one.domain].label,
            "holds": one.holds_from.date().isoformat() if one.holds_from else "",
            "decided_by": person(one.decided_by).name if one.decided_by else "",
            "decided": one.decided_at.isoformat(timespec="seconds") if one.decided_at else "",
            "answer": one.answer,
        }


def _changed(one: ChangeRequest, labels: Mapping[tuple[str, str], str]) -> str:
    if one.is_new:
        return "New record"
    return ", ".join(labels.get((one.domain, name), name) for name in (*one.values, *one.unpins))


def _labels() -> dict[tuple[str, str], str]:
    """{(domain, attribute): label}, those of attributes administrators added included. One query."""
    added = ExtensionAttribute.objects.values_list("domain", "name", "label")
    own = {(domain.name, attribute.name): attribute.label for domain in DOMAINS for attribute in domain.attributes}
    return own | {(domain, EXTENSION_PREFIX + name): label for domain, name, label in added}


urls = [
    path("requests/", change_requests, name="requests"),
    path("requests/seen.<str:ending>", seen, name="requests_seen"),
]
