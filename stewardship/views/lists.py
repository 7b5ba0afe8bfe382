"""Lists to check: drop one, say what its columns are. Nothing of a list becomes master data."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid
from mdm.intake.drafts import NEW_SOURCE
from mdm.intake.surroundings import look_around
from mdm.intake.targets import Records
from mdm.models import SourceSystem
from stewardship import drafting
from stewardship.access import require, signed_in
from stewardship.lists import columns as of_list
from stewardship.lists import keeping, telling
from stewardship.lists.comparing import CLEAR
from stewardship.models import CheckedList, Purpose
from stewardship.permissions import may_check, may_see
from stewardship.views.batches import ACCEPT, NotKept

SHOWN = 50


@require_safe
@require(may_see)
def lists(request: HttpRequest) -> HttpResponse:
    """``/lists/``: the drop zone, and one's own lists, newest first."""
    return _page(request)


def _page(request: HttpRequest, refusal: Invalid | None = None) -> HttpResponse:
    user = signed_in(request)
    asked = request.POST.get("domain", "") or request.GET.get("domain", "")
    context = {
        "lines": [(one, telling.domain_label(one)) for one in keeping.seen_by(user)[:SHOWN]],
        "domains": DOMAINS,
        "asked": asked,
        "purposes": Purpose.choices,
        "purpose": _purpose(request.POST.get("purpose", "") or request.GET.get("purpose", "")),
        "clear": CLEAR,
        "accept": ACCEPT,
        "days": keeping.KEPT.days,
        "may_check": may_check(user),
        "refusal": refusal,
    }
    return render(request, "stewardship/lists/list.html", context, status=refusal.http if refusal else 200)


@require_POST
@require(may_check)
def send(request: HttpRequest) -> HttpResponse:
    """Keep the file and propose what its columns are; a file that is no table is explained on the page it came from."""
    file = request.FILES.get("file")
    domain = BY_NAME.get(request.POST.get("domain", ""))
    try:
        if file is None:
            raise Invalid("There is no file.", "Choose one first, or drop one anywhere on this page.")
        made = keeping.draw(
            file=file,  # type: ignore[arg-type]  # a binary file
            file_name=str(file.name), size=file.size or 0, user=signed_in(request),
            records=Records(domain) if domain else None, purpose=_purpose(request.POST.get("purpose", "")),
        )  # fmt: skip
    except Invalid as refusal:
        return _page(request, refusal)
    except OSError as error:
        raise NotKept(
            "The file could not be stored: the hub's disk refused it.", "Tell your operator, then send it again."
        ) from error
    return redirect("stewardship:list_columns", made.pk)


def _purpose(text: str) -> Purpose:
    return Purpose(text) if text in Purpose.values else Purpose.CHECK


@require_http_methods(["GET", "HEAD", "POST"])
@require(may_check)
def columns(request: HttpRequest, list_id: UUID) -> HttpResponse:
    """Which column is what, and how the file is written; sent, every row is checked."""
    one = keeping.find(list_id, signed_in(request))
    if request.method != "POST":
        return _columns_page(request, one)
    try:
        return _chosen(request, one)
    except Invalid as refusal:
        return _columns_page(request, one, refusal)


def _chosen(request: HttpRequest, one: CheckedList) -> HttpResponse:
    """Keep what was typed. Where the file reads otherwise now, or holds other records, columns are proposed anew."""
    user, before = signed_in(request), drafting.seen(one)
    document = drafting.typed_dialect(request.POST, one.document)
    domain = BY_NAME.get(request.POST.get("records", ""), drafting.records_in(one.document).domain)
    found = drafting.seen(one, document)
    naming = next((name for name in found.header if name == request.POST.get("naming")), "")
    if domain != drafting.records_in(one.document).domain or found.header != before.header:
        values = document.get("values", {})
        proposal, naming = of_list.proposed(found, one.file_name, one.purpose, Records(domain), values)
        document = {**proposal, "source": document["source"], "dialect": document["dialect"]}
        keeping.choose(list_id=one.pk, user=user, document=document, naming=naming, check=False)
        messages.info(request, "The columns were proposed anew.")
        return redirect("stewardship:list_columns", one.pk)
    fixed = [name.removeprefix("fixed-") for name in request.POST if name.startswith("fixed-")]
    one.document, one.naming = drafting.typed_choices(request.POST, document, found, fixed), naming
    if one.purpose == Purpose.CHANGE:
        one.document = of_list.changes_only(one.document, naming)
    keeping.choose(list_id=one.pk, user=user, document=one.document, naming=naming)
    return redirect("stewardship:list", one.pk)


def _columns_page(request: HttpRequest, one: CheckedList, refusal: Invalid | None = None) -> HttpResponse:
    context = head(one, "list_columns") | {"refusal": refusal, "delimiters": drafting.DELIMITERS, "domains": DOMAINS}
    try:
        found = drafting.seen(one)
    except Invalid as unreadable:
        context |= {"refusal": unreadable, "columns": [], "dialect": one.document.get("dialect", {})}
        return render(request, "stewardship/lists/columns.html", context, status=422)
    around, records = look_around(), drafting.records_in(one.document)
    rows = drafting.columns(one, found, around)
    rows = [replace(row, reason="It names the record.") if row.name == one.naming else row for row in rows]
    chosen = [column.target for column in rows]
    groups, changes = drafting.groups(records, around, chosen), one.purpose == Purpose.CHANGE
    encoding = found.dialect.encoding
    context |= {
        "columns": rows,
        "rows_seen": len(found.rows),
        "groups": of_list.fitting(groups, records.domain) if changes else groups,
        "fixed": [] if changes else drafting.fixed(one, records, around, chosen),
        "lacking": [] if changes else drafting.lacking(one),
        "changes": changes,
        "clear": CLEAR,
        "records": records,
        "dialect": found.dialect,
        "set_line": one.document.get("dialect", {}).get("header_line", ""),
        "delimiter": one.document.get("dialect", {}).get("delimiter", ""),
        "encodings": dict.fromkeys([encoding, *drafting.ENCODINGS]) if encoding else {},
        "values": one.document.get("values", {}),
        "systems": SourceSystem.objects.filter(internal=False).order_by("name"),
        "source": one.document.get("source", NEW_SOURCE),
        "mapped": sum(bool(column.target) for column in rows),
    }
    return render(request, "stewardship/lists/columns.html", context, status=refusal.http if refusal else 200)


def head(one: CheckedList, current: str) -> dict[str, Any]:
    """The tabs the pages of a list share."""
    tabs = [("list_columns", "Columns", "columns-3"), ("list", "Rows", "table")]
    return {
        "one": one,
        "domain_label": telling.domain_label(one),
        "tabs": [
            {"label": label, "href": reverse(f"stewardship:{name}", args=[one.pk]), "current": name == current,
             "icon": icon}
            for name, label, icon in tabs
        ],
    }  # fmt: skip


urls = [
    path("lists/", lists, name="lists"),
    path("lists/send/", send, name="send_list"),
    path("lists/<uuid:list_id>/columns/", columns, name="list_columns"),
]
