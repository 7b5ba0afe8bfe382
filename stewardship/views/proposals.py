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
from stewardship.previewing import preview
from stewardship.views.located import located, show


@require(may_propose)
@located
def propose(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """The form, and what it makes. ``?attribute=value`` fills a field, so that a proposal can be linked to.

    When the record moved on meanwhile the form stays as typed and shows what changed.
    """
    if record.state == GoldenState.MERGED:
        raise WrongState(f"{record.code} was merged.", "Propose the change on the record it was merged into.")
    detail = queries.record_detail(record, part_limit=0)
    if request.method != "POST":
        return _page(request, record, domain, ProposalForm(detail, initial=_suggested(request, detail)))
    form = ProposalForm(detail, request.POST)
    if request.POST.get("step") == "preview":
        form.fields["reason"].required = False
    fits = form.is_valid()
    if not fits:
        _add_misfits(form)
    if "step" in request.POST and (answer := _preview(request, record, domain, form, fits=fits)):
        return answer
    if not fits:
        return _page(request, record, domain, form, status=422)
    try:
        made = requests.propose(
            record_id=record.pk,
            values=form.proposed(),
            base_version=form.cleaned_data["base_version"],
            reason=form.cleaned_data["reason"],
            terms=form.terms(),
            beside=request.POST.getlist("beside"),
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


def _preview(
    request: HttpRequest, record: GoldenRecord, domain: Domain, form: ProposalForm, *, fits: bool
) -> HttpResponseBase | None:
    """The page that shows what an edit made in place would do, and asks why; None where the whole form is needed,
    because a value does not fit or the record moved on, or where all is said and it can be sent."""
    step = request.POST.get("step")
    if any(name in form.errors for name in form.held) or form.data.get("base_version") != str(record.version):
        return None
    if step == "send" and fits:
        return None
    try:
        shown = preview(form, record)
    except Invalid as refusal:
        form.take(refusal)
        return None if fits else _page(request, record, domain, form, status=422)
    context = {"form": form, "preview": shown, "values": [(name, form[name].value()) for name in _sent(form)]}
    status = 200 if step == "preview" else 422
    return show(request, "stewardship/record/preview.html", record, domain, context, status=status)


def _sent(form: ProposalForm) -> list[str]:
    return [name for name in form.held if name in form.data]


def _suggested(request: HttpRequest, detail: queries.RecordDetail) -> dict[str, Any]:
    known = {value.attribute.name for value in (*detail.values, *detail.extension)}
    taken = known | {"lifetime"}
    return {name: value for name, value in request.GET.items() if name in taken} | {"pin": request.GET.getlist("pin")}


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
    own = form.touched() if form.is_bound else []
    context = {"form": form, "beside": request.POST.getlist("beside"), **extra}
    context["rivals"] = [(str(one.pk), one) for one in requests.overlapping(record.pk, own)]
    context["open_requests"] = [] if form.is_bound else requests.open_on(record.pk)
    return show(request, "stewardship/record/propose.html", record, domain, context, status=status)


urls = [path("records/<slug:slug>/<str:name>/propose/", propose, name="propose")]
