"""What a dry run found, in figures and sentences, and what is still to be named before a feed is saved."""

from typing import Any

from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from django.utils.text import slugify

from mdm.domains import BY_NAME
from mdm.intake.drafts import LEASE, NEW_SOURCE
from mdm.models import DraftState, Feed, FeedDraft, SourceSystem, SourceTrust


def described(draft: FeedDraft) -> dict[str, Any]:
    """Context of the dry run's page and of its moving part."""
    report, document = draft.report, draft.document
    running = draft.state in (DraftState.ASKED, DraftState.RUNNING)
    source = str(document.get("source", ""))
    system = SourceSystem.objects.filter(code=source).first()
    trust = SourceTrust.objects.filter(system=system, domain=document.get("domain", "")).first() if system else None
    return {
        "draft": draft,
        "running": running,
        "poll_url": reverse("stewardship:draft", args=[draft.pk]) if running else "",
        "progress": {
            "done": draft.rows_done if draft.state == DraftState.RUNNING else 0,
            "total": max(draft.rows_expected, draft.rows_done) or None,
            "note": f"{draft.rows_done:,} rows tried" if draft.rows_done else "Waiting for a worker",
            "steps": [
                {"label": "File kept", "state": "done"},
                {"label": "Every row tried", "state": "now" if running else "done"},
                {"label": "Nothing stored", "state": "done"},
            ],
        },
        "waits": draft.state == DraftState.ASKED and timezone.now() - draft.created_at > LEASE,
        "domain": BY_NAME.get(str(document.get("domain", ""))),
        "figures": figures(draft) if report else [],
        "likely": likely_text(report.get("likely", {})),
        "is_changed": draft.feed is None or draft.feed.definition != document,
        "is_new_source": source == NEW_SOURCE,
        "system": system,
        "rank": trust.rank if trust else "",
        "systems": list(SourceSystem.objects.filter(internal=False).order_by("name")),
        "everything_wrong": bool(report) and report.get("read", 0) == report.get("quarantined", 0),
        "missing": report.get("missing"),
        "missing_text": f"{report.get('missing') or 0:,} records of earlier files are not named in this one. "
        "They stay as they are: only a watched full file speaks for what is missing.",
    }  # fmt: skip


def figures(draft: FeedDraft) -> list[dict[str, Any]]:
    """The counts of the dry run."""
    report = draft.report
    wrong = report["quarantined"]
    return [
        {"label": "Rows", "value": report["read"]},
        {"label": "New", "value": report["new"], "note": "keys not known before"},
        {"label": "Changed", "value": report["changed"], "note": "with other content"},
        {"label": "Unchanged", "value": report["unchanged"], "note": "known as they are"},
        {"label": "To quarantine", "value": wrong, "tone": "warn" if wrong else "",
         "note": "each with every reason" if wrong else "nothing to mend"},
    ]  # fmt: skip


def likely_text(likely: dict[str, int]) -> str:
    """Whom the new rows resemble, in one sentence; blank where nobody looked."""
    if not likely.get("looked_at"):
        return ""
    number = likely["looked_at"]
    return (
        f"Of the first {number} new rows, {likely['auto']} would join a record the hub has, "
        f"{likely['review']} would be asked about, and {likely['new']} resemble none."
    )


def faults(form: QueryDict, *, is_new_source: bool) -> list[tuple[str, str]]:
    """Everything wrong with the names of a new feed: (field, what)."""
    found = []
    title, code = form.get("title", "").strip(), form.get("code", "").strip()
    if not title:
        found.append(("title", "Give the feed a name."))
    if not code or slugify(code) != code.lower():
        found.append(("code", "The short name has letters, digits and dashes only."))
    elif Feed.objects.filter(code=code).exists():
        found.append(("code", f"There is a feed {code} already. Choose another short name."))
    rank = form.get("rank", "").strip()
    if rank and not (rank.isascii() and rank.isdigit() and 0 < int(rank[:6]) <= 32767):
        found.append(("rank", "The rank is a whole number from 1; 1 is trusted most."))
    if is_new_source:
        name = code_of(form.get("source_name", ""))
        if not name:
            found.append(("source_name", "Name the system the file comes from."))
        elif SourceSystem.objects.filter(code=name).exists():
            found.append(("source_name", "There is a source system of that name: choose it on the page of columns."))
    return found


def code_of(name: str) -> str:
    """The short code of a source system people named."""
    return slugify(name)[:40].strip("-")
