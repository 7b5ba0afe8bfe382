"""Proposing new values for a golden record: a form of all attributes, which becomes a change request."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path

from mdm import queries
from mdm.errors import Invalid, Stale, WrongState
from mdm.mastering.edits import check_values
from mdm.models import GoldenRecord, GoldenState
from mdm.spec import Domain
from stewardship import requests
from stewardship.access import require, signed_in
from stewardship.errors import moved_events
from stewardship.forms import ProposalForm
from stewardship.permissions import may_propose
from stewardship.views.located import located, show


@require(may_propose)
@located
def propose(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """The form, and what it makes. ``?attribute=value`` fills a field, so that a proposal can be linked to.

    When the record moved on meanwhile the form stays as typed and shows what changed.
    """
    if record.state == GoldenState.MERGED:
        raise WrongState(f"{record.code} was merged.", "Propose the change on the record it was merged into.")
    detail = queries.record_detail(record)
    if request.method != "POST":
        return _page(request, record, domain, ProposalForm(detail, initial=_suggested(request, detail)))
    form = ProposalForm(detail, request.POST)
    if not form.is_valid():
        _add_misfits(form)
        return _page(request, record, domain, form, status=422)
    try:
        made = requests.propose(
            record_id=record.pk,
            values=form.proposed(),
            base_version=form.cleaned_data["base_version"],
            reason=form.cleaned_data["reason"],
            valid_until=form.cleaned_data["valid_until"],
            user=signed_in(request),
        )
    except Stale as refusal:
        typed = request.POST.copy()
        typed["base_version"] = str(record.version)
        again = ProposalForm(detail, typed)
        return _page(request, record, domain, again, status=refusal.http, moved=moved_events(refusal))
    except Invalid as refusal:
        form.take(refusal)
        return _page(request, record, domain, form, status=refusal.http)
    messages.success(request, "Proposed. It takes effect when a colleague approves it.")
    return redirect("stewardship:request", made.pk)


def _suggested(request: HttpRequest, detail: queries.RecordDetail) -> dict[str, Any]:
    known = {value.attribute.name for value in (*detail.values, *detail.extension)}
    return {name: value for name, value in request.GET.items() if name in known}


def _add_misfits(form: ProposalForm) -> None:
    """Beside what the form itself found, everything the core would refuse: all problems at once."""
    fitting = {name: value for name, value in form.proposed().items() if name not in form.errors}
    if not fitting:
        return
    try:
        check_values(form.detail.domain, form.detail.id, fitting)
    except Invalid as refusal:
        form.take(refusal)


def _page(
    request: HttpRequest, record: GoldenRecord, domain: Domain, form: ProposalForm, *, status: int = 200, **extra: Any
) -> HttpResponseBase:
    return show(request, "stewardship/record/propose.html", record, domain, {"form": form, **extra}, status=status)


urls = [path("records/<slug:slug>/<str:name>/propose/", propose, name="propose")]
