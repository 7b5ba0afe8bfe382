"""The audit log: every change by anybody, searched, opened, exported; a record as it was; is the log whole?"""

import json
import logging
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from mdm import queries
from mdm.domains import DOMAINS
from mdm.errors import Invalid
from mdm.filters.fields import moment
from mdm.models import EventVerb
from mdm.queries import AuditPage
from stewardship import auditing
from stewardship.access import is_fragment, require, signed_in
from stewardship.listing import address
from stewardship.models import Decision
from stewardship.permissions import may_audit
from stewardship.requests import person
from stewardship.views.audit_proof import standing

PAGE = 50

logger = logging.getLogger(__name__)


@require_safe
@require(may_audit)
def audit(request: HttpRequest) -> HttpResponse:
    """``/audit/``: every change, newest first, under the filters of the address. A fragment is the list alone."""
    asked = {name: value for name in auditing.NAMES if (value := request.GET.get(name, "").strip())}
    context: dict[str, Any] = {"asked": asked, "errors": {}}
    status = 200
    try:
        filters = auditing.read_filters(request.GET)
        page = queries.audit_entries(filters, before=request.GET.get("before", ""), limit=PAGE)
    except Invalid as refusal:
        page, status = AuditPage([], ""), refusal.http
        context |= {"refusal": refusal, "problems": [problem for _, problem in refusal.problems]}
        context["errors"] = dict(refusal.problems)
    kept = address(asked)
    context |= {
        "lines": [auditing.shown(entry) for entry in page.entries],
        "next_href": f"{kept}{'&' if asked else ''}before={page.next}" if page.next else "",
        "previous_href": kept if request.GET.get("before") else "",
        "csv_href": reverse("stewardship:audit_csv") + kept,
        "json_href": reverse("stewardship:audit_json") + kept,
    }
    fragment = is_fragment(request)
    if not fragment:
        context |= {
            "people": queries.actors(),
            "domains": DOMAINS,
            "attributes": auditing.attributes(),
            "verbs": EventVerb.choices,
            "proof": standing(request),
        }
    template = "stewardship/audit/results.html" if fragment else "stewardship/audit/list.html"
    response = render(request, template, context, status=status)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@require(may_audit)
def event(request: HttpRequest, event_id: int) -> HttpResponse:
    """One change whole: before and after, provenance, decision, hashes, and the event as it is kept."""
    found = queries.audit_event(event_id)
    decision = None
    if found.entry.decision_id:
        decision = Decision.objects.select_related("decided_by", "request").filter(pk=found.entry.decision_id).first()
    context = {
        "line": auditing.shown(found.entry),
        "found": found,
        "decision": decision,
        "decided_by": person(decision.decided_by).name if decision else "",
        "text": json.dumps(found.body, indent=2, ensure_ascii=False),
    }
    template = "stewardship/audit/whole.html" if is_fragment(request) else "stewardship/audit/event.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    return response


@require_safe
@require(may_audit)
def as_it_was(request: HttpRequest) -> HttpResponse:
    """``?record=&at=`` or ``&seq=``: the whole record as it was at that time or place in the log, to be printed."""
    name, at, seq = (request.GET.get(field, "").strip() for field in ("record", "at", "seq"))
    problems = [("record", "Name the record by its code, such as SUP-0000001.")] if not name else []
    if bool(at) == bool(seq):
        problems.append(("at", "Give either a date or a sequence number."))
    if seq and not (seq.isascii() and seq.isdigit() and len(seq) < 19):
        problems.append(("seq", "The sequence number is a whole number."))
    when = _moment(at, problems) if at else None
    if problems:
        raise Invalid("A record and one point in time are needed.", "Correct what is named.", problems)
    record = queries.resolve(name)
    past = queries.as_of(record.pk, moment=when, seq=int(seq) if seq else None)
    context = auditing.whole(past) | {"past": past, "at": at, "seq": seq, "now": timezone.now()}
    return render(request, "stewardship/audit/as_it_was.html", context)


def _moment(text: str, problems: list[tuple[str, str]]) -> datetime | None:
    try:
        found = moment(text)
    except ValidationError as error:
        problems.append(("at", error.messages[0]))
        return None
    # A day alone means all of it: what the record was when the day was over.
    return found.replace(hour=23, minute=59, second=59, microsecond=999_999) if len(text) == auditing.DAY else found


@require_safe
@require(may_audit)
def export_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Exactly what is filtered, all pages, one line per changed attribute; memory stays flat."""
    filters = auditing.read_filters(request.GET)
    return _download(request, _marked(queries.audit_csv(filters)), "csv", "text/csv; charset=utf-8")


@require_safe
@require(may_audit)
def export_json(request: HttpRequest) -> StreamingHttpResponse:
    """Exactly what is filtered as JSON lines, each event whole with number and hash."""
    filters = auditing.read_filters(request.GET)
    return _download(request, queries.audit_json_lines(filters), "jsonl", "application/x-ndjson")


def _marked(lines: Iterator[str]) -> Iterator[str]:
    yield "\ufeff"
    yield from lines


def _download(request: HttpRequest, lines: Iterator[str], ending: str, kind: str) -> StreamingHttpResponse:
    who = person(signed_in(request)).name
    logger.info("Audit export (%s) by %s: %s", ending, who, request.GET.urlencode() or "everything")
    response = StreamingHttpResponse(lines, content_type=kind)
    name = f"audit-{timezone.now():%Y%m%d-%H%M%S}.{ending}"
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


urls = [
    path("audit/", audit, name="audit"),
    path("audit/as-it-was/", as_it_was, name="audit_as_it_was"),
    path("audit/export.csv", export_csv, name="audit_csv"),
    path("audit/export.jsonl", export_json, name="audit_json"),
    path("audit/<int:event_id>/", event, name="audit_event"),
]
