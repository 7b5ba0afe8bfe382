"""Why one value of a record reads as it does, on a page of its own; and taking a pin back."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.urls import path, reverse

from mdm import queries
from mdm.errors import Refused
from mdm.masking import masked
from mdm.mastering import unedited
from mdm.mastering.compose import EXTENSION_PREFIX
from mdm.models import GoldenRecord
from mdm.queries import PinShown, Reference, Why
from mdm.queries.values import references_to
from mdm.spec import Attribute, Domain, Exposure, Kind
from stewardship import requests, showing
from stewardship.access import require, signed_in
from stewardship.asking import Question, ask
from stewardship.models import ChangeRequest, RequestState
from stewardship.permissions import may_propose, may_see
from stewardship.views.located import located, show
from stewardship.why_words import claim_words, pin_words, rule_words


@require(may_see)
@located
def why(request: HttpRequest, record: GoldenRecord, domain: Domain, attribute: str) -> HttpResponseBase:
    """Winner, rule, every other claim with source and date, pins standing and over, every change of the value."""
    found = queries.why_value(record, attribute)
    own = found.value.attribute
    editable = own.exposure is not Exposure.RESTRICTED
    waiting = ChangeRequest.objects.filter(
        record=record, state__in=(RequestState.OPEN, RequestState.SCHEDULED), before__has_key=own.name
    ).select_related("requested_by")
    context = {
        "why": found,
        "row": showing.sheet_rows([found.value])[0],
        "rule": rule_words(found.value.provenance.rule) if found.value.provenance else "",
        "claims": [_claim(record, domain, found, claim, editable=editable) for claim in found.claims],
        "pins": [{"pin": pin, "words": pin_words(pin), "value": _pinned(own, pin)} for pin in found.pins],
        "changes": [_change(own, change) for change in found.changes],
        "waiting": waiting,
        "unpin_href": _address("unpin", domain, record, own) if found.standing and editable else "",
        "edit_href": f"{_address('record', domain, record)}?{urlencode({'edit': own.name})}#value-{own.name}",
        "editable": editable,
    }
    return show(request, "stewardship/record/why.html", record, domain, context)


def _address(page: str, domain: Domain, record: GoldenRecord, attribute: Attribute | None = None) -> str:
    own = {"slug": domain.slug, "name": record.code}
    return reverse(f"stewardship:{page}", kwargs=own | ({"attribute": attribute.name} if attribute else {}))


def pin_address(domain: Domain, code: str, attribute: Attribute, value: Any, source_record: int) -> str:
    """The page that proposes to pin what one source record says."""
    text = value.code if isinstance(value, Reference) else str(value).lower() if isinstance(value, bool) else str(value)
    asked = {attribute.name: text, "pin": f"{attribute.name}:{source_record}", "lifetime": "source"}
    page = reverse("stewardship:propose", kwargs={"slug": domain.slug, "name": code})
    return f"{page}?{urlencode(asked)}#why"


def _claim(record: GoldenRecord, domain: Domain, found: Why, claim: Any, *, editable: bool) -> dict[str, Any]:
    own = found.value.attribute
    takes = editable and not claim.edit and not (own.kind is Kind.REFERENCE and not isinstance(claim.value, Reference))
    return {
        "claim": claim,
        "source": showing.Source(claim.source, claim.source_name),
        "value": showing.shown(own, claim.value),
        "words": claim_words(found, claim),
        "href": reverse("stewardship:record_source", args=[domain.slug, record.code, claim.source_record]),
        "pin_href": pin_address(domain, record.code, own, claim.value, claim.source_record) if takes else "",
    }


def _pinned(attribute: Attribute, pin: PinShown) -> str:
    value = pin.value
    if isinstance(value, dict) and value.get("record"):
        value = references_to([UUID(value["record"])]).get(UUID(value["record"]))
    return showing.shown(attribute, masked(attribute, value))


def _change(attribute: Attribute, change: Any) -> dict[str, Any]:
    before, after = (showing.shown(attribute, masked(attribute, side)) for side in (change.before, change.after))
    return {"change": change, "line": [{"label": attribute.label, "before": before, "after": after}]}


@require(may_propose)
@located
def propose_unpin(request: HttpRequest, record: GoldenRecord, domain: Domain, attribute: str) -> HttpResponseBase:
    """Propose that the sources decide again about one attribute; GET says what they would say."""
    own = queries.attribute_of(domain, attribute)
    found = queries.why_value(record, attribute)
    if not found.standing:
        raise Refused(f"{own.label} is not pinned.", "The sources decide about it already.")
    page = _address("why", domain, record, own)

    def act(reason: str) -> str:
        text = request.POST.get("version", "")
        shown = int(text) if text.isascii() and text.isdigit() else 0
        made = requests.propose(
            record_id=record.pk,
            values={},
            base_version=shown,
            reason=reason,
            user=signed_in(request),
            unpins=[attribute],
            beside=[str(one.pk) for one in requests.overlapping(record.pk, [attribute])],
        )
        messages.success(request, "Proposed. The pin ends when a colleague approves it.")
        return reverse("stewardship:request", args=[made.pk])

    question = Question(
        title=f"Unpin {own.label}?",
        text=f"The sources decide again, also when they change. Today they say: {_unedited(domain, record, own)}.",
        verb="Propose to unpin",
        back=page,
        hidden=[("version", record.version)],
    )
    return ask(request, question, act)


def _unedited(domain: Domain, record: GoldenRecord, attribute: Attribute) -> str:
    left = unedited(domain, record.pk)
    own = attribute.name.removeprefix(EXTENSION_PREFIX)
    value = left.values.get(attribute.name) if own == attribute.name else left.extension.get(own)
    if attribute.kind is Kind.REFERENCE and value:
        value = references_to([UUID(value)]).get(UUID(value))
    return showing.shown(attribute, masked(attribute, value)) or "nothing"


urls = [
    path("records/<slug:slug>/<str:name>/why/<str:attribute>/", why, name="why"),
    path("records/<slug:slug>/<str:name>/unpin/<str:attribute>/", propose_unpin, name="unpin"),
]
