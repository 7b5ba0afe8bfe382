"""A change request that proposes a new record, as whoever approves reads it: what, why, and whom it looks like."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse

from mdm.domains import BY_NAME
from mdm.errors import NotFound
from mdm.masking import masked
from mdm.models import GoldenRecord
from mdm.queries.values import references_to
from mdm.spec import Attribute, Domain, Kind
from stewardship import creating, permissions, showing
from stewardship.access import signed_in
from stewardship.models import ChangeRequest, RequestState
from stewardship.permissions import may_approve
from stewardship.views.alike import cards

MADE = "The record is made at once and published, unless a rule holds it back."
NOT_MADE = "The record is not made. Whoever proposed it reads your reason."


def made_record(one: ChangeRequest) -> GoldenRecord:
    """The record a request is about. Raises NotFound while it is not made."""
    if one.record is None:
        raise NotFound("This record is not made yet.", "Approve the request first.")
    return one.record


def why_not(request: HttpRequest, one: ChangeRequest) -> str:
    """Why the person cannot decide about an open request, "" when they can."""
    if one.state != RequestState.OPEN:
        return ""
    if one.requested_by_id == signed_in(request).pk:
        return "You proposed this yourself. A colleague has to approve it."
    if not may_approve(request.user):
        return "Approving needs the role steward or domain owner."
    return ""


def may_take_back(request: HttpRequest, one: ChangeRequest) -> bool:
    """Whether the person may withdraw the request: its author, and while it waits for its day whoever approved it."""
    authors = {
        RequestState.OPEN: (one.requested_by_id,),
        RequestState.SCHEDULED: (one.requested_by_id, one.decided_by_id),
    }.get(RequestState(one.state), ())
    return signed_in(request).pk in authors and permissions.may_propose(request.user)


def show_new(request: HttpRequest, one: ChangeRequest) -> HttpResponseBase:
    """The page of one request for a new record."""
    domain = BY_NAME[one.domain]
    open_now = one.state == RequestState.OPEN
    searched = creating.likely_now(one) if open_now else None
    context: dict[str, Any] = {
        "one": one,
        "domain": domain,
        "rows": _rows(domain.attributes, one.values),
        "parts": _parts(domain, one.parts),
        "record_href": showing.record_address(domain.name, one.record.code) if one.record else "",
        "open_now": open_now,
        "mine": one.requested_by_id == signed_in(request).pk,
        "may_withdraw": may_take_back(request, one),
        "refusal": why_not(request, one),
        "shown_then": [{**entry, "href": showing.record_address(domain.name, entry["code"])} for entry in one.alike],
        "cards": cards(searched.domain, searched.likely) if searched else [],
        "unseen": creating.unseen(one, searched) if searched else [],
        "hidden": [("digest", one.digest)],
        "back": reverse("stewardship:requests"),
    }
    return render(request, "stewardship/requests/new_record.html", context)


def _rows(attributes: Sequence[Attribute], values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows for ``partials/sheet.html``, blanks left out."""
    pointed = {UUID(value["record"]) for value in values.values() if isinstance(value, Mapping) and "record" in value}
    targets = references_to(pointed) if pointed else {}
    rows = []
    for attribute in attributes:
        value = values.get(attribute.name)
        if attribute.kind is Kind.REFERENCE and isinstance(value, Mapping):
            value = targets.get(UUID(value["record"])) if "record" in value else None
        if value not in (None, ""):
            rows.append(
                {
                    "label": attribute.label,
                    "value": showing.shown(attribute, masked(attribute, value)),
                    "href": showing.address_of(attribute, value),
                }
            )
    return rows


def _parts(domain: Domain, parts: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, list[Any]]]:
    known = {part.name: part for part in domain.parts}
    return [(known[name].label, [_rows(known[name].attributes, row) for row in rows]) for name, rows in parts.items()]
