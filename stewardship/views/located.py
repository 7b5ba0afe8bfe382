"""Finding the golden record an address names, and what stands at the head of each of its pages."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils.http import url_has_allowed_host_and_scheme

from mdm import queries
from mdm.domains import BY_NAME
from mdm.models import GoldenRecord, GoldenState, Link, Merge
from mdm.queries.values import holders
from mdm.spec import Domain
from stewardship import permissions, showing
from stewardship.waiting import open_tasks

RecordView = Callable[..., HttpResponseBase]


def located(view: RecordView) -> RecordView:
    """Hand the view the record and its domain; an address by id, or in another domain, leads to the record's own.

    Merged records are found as well. Raises NotFound for a record that never was.
    """

    @wraps(view)
    def found(request: HttpRequest, slug: str, name: str, **kwargs: Any) -> HttpResponseBase:
        record = queries.resolve(name)
        domain = BY_NAME[record.domain]
        if request.method == "GET" and (slug, name) != (domain.slug, record.code) and request.resolver_match:
            own = reverse(request.resolver_match.view_name, kwargs={"slug": domain.slug, "name": record.code, **kwargs})
            query = request.GET.urlencode()
            return redirect(f"{own}?{query}" if query else own)
        return view(request, record, domain, **kwargs)

    return found


def show(
    request: HttpRequest, template: str, record: GoldenRecord, domain: Domain, context: dict[str, Any], **options: Any
) -> HttpResponseBase:
    """A page of the record: its own context and the head all pages of a record share."""
    return render(request, template, head(request, record, domain) | context, **options)


def head(request: HttpRequest, record: GoldenRecord, domain: Domain) -> dict[str, Any]:
    """Title, state, where a merged record went, what is open, the tabs and what the person may do."""
    tasks = open_tasks(record.pk)
    sources = Link.objects.filter(record=record, ended_at__isnull=True, source_record__part="").count()
    merged = record.state == GoldenState.MERGED
    holder = holders([record.pk]).get(record.pk) if merged else None
    return {
        "record": record,
        "domain": domain,
        "record_title": record.title or record.code,
        "source_count": sources,
        "tasks": tasks,
        "merge": Merge.objects.filter(loser=record, undone_at__isnull=True).first() if merged else None,
        "redirect": holder,
        "redirect_href": showing.record_address(holder.domain, holder.code) if holder else "",
        "shown_version": [("version", record.version)],
        "tabs": _tabs(request, record, domain, sources),
        "may_propose": permissions.may_propose(request.user) and not merged,
        "suggests": permissions.suggests(request.user),
        "may_decide": permissions.may_decide(request.user),
        "may_retire": record.state in (GoldenState.ACTIVE, GoldenState.PENDING),
        "may_reinstate": record.state == GoldenState.RETIRED,
        "address": showing.record_address(domain.name, record.code),
    }


def _tabs(request: HttpRequest, record: GoldenRecord, domain: Domain, sources: int) -> list[dict[str, Any]]:
    own = {"slug": domain.slug, "name": record.code}
    tabs: list[tuple[str, str, str, int | None]] = [
        ("record", "Values", "table", None),
        ("record_sources", "Sources", "database", sources),
        ("record_references", "References", "link", None),
        ("record_history", "History", "history", record.version),
    ]
    if deliveries_address(record.pk):
        tabs.append(("record_deliveries", "Deliveries", "send", None))
    current = request.resolver_match.url_name if request.resolver_match else ""
    return [
        {
            "label": label,
            "href": reverse(f"stewardship:{name}", kwargs=own),
            "current": name == current,
            "count": count,
            "icon": icon,
        }
        for name, label, icon, count in tabs
    ]


def deliveries_address(record_id: UUID) -> str:
    """Where publishing shows the deliveries of a record; "" where no such page is installed."""
    try:
        return reverse("publishing:record_deliveries", args=[record_id])
    except NoReverseMatch:
        return ""


def compare_address(record_ids: list[UUID]) -> str:
    """Where these records are shown side by side; "" where no such page is installed."""
    try:
        return f"{reverse('stewardship:compare')}?{urlencode({'records': ','.join(map(str, record_ids))})}"
    except NoReverseMatch:
        return ""


def next_address(request: HttpRequest, default: str) -> str:
    """Where to go after an act: ``next`` of the form when it is a page of ours, else ``default``."""
    wanted = request.POST.get("next", "")
    return wanted if url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()}) else default
