"""A file set up in the browser: what its columns are, how its first rows would be kept, a dry run of the whole."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import UploadedFile
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from mdm.errors import Invalid, NotFound
from mdm.intake import drafts
from mdm.intake.drafts import NEW_SOURCE, draft_file, find_draft, first_document, plan_of_draft
from mdm.intake.sources import state_source
from mdm.intake.surroundings import look_around
from mdm.intake.targets import kinds, records_of
from mdm.models import DraftState, FeedDraft, SourceSystem
from stewardship import draft_report, drafting, trial
from stewardship.access import is_fragment, require, signed_in
from stewardship.permissions import may_import, may_set_up
from stewardship.requests import person

MOST_SET_UP = 20


@require_POST
@require(may_import)
def look_first(request: HttpRequest) -> HttpResponse:
    """Keep the file to be looked at: its dry run where a feed is recognised, else its columns."""
    file = request.FILES.get("file")
    if file is None:
        messages.error(request, "Choose a file first, or drop one anywhere on this page.")
        return redirect("stewardship:batches")
    return look_at(request, file)


def look_at(request: HttpRequest, file: "UploadedFile[Any]") -> HttpResponse:
    """Draw a draft of the file sent and lead to it; a file that is no table is explained on the list of imports."""
    try:
        file.seek(0)
        draft = drafts.draw(file=file, file_name=str(file.name), by=person(signed_in(request)).name)  # type: ignore[arg-type]
    except Invalid as refusal:
        messages.error(request, f"{file.name}: {refusal.message} {refusal.way_out}")
        return redirect("stewardship:batches")
    return redirect("stewardship:draft" if draft.state == DraftState.ASKED else "stewardship:draft_columns", draft.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@require(may_import)
def columns(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Which column is what, and how the file is written; sent, the whole file is tried."""
    draft = find_draft(draft_id)
    if draft.batch_id:
        return redirect("stewardship:batch", draft.batch_id)
    if request.method != "POST":
        return _columns_page(request, draft)
    try:
        return _chosen(request, draft)
    except Invalid as refusal:
        return _columns_page(request, draft, refusal)


def _chosen(request: HttpRequest, draft: FeedDraft) -> HttpResponse:
    """Keep what was typed. Where the file reads otherwise now, or holds other records, columns are proposed anew."""
    before = drafting.seen(draft)
    document = drafting.typed_dialect(request.POST, draft.document)
    records = records_of(request.POST.get("records", "")) or drafting.records_in(draft.document)
    found = drafting.seen(draft, document)
    if records != drafting.records_in(draft.document) or found.header != before.header:
        proposed = first_document(found, draft.file_name, look_around(), records, document.get("values", {}))
        names = ["feed", "title", "source", "file", "dialect"]
        kept: dict[str, Any] = {name: document[name] for name in names if name in document}
        drafts.choose(draft_id=draft.pk, document={**proposed, **kept}, try_it=False)
        messages.info(request, "The columns were proposed anew.")
        return redirect("stewardship:draft_columns", draft.pk)
    fixed = [name.removeprefix("fixed-") for name in request.POST if name.startswith("fixed-")]
    draft.document = drafting.typed_choices(request.POST, document, found, fixed)
    if request.POST.get("act") == "keep":
        drafts.choose(draft_id=draft.pk, document=draft.document, try_it=False)
        return redirect("stewardship:draft_columns", draft.pk)
    drafts.choose(draft_id=draft.pk, document=draft.document)
    return redirect("stewardship:draft", draft.pk)


def _columns_page(request: HttpRequest, draft: FeedDraft, refusal: Invalid | None = None) -> HttpResponse:
    around = look_around()
    context = _head(draft, "draft_columns") | {"refusal": refusal, "kinds": kinds(), "delimiters": drafting.DELIMITERS}
    try:
        found = drafting.seen(draft)
    except Invalid as unreadable:
        context |= {"refusal": unreadable, "columns": [], "dialect": draft.document.get("dialect", {})}
        return render(request, "stewardship/drafts/columns.html", context, status=422)
    records = drafting.records_in(draft.document)
    rows = drafting.columns(draft, found, around)
    chosen = [column.target for column in rows]
    encoding = found.dialect.encoding
    context |= {
        "columns": rows,
        "rows_seen": len(found.rows),
        "groups": drafting.groups(records, around, chosen),
        "fixed": drafting.fixed(draft, records, around, chosen),
        "lacking": drafting.lacking(draft),
        "shape": drafting.shape(draft, found) if draft.feed else None,
        "records": records,
        "dialect": found.dialect,
        "set_line": draft.document.get("dialect", {}).get("header_line", ""),
        "delimiter": draft.document.get("dialect", {}).get("delimiter", ""),
        "encodings": dict.fromkeys([encoding, *drafting.ENCODINGS]) if encoding else {},
        "values": draft.document.get("values", {}),
        "systems": SourceSystem.objects.filter(internal=False).order_by("name"),
        "is_new_source": draft.document.get("source") == NEW_SOURCE,
        "updated": draft.document.get("key", {}).get("updated", ""),
        "mapped": sum(bool(column.target) for column in rows),
    }
    return render(request, "stewardship/drafts/columns.html", context, status=refusal.http if refusal else 200)


