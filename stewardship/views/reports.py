"""Reporting a suspected duplicate from a record's page: the other record by search, what matching says, and why."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods

from matching import reporting as asked
from mdm.cause import LONGEST_REASON
from mdm.errors import Invalid, Refused
from mdm.models import GoldenRecord, GoldenState
from mdm.spec import Domain
from stewardship import reporting
from stewardship.access import require, signed_in
from stewardship.pairs import Pairs
from stewardship.permissions import may_propose
from stewardship.showing import record_address
from stewardship.views.explain import found_by, named
from stewardship.views.located import located, show


@require_http_methods(["GET", "HEAD", "POST"])
@require(may_propose)
@located
def report(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """``.../report/?with=SUP-2``; ``with`` may be any words. A POST makes it a question for the stewards."""
    if record.state == GoldenState.MERGED:
        return redirect(record_address(domain.name, record.code))
    text = request.GET.get("with", "").strip()
    other = named(text) if text else None
    if other is None or other.domain != record.domain or other.pk == record.pk:
        context = found_by(record, domain, text) | {"pick": "?with=", "same": other is not None}
        return show(request, "stewardship/record/report_choose.html", record, domain, context)
    if request.method != "POST":
        return _page(request, record, domain, other)
    try:
        reporting.report_duplicate(
            first=record.pk, second=other.pk, reason=request.POST.get("reason", ""), user=signed_in(request)
        )
    except (Invalid, Refused) as refusal:
        return _page(request, record, domain, other, refusal)
    messages.success(request, "Reported. A steward decides it; you find the outcome here.")
    return redirect("stewardship:my_suggestions")


def _page(
    request: HttpRequest,
    record: GoldenRecord,
    domain: Domain,
    other: GoldenRecord,
    refusal: Invalid | Refused | None = None,
) -> HttpResponseBase:
    context: dict[str, Any] = {
        "other": other,
        "other_href": record_address(domain.name, other.code),
        "pair": next(iter(Pairs(domain, [record.pk, other.pk]).why_not()), None),
        "question": asked.waiting_about(record.pk, other.pk),
        "explain_href": f"{reverse('stewardship:explain')}?{urlencode({'of': record.code, 'with': other.code})}",
        "refusal": refusal,
        "reason": request.POST.get("reason", ""),
        "most": LONGEST_REASON,
    }
    status = refusal.http if refusal else 200
    return show(request, "stewardship/record/report.html", record, domain, context, status=status)


urls = [path("records/<slug:slug>/<str:name>/report/", report, name="report")]
