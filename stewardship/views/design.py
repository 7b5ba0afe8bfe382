"""The design system, shown with the parts every page is made of."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_safe

from stewardship import display
from stewardship.access import require
from stewardship.permissions import may_administer

SCALE = (
    ("24", "Figures that are read from afar"),
    ("20", "The heading of a page"),
    ("16", "Headings of cards and dialogs on a phone"),
    ("14", "Text, values, fields"),
    ("13", "Rows of tables"),
    ("12", "What stands below or beside: notes, column heads, badges"),
    ("11", "Keys and ranks"),
)
GROUNDS = (
    ("canvas", "behind everything"),
    ("surface", "cards and tables"),
    ("surface-sunken", "column heads"),
    ("surface-raised", "menus and dialogs"),
    ("accent-soft", "chosen, or in focus"),
    ("gold-soft", "what survives"),
    ("mark-soft", "characters that differ"),
)
INKS = (
    ("ink", "what is read"),
    ("ink-soft", "what explains"),
    ("ink-faint", "what stands aside"),
    ("accent-text", "what leads on"),
    ("danger", "what is wrong"),
)
MEANINGS = {
    "ok": "Good as it is; nothing to do",
    "warn": "Somebody should look",
    "danger": "Failed, refused, or about to change much",
    "info": "New, or on its way",
    "violet": "Put aside, or part of another",
    "plain": "Over and done with",
    "busy": "Under way this moment",
}
STATES_SHOWN = 7
SYSTEMS = tuple(
    SimpleNamespace(code=code, name=name)
    for code, name in (
        ("erp", "ERP"), ("ap", "Accounts payable"), ("procurement", "Procurement"), ("inventory", "Inventory"),
        ("contracts", "Contracts"), ("billing", "Billing"), ("legacy", "Legacy"), ("stewardship", "Stewardship"),
    )
)  # fmt: skip


class Sample(forms.Form):
    """One field that is filled in well and one that is not."""

    name = forms.CharField(label="Name", help_text="As the invoice has it.", initial="Acme Medical")
    tax_id = forms.CharField(label="Tax ID", error_messages={"required": "A supplier needs a tax ID."})


@require_safe
@require(may_administer)
def design(request: HttpRequest) -> HttpResponse:
    """``/design/``: type, colour with meaning, and every part, in both schemes beside each other."""
    sides = [_side(scheme) for scheme in ("light", "dark")]
    return render(request, "stewardship/design/page.html", {"sides": sides})


def _side(scheme: str) -> dict[str, Any]:
    now = timezone.now()
    return {
        "scheme": scheme,
        "scale": SCALE,
        "grounds": GROUNDS,
        "inks": INKS,
        "meanings": [(meaning, _states(tone)) for tone, meaning in MEANINGS.items()],
        "systems": SYSTEMS,
        "form": Sample({"name": "Acme Medical", "tax_id": ""}, auto_id=f"{scheme}_%s"),
        "figures": [
            {"label": "Mine", "value": 12, "note": "assigned to you", "spark": [3, 5, 4, 8, 12]},
            {"label": "Overdue", "value": 3, "note": "of 480 that wait", "tone": "danger"},
        ],
        "rows": [
            {"name": "Acme Medical", "code": "SUP-0000017", "state": "active", "seen": now - timedelta(minutes=4)},
            {"name": "Bolton Surgical", "code": "SUP-0000018", "state": "pending", "seen": now - timedelta(hours=5)},
            {"name": "Acme Medical Inc", "code": "SUP-0000019", "state": "merged", "seen": now - timedelta(days=2)},
        ],
        "changes": [
            {"label": "Name", "before": "Acme", "after": "Acme Medical"},
            {"label": "Website", "before": "https://acme.example", "after": None},
        ],
        "events": [
            {"icon": "git-merge", "tone": "violet", "title": "Merged", "who": "Stella Steward", "when": now,
             "reason": "Same tax ID and town."},
            {"icon": "plus", "tone": "ok", "title": "Came in", "who": "ERP", "when": now - timedelta(days=9)},
        ],
    }  # fmt: skip


def _states(tone: str) -> list[str]:
    return [state for state, its in display.TONES.items() if its == tone][:STATES_SHOWN]


urls = [path("design/", design, name="design")]