def _head(draft: FeedDraft, current: str) -> dict[str, Any]:
    """The tabs the pages of a file being set up share."""
    tabs = [
        ("draft_columns", "Columns", "columns-3"),
        ("draft_rows", "First rows", "table"),
        ("draft", "Dry run", "player-play"),
    ]
    return {
        "draft": draft,
        "tabs": [
            {
                "label": label,
                "href": reverse(f"stewardship:{name}", args=[draft.pk]),
                "current": name == current,
                "icon": icon,
            }
            for name, label, icon in tabs
        ],
    }


@require_safe
@require(may_import)
def first_rows(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """The first rows as they would be kept, beside what the file says."""
    draft = find_draft(draft_id)
    context = _head(draft, "draft_rows")
    try:
        plan = plan_of_draft(draft)
        system = SourceSystem.objects.filter(code=plan.source).values_list("pk", flat=True).first()
        context["tried"] = trial.try_rows(plan, system or 0, draft_file(draft), plan.dialect)
    except Invalid as refusal:
        context["refusal"] = refusal
    return render(request, "stewardship/drafts/rows.html", context)


@require_safe
@require(may_import)
def page(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """The dry run: how far it is, what would become of every row, and the way on. A fragment is the moving part."""
    draft = find_draft(draft_id)
    context = _head(draft, "draft") | draft_report.described(draft) | {"may_set_up": may_set_up(request.user)}
    if is_fragment(request):
        response = render(request, "stewardship/drafts/live.html", context)
        if draft.state not in (DraftState.ASKED, DraftState.RUNNING):
            response.headers["HX-Refresh"] = "true"
        return response
    context["may_save"] = may_set_up(request.user) or not context["is_changed"]
    return render(request, "stewardship/drafts/page.html", context)


@require_safe
@require(may_import)
def rejected(request: HttpRequest, draft_id: UUID) -> HttpResponseBase:
    """The rows the dry run rejected as CSV, each with every reason."""
    draft = find_draft(draft_id)
    file = drafts.rejected_file(draft)
    if draft.state != DraftState.TRIED or not file.exists():
        raise NotFound("There are no rejected rows to download.", "Try the file first.")
    return FileResponse(
        file.open("rb"), as_attachment=True, filename=f"{draft.document.get('feed', 'file')}-rejected.csv",
        content_type="text/csv; charset=utf-8",
    )  # fmt: skip


@require_POST
@require(may_import)
def take(request: HttpRequest, draft_id: UUID) -> HttpResponse:
    """Save the feed, where it is new or was changed, and import the file by it."""
    draft = find_draft(draft_id)
    if draft.batch_id:
        return redirect("stewardship:batch", draft.batch_id)
    is_changed = draft.feed is None or draft.feed.definition != draft.document
    if is_changed and not may_set_up(request.user):
        raise PermissionDenied(
            "Saving a feed needs the role domain owner or administrator. Send one of them the link to this page."
        )
    by = person(signed_in(request)).name
    try:
        document = _named(request, draft) if draft.feed is None else draft.document
        if document != draft.document:
            drafts.rename(draft_id=draft.pk, document=document)
        batch = drafts.take(draft_id=draft.pk, by=by, again="again" in request.POST)
    except Invalid as refusal:
        context = _head(draft, "draft") | draft_report.described(draft)
        context |= {"refusal": refusal, "may_set_up": True, "may_save": True, "typed": request.POST}
        return render(request, "stewardship/drafts/page.html", context, status=refusal.http)
    messages.success(request, f"{draft.file_name} is being imported by the feed {batch.feed.title}.")
    return redirect("stewardship:batch", batch.pk)


def _named(request: HttpRequest, draft: FeedDraft) -> dict[str, Any]:
    """The document with the names typed, its source system made where it is new. Raises Invalid with all reasons."""
    form, document = request.POST, dict(draft.document)
    document["title"], document["feed"] = form.get("title", "").strip()[:120], form.get("code", "").strip()[:60]
    document["file"] = {"pattern": form.get("pattern", "").strip()[:200]}
    problems = draft_report.faults(form, is_new_source=document["source"] == NEW_SOURCE)
    if problems:
        raise Invalid("The feed cannot be saved yet.", "Fill in what is missing.", problems)
    rank = form.get("rank", "").strip()
    if document["source"] == NEW_SOURCE:
        document["source"] = draft_report.code_of(form["source_name"])
    state_source(
        code=document["source"], name=form.get("source_name", "").strip()[:120], domain=document["domain"],
        rank=int(rank) if rank else None,
    )  # fmt: skip
    return document


urls = [
    path("imports/look/", look_first, name="look_first"),
    path("imports/drafts/<uuid:draft_id>/", page, name="draft"),
    path("imports/drafts/<uuid:draft_id>/columns/", columns, name="draft_columns"),
    path("imports/drafts/<uuid:draft_id>/rows/", first_rows, name="draft_rows"),
    path("imports/drafts/<uuid:draft_id>/rejected.csv", rejected, name="draft_rejected"),
    path("imports/drafts/<uuid:draft_id>/take/", take, name="take_draft"),
]
