"""Editing values where they stand: one field at a time, checked while it is typed. Nothing here writes."""

from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import path

from mdm import queries
from mdm.errors import NotFound
from mdm.models import GoldenRecord
from mdm.spec import Domain
from stewardship.access import require
from stewardship.forms import ProposalForm
from stewardship.permissions import may_propose
from stewardship.previewing import check_one
from stewardship.views.located import located

LONGEST = 20_000


@require(may_propose)
@located
def field(request: HttpRequest, record: GoldenRecord, domain: Domain, attribute: str) -> HttpResponseBase:
    """The field of one attribute, filled with what it holds or with ``value``; a fragment."""
    form = ProposalForm(queries.record_detail(record, part_limit=0))
    if attribute not in form.held:
        raise NotFound(f"{domain.label} has no attribute {attribute} to edit.", "Open the record to see its values.")
    if "value" in request.GET:
        form.initial[attribute] = request.GET["value"][:LONGEST]
    return render(request, "stewardship/record/edit_field.html", {**_context(record, domain), "field": form[attribute]})


@require(may_propose)
@located
def check(request: HttpRequest, record: GoldenRecord, domain: Domain, attribute: str) -> HttpResponseBase:
    """What one value would be stored as, or why it cannot be; and the rules it would break or mend. A fragment."""
    form = ProposalForm(queries.record_detail(record, part_limit=0), request.POST)
    if attribute not in form.held:
        raise NotFound(f"{domain.label} has no attribute {attribute} to edit.", "Open the record to see its values.")
    context = {**_context(record, domain), "name": attribute, "checked": check_one(form, attribute)}
    return render(request, "stewardship/record/checked.html", context)


def _context(record: GoldenRecord, domain: Domain) -> dict[str, Any]:
    return {"record": record, "domain": domain}


urls = [
    path("records/<slug:slug>/<str:name>/edit/<str:attribute>/", field, name="edit_field"),
    path("records/<slug:slug>/<str:name>/check/<str:attribute>/", check, name="check_value"),
]
