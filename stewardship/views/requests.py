"""Change requests: what colleagues propose, shown as before and after, approved or refused by somebody else."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import render
from django.urls import path, reverse

from mdm import queries
from mdm.domains import BY_NAME
from mdm.errors import NotFound
from mdm.mastering.compose import extension_attributes
from mdm.queries.values import references_to
from mdm.spec import Attribute, Kind
from stewardship import requests as verbs
from stewardship import showing
from stewardship.access import require, signed_in
from stewardship.asking import Question, ask
from stewardship.models import ChangeRequest, CheckedRow, RequestState, Verb
from stewardship.permissions import may_approve, may_propose, may_see
from stewardship.pinning import lifetime_words, proposed_values, watched_words
from stewardship.views.create_request import MADE, NOT_MADE, made_record, may_take_back, show_new, why_not
from stewardship.views.located import deliveries_address


def _attributes(one: ChangeRequest) -> list[Attribute]:
    domain = BY_NAME[one.domain]
    known = {attribute.name: attribute for attribute in domain.attributes}
    names = (*one.values, *one.unpins)
    if any(name not in known for name in names):
        known |= {attribute.name: attribute for attribute in extension_attributes(domain)}
    return [known.get(name) or Attribute(name=name, label=name) for name in names]


def _find(request_id: UUID) -> ChangeRequest:
    found = ChangeRequest.objects.select_related("record", "requested_by", "decided_by").filter(pk=request_id).first()
    if found is None:
        raise NotFound("There is no such change request.", "Open the list of change requests.")
    return found


@require(may_see)
def change_request(request: HttpRequest, request_id: UUID) -> HttpResponseBase:
    """Before and after, who and why, and the decision; afterwards the version it became."""
    one = _find(request_id)
    if one.is_new:
        return show_new(request, one)
    found = verbs.conflicts(one) if one.state == RequestState.OPEN else {}
    domain, record = BY_NAME[one.domain], made_record(one)
    lines = _lines(one)
    open_now = one.state == RequestState.OPEN
    mine = one.requested_by_id == signed_in(request).pk
    since = [entry for entry in queries.history(record.pk, limit=20) if entry.version > one.base_version]
    context: dict[str, Any] = {
        "one": one,
        "domain": domain,
        "together": CheckedRow.objects.filter(request=one).values_list("of", flat=True).first(),
        "record_href": showing.record_address(domain.name, record.code),
        "lines": lines,
        "moved": showing.timeline(domain, since) if open_now else [],
        "stale": open_now and any(line["moved"] for line in lines),
        "mine": mine,
        "open_now": open_now,
        "may_approve": may_approve(request.user),
        "may_withdraw": may_take_back(request, one),
        "refusal": why_not(request, one),
        "lifetime": lifetime_words(one),
        "version": _version_made(one),
        "deliveries_href": reverse("stewardship:record_deliveries", args=[domain.slug, record.code])
        if deliveries_address(record.pk)
        else "",
        "hidden": [("digest", one.digest)],
        "acknowledged": verbs.acknowledgement(found),
        "rivals": [other for other in verbs.overlapping(record.pk, [*one.values, *one.unpins]) if other.pk != one.pk]
        if open_now
        else [],
    }
    return render(request, "stewardship/requests/request.html", context)


def _lines(one: ChangeRequest) -> list[dict[str, Any]]:
    """Before and after of every attribute; ``moved`` where the record holds something else by now."""
    attributes = _attributes(one)
    detail = queries.record_detail(made_record(one), part_limit=0)
    present = {value.attribute.name: value.value for value in (*detail.values, *detail.extension)}
    pointing = [attribute.name for attribute in attributes if attribute.kind is Kind.REFERENCE]
    after_of = proposed_values(one)
    wanted = {UUID(side[name]) for side in (one.before, after_of) for name in pointing if side.get(name)}
    targets = references_to(wanted)
    watched = watched_words(one)
    lines = []
    for attribute in attributes:
        before, after, now = one.before.get(attribute.name), after_of.get(attribute.name), present.get(attribute.name)
        if attribute.kind is Kind.REFERENCE:
            before, after = (targets.get(UUID(value)) if value else None for value in (before, after))
        waits = one.state in (RequestState.OPEN, RequestState.SCHEDULED)
        moved = waits and (before or None) != (now or None)
        lines.append(
            {
                "label": attribute.label,
                "before": showing.shown(attribute, before),
                "after": showing.shown(attribute, after),
                "moved": moved,
                "now": showing.shown(attribute, now),
                "unpinned": attribute.name in one.unpins,
                "until": watched.get(attribute.name, ""),
            }
        )
    return lines


def _version_made(one: ChangeRequest) -> int | None:
    """The version of the record that the approval wrote."""
    decision = one.decisions.filter(verb=Verb.APPROVE).values_list("pk", flat=True).first()
    if decision is None:
        return None
    model: Any = BY_NAME[one.domain].model
    versions = model.history.filter(record_id=one.record_id, decision_id=decision)
    number: int | None = versions.values_list("version", flat=True).first()
    return number


@require(may_approve)
def approve(request: HttpRequest, request_id: UUID) -> HttpResponseBase:
    """Approve what the page showed: its digest travels along."""
    one = _find(request_id)
    page = reverse("stewardship:request", args=[one.pk])

    def act(note: str) -> str:
        digest, seen = request.POST.get("digest", ""), request.POST.get("acknowledged", "")
        done = verbs.approve(request_id=one.pk, digest=digest, user=signed_in(request), answer=note, acknowledged=seen)
        messages.success(request, f"Approved. {_then(done)}")
        return page

    question = Question(
        title="Make this record?" if one.is_new else "Approve this change?",
        text=MADE if one.is_new else "The values become the record's at once and are published.",
        verb="Approve",
        reason_required=False,
        back=page,
        hidden=[("digest", one.digest)],
    )
    return ask(request, question, act)


def _then(done: ChangeRequest) -> str:
    code = made_record(done).code
    if done.state == RequestState.SCHEDULED and done.holds_from:
        return f"{code} changes on {done.holds_from:%d %b %Y}; until then the change can be withdrawn."
    return f"{code} {'is made' if done.is_new else 'has a new version'}, and receivers are told."


@require(may_approve)
def refuse(request: HttpRequest, request_id: UUID) -> HttpResponseBase:
    """Refuse, saying why."""
    one = _find(request_id)
    page = reverse("stewardship:request", args=[one.pk])

    def act(reason: str) -> str:
        verbs.refuse(request_id=one.pk, user=signed_in(request), answer=reason)
        messages.success(request, "Refused. Whoever proposed it reads your reason.")
        return page

    question = Question(
        title="Refuse this change?",
        text=NOT_MADE if one.is_new else "The record stays as it is. Whoever proposed the change reads your reason.",
        verb="Refuse",
        danger=True,
        back=page,
    )
    return ask(request, question, act)


@require(may_propose)
def withdraw(request: HttpRequest, request_id: UUID) -> HttpResponseBase:
    """Take back one's own request."""
    one = _find(request_id)
    page = reverse("stewardship:request", args=[one.pk])

    def act(_reason: str) -> str:
        verbs.withdraw_request(request_id=one.pk, user=signed_in(request))
        messages.success(request, "Withdrawn.")
        return page

    question = Question(
        title="Withdraw this change?",
        text="It has not taken effect yet, and no longer will.",
        verb="Withdraw",
        reason_required=False,
        back=page,
    )
    return ask(request, question, act)


urls = [
    path("requests/<uuid:request_id>/", change_request, name="request"),
    path("requests/<uuid:request_id>/approve/", approve, name="approve"),
    path("requests/<uuid:request_id>/refuse/", refuse, name="refuse"),
    path("requests/<uuid:request_id>/withdraw/", withdraw, name="withdraw"),
]
