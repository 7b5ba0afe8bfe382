"""One delivery, and all deliveries of one record."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from mdm.domains import BY_NAME
from mdm.models import GoldenRecord
from publishing import verbs
from publishing.access import actor, acts, may_act, sees
from publishing.advice import advice_for
from publishing.crosswalk import merged_ids
from publishing.models import Delivery, DeliveryState
from publishing.queries.calls import history_of
from publishing.queries.whereabouts import awaited_by, deliveries_of
from publishing.views.common import readable, reason_of

ACTS: dict[str, tuple[Callable[..., int], str]] = {
    "release": (verbs.release, "It is offered again."),
    "resend": (verbs.resend, "It is sent again, with the same id and the same bytes."),
    "skip": (verbs.skip, "It is skipped: the target is not told of this version."),
}
RESENT = (DeliveryState.DELIVERED, DeliveryState.WAITING, DeliveryState.PARKED)


@require_GET
@sees
def delivery_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One delivery: the bytes that are sent, every try with its answer, receipts, what people did."""
    delivery = get_object_or_404(Delivery.objects.select_related("endpoint", "record", "event", "replay"), pk=pk)
    tries = [(attempt, advice_for(attempt.outcome_code), readable(attempt.answer)) for attempt in history_of(delivery)]
    pretty = readable(delivery.body)
    context = {
        "delivery": delivery,
        "record_href": f"/records/{BY_NAME[delivery.domain].slug}/{delivery.record.code}/",
        "body": pretty,
        "raw": delivery.body if delivery.body != pretty else "",
        "size": len(delivery.body.encode()),
        "tries": tries,
        "receipts": list(delivery.receipts.order_by("-pk")),
        "interventions": list(delivery.interventions.order_by("-pk")),
        "waits_for": awaited_by(delivery),
        "advice": advice_for(delivery.outcome_code) if delivery.outcome_code else None,
        "may_act": may_act(request.user),
        "parked": delivery.state == DeliveryState.PARKED,
        "may_resend": delivery.state in RESENT,
    }
    return render(request, "publishing/delivery.html", context)


@require_POST
@acts
def act_on_delivery(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Release, resend or skip one delivery."""
    call, said = ACTS[verb]
    if call(deliveries=[pk], by=actor(request), reason=reason_of(request)):
        messages.success(request, said)
    else:
        messages.warning(request, "It has moved on meanwhile; nothing was changed.")
    return redirect("publishing:delivery", pk=pk)


@require_GET
@sees
def record_deliveries(request: HttpRequest, record_id: UUID) -> HttpResponse:
    """Where one record is now, endpoint by endpoint: a fragment for the record's own page."""
    record = get_object_or_404(GoldenRecord, pk=record_id)
    rows = deliveries_of(record.pk, record.domain)
    context = {
        "record": record, "rows": rows, "also_known": merged_ids(record.pk), "may_act": may_act(request.user),
    }  # fmt: skip
    return render(request, "publishing/record_deliveries.html", context)
