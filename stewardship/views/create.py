"""Proposing a new record, with the records it looks like beside the form while it is typed."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse

from mdm.errors import Invalid
from mdm.spec import Domain
from stewardship import creating, requests
from stewardship.access import require, signed_in
from stewardship.creating import Draft
from stewardship.new_record import NewRecordForm
from stewardship.permissions import may_propose
from stewardship.views.alike import cards
from stewardship.views.records import domain_of


@require(may_propose)
def create(request: HttpRequest, slug: str) -> HttpResponseBase:
    """The form, and the change request it makes. ``?attribute=value`` fills a field, so that it can be linked to.

    Where the record may be there already the form comes back with it, and asks why a new one is needed.
    """
    domain = domain_of(slug)
    if request.method != "POST":
        known = {attribute.name for attribute in domain.attributes}
        form = NewRecordForm(domain, initial={name: text for name, text in request.GET.items() if name in known})
        return _page(request, domain, form, _typed(domain, form))
    form = NewRecordForm(domain, request.POST)
    form.is_valid()
    draft = creating.draft(domain, form.meant(), form.typed_parts())
    told: dict[str, Any] = {
        "reason": form.cleaned_data.get("reason", ""),
        "although": form.cleaned_data.get("although", ""),
        "seen": request.POST.getlist("seen"),
    }
    if form.errors:
        form.take(Invalid("", problems=requests.lacking(draft, **told)))
        return _page(request, domain, form, draft, status=422)
    try:
        made = requests.propose_new(draft=draft, user=signed_in(request), **told)
    except Invalid as refusal:
        form.take(refusal)
        return _page(request, domain, form, draft, status=refusal.http)
    messages.success(request, "Proposed. The record is made when a colleague approves it.")
    return redirect("stewardship:request", made.pk)


@require(may_propose)
def alike(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Whom the record looks like as it is typed so far; a fragment. Writes nothing."""
    domain = domain_of(slug)
    form = NewRecordForm(domain, request.POST)
    context = {"fragment": True, **_beside(domain, form, _typed(domain, form))}
    return render(request, "stewardship/create/alike.html", context)


def _typed(domain: Domain, form: NewRecordForm) -> Draft:
    return creating.draft(domain, form.typed(), form.typed_parts())


def _beside(domain: Domain, form: NewRecordForm, draft: Draft) -> dict[str, Any]:
    """What stands beside the form."""
    searched = draft.searched
    likely = {one.record for one in searched.likely}
    told = cards(searched.domain, searched.found, form.typed())
    return {
        "domain": domain,
        "likely": [card for card in told if card["alike"].record in likely],
        "similar": [card for card in told if card["alike"].record not in likely],
        "begun": bool(form.typed() or form.typed_parts()),
        "notes": [text for _, text in (*draft.given.doubted, *searched.left_out)] if searched.compared else [],
        "seen": [one.code for one in searched.likely],
    }


def _page(
    request: HttpRequest, domain: Domain, form: NewRecordForm, draft: Draft, *, status: int = 200
) -> HttpResponseBase:
    context = {
        "form": form,
        "alike_url": reverse("stewardship:create_alike", args=[domain.slug]),
        "back": reverse("stewardship:records", args=[domain.slug]),
        "holds": draft.holds if form.is_bound else [],
        **_beside(domain, form, draft),
    }
    return render(request, "stewardship/create/page.html", context, status=status)


urls = [
    path("records/<slug:slug>/new/", create, name="create"),
    path("records/<slug:slug>/new/alike/", alike, name="create_alike"),
]
