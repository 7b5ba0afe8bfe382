"""Pages of publishing. A view reads, or calls one verb and leads back; it never saves."""

import json
from collections.abc import Callable, Mapping
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from mdm.cause import Actor
from mdm.models import GoldenRecord
from publishing import endpoints, queries, verbs
from publishing.access import actor, acts, may_act, sees
from publishing.models import Delivery, DeliveryState, Endpoint, EndpointKind
from publishing.outcomes import Fate
from publishing.plot import plot

VERBS: dict[str, tuple[Callable[..., None], str]] = {
    "pause": (verbs.pause, "{} is paused. Its place in the log is kept."),
    "resume": (verbs.resume, "{} goes on where it stopped."),
    "try-now": (verbs.try_now, "{} is tried again now."),
    "disable": (verbs.disable, "{} is disabled. Its place in the log is kept."),
}


def _is_fragment(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def _page(request: HttpRequest, page: str, fragment: str, context: Mapping[str, object]) -> HttpResponse:
    response = render(request, fragment if _is_fragment(request) else page, dict(context))
    response.headers["Vary"] = "HX-Request"
    return response


@require_GET
@sees
def endpoint_list(request: HttpRequest) -> HttpResponse:
    """Every endpoint: state, backlog, last success, failures, the last hour."""
    rows = queries.overview(Endpoint.objects.all())
    context = {"rows": rows, "stalled": [row for row in rows if row.stalled]}
    return _page(request, "publishing/endpoints.html", "publishing/endpoints_live.html", context)


@require_GET
@sees
def parked_anywhere(request: HttpRequest) -> HttpResponse:
    """A fragment for the work queue: which targets refused records that now wait for a person; blank for none."""
    return render(request, "publishing/parked_anywhere.html", {"parked": queries.parked_counts()})


@require_GET
@sees
def endpoint_page(request: HttpRequest, code: str) -> HttpResponse:
    """One endpoint: its lane, parked records, the last calls, what people did."""
    [row] = queries.overview(Endpoint.objects.filter(pk=_endpoint(code).pk))
    context = {
        "row": row,
        "endpoint": row.endpoint,
        "lane": row.endpoint.lane,
        "plot": plot(row.minutes),
        "parked": queries.parked(row.endpoint),
        "attempts": queries.recent_attempts(row.endpoint),
        "interventions": row.endpoint.interventions.order_by("-pk")[:12],
        "secrets": row.endpoint.secrets.all(),
        "signs": row.endpoint.kind == EndpointKind.WEBHOOK,
        "may_act": may_act(request.user),
    }
    return _page(request, "publishing/endpoint.html", "publishing/endpoint_live.html", context)


@require_POST
@acts
def act(request: HttpRequest, code: str, verb: str) -> HttpResponse:
    """Pause, resume, try now or disable, with the reason given."""
    endpoint = _endpoint(code)
    call, said = VERBS[verb]
    call(endpoint=endpoint, by=actor(request), reason=request.POST.get("reason", "").strip())
    messages.success(request, said.format(endpoint.name))
    return redirect("publishing:endpoint", code=code)


@require_POST
@acts
def verify(request: HttpRequest, code: str) -> HttpResponse:
    """Ask the target whether it listens, and say what it answered."""
    endpoint = _endpoint(code)
    result = endpoints.verify(endpoint=endpoint, by=actor(request))
    if result.outcome.fate is Fate.ACCEPTED:
        messages.success(request, f"{endpoint.name} answered in {result.duration_ms} ms and proved itself.")
    else:
        messages.error(request, result.words)
    return redirect("publishing:endpoint", code=code)


@require_POST
@acts
def rotate(request: HttpRequest, code: str) -> HttpResponse:
    """A new signing secret, shown this once."""
    endpoint = _endpoint(code)
    secret = endpoints.rotate_secret(endpoint=endpoint, by=actor(request))
    response = render(request, "publishing/secret.html", {"endpoint": endpoint, "secret": secret})
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@acts
def release_parked(request: HttpRequest, code: str) -> HttpResponse:
    """Offer again every parked record of one code, or of all of them."""
    rows = Delivery.objects.filter(endpoint=_endpoint(code), state=DeliveryState.PARKED)
    if outcome := request.POST.get("outcome"):
        rows = rows.filter(outcome_code=outcome)
    reason = request.POST.get("reason", "").strip()
    count = verbs.release(deliveries=list(rows.values_list("pk", flat=True)), by=actor(request), reason=reason)
    messages.success(request, f"{count:,} parked records are offered again.")
    return redirect("publishing:endpoint", code=code)


@require_GET
@sees
def delivery_page(request: HttpRequest, pk: int) -> HttpResponse:
    """One delivery: the bytes that are sent, and every try with its answer."""
    delivery = get_object_or_404(Delivery.objects.select_related("endpoint", "record", "event"), pk=pk)
    tries = [(attempt, _readable(attempt.answer)) for attempt in queries.history_of(delivery)]
    context = {
        "delivery": delivery,
        "body": _readable(delivery.body),
        "tries": tries,
        "may_act": may_act(request.user),
        "parked": delivery.state == DeliveryState.PARKED,
        "may_resend": delivery.state in (DeliveryState.DELIVERED, DeliveryState.WAITING),
    }
    return render(request, "publishing/delivery.html", context)


@require_POST
@acts
def offer_again(request: HttpRequest, pk: int, verb: str) -> HttpResponse:
    """Release or resend one delivery."""
    call: Callable[..., int] = {"release": verbs.release, "resend": verbs.resend}[verb]
    by: Actor = actor(request)
    if call(deliveries=[pk], by=by, reason=request.POST.get("reason", "").strip()):
        messages.success(request, "It is offered again.")
    else:
        messages.warning(request, "It has moved on meanwhile; nothing was changed.")
    return redirect("publishing:delivery", pk=pk)


@require_GET
@sees
def record_deliveries(request: HttpRequest, record_id: UUID) -> HttpResponse:
    """Where one record is now, endpoint by endpoint: a fragment for the record's own page."""
    record = get_object_or_404(GoldenRecord, pk=record_id)
    context = {"record": record, "rows": queries.deliveries_of(record.pk, record.domain)}
    return render(request, "publishing/record_deliveries.html", context)


def _endpoint(code: str) -> Endpoint:
    return get_object_or_404(Endpoint.objects.select_related("lane"), code=code)


def _readable(text: str) -> str:
    """JSON on many lines; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
