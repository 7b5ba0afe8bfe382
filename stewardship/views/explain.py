"""Why any two records are one, or are not; and what a decision was made on."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from mdm import queries
from mdm.domains import BY_NAME
from mdm.errors import NotFound, Refused
from mdm.mastering import follow_merges
from mdm.models import GoldenRecord, GoldenState, Link
from mdm.spec import Domain
from stewardship import frozen, opinions, related, review, workflow
from stewardship.access import reason_of, require, signed_in
from stewardship.choosing import read_shown
from stewardship.duplicates import duplicates_of
from stewardship.explaining import explain
from stewardship.models import Decision
from stewardship.permissions import may_decide, may_see, suggests
from stewardship.views.located import compare_address

FOUND_SHOWN = 10
LIKEST_SHOWN = 5


@require_safe
@require(may_see)
def page(request: HttpRequest) -> HttpResponse:
    """``/explain/?of=SUP-1&with=SUP-2``; ``with`` may be any words, and ``rows=12,34`` names two source rows.

    Rows alone lead to the records they belong to now.
    """
    one, other = request.GET.get("of", "").strip(), request.GET.get("with", "").strip()
    rows = _rows(request.GET.get("rows", ""))
    if rows and not one:
        one, other = _holders(rows)
    left = _record(one) if one else None
    if left is None or not other:
        return _choose(request, left, "")
    right = named(other)
    if right is None:
        return _choose(request, left, other)
    told = explain(left, right, rows)
    context = {
        "told": told,
        "domain": told.domain,
        "may_decide": may_decide(request.user) and not told.one and not told.relation,
        "relation_options": [] if told.one else related.options([left, right], told.suggestions),
        "shown_versions": [f"{record.pk}:{record.version}" for record in (left, right)],
        "may_report": suggests(request.user) and not told.one,
        "report_href": f"{reverse('stewardship:report', args=[told.domain.slug, left.code])}?with={right.code}",
        "compare_href": "" if told.one else compare_address([left.pk, right.pk]),
    }
    return render(request, "stewardship/explain/page.html", context)


def _choose(request: HttpRequest, left: GoldenRecord | None, text: str) -> HttpResponse:
    """The page that asks for the second record: what the words find, else what is likest."""
    domain = BY_NAME[left.domain] if left else None
    context: dict[str, Any] = {"left": left, "domain": domain, "text": text}
    if left and domain:
        context |= found_by(left, domain, text) | {"pick": f"?of={left.code}&with="}
    return render(request, "stewardship/explain/choose.html", context)


def found_by(left: GoldenRecord, domain: Domain, text: str) -> dict[str, Any]:
    """What to choose a second record from: what the words find, or, without words, the likest ones."""
    hits = []
    if text:
        found = queries.search(text, [domain.name], limit=FOUND_SHOWN).hits
        hits = [hit for hit in found if hit.state != GoldenState.MERGED and hit.id != left.pk]
    likest = [] if text else duplicates_of(domain, left)[:LIKEST_SHOWN]
    return {"left": left, "text": text, "hits": hits, "likest": likest}


def _record(name: str) -> GoldenRecord:
    """The record of this code or id as it is now, merged ones followed."""
    asked = queries.resolve(name)
    return GoldenRecord.objects.get(pk=follow_merges([asked.pk])[asked.pk])


def named(name: str) -> GoldenRecord | None:
    """The record of this code or id as it is now, merged ones followed; None where it names none."""
    try:
        return _record(name)
    except NotFound:
        return None


def _rows(text: str) -> tuple[int, int] | None:
    """Two source rows; nothing where the address names none. Raises Refused for anything else."""
    if not text:
        return None
    numbers = [int(part) for part in text.split(",") if part.isascii() and part.isdigit() and len(part) < 19]
    if len(numbers) != 2 or text.count(",") != 1:
        raise Refused("Two source rows are needed.", "Choose a pair of the list.")
    return numbers[0], numbers[1]


def _holders(rows: tuple[int, int]) -> tuple[str, str]:
    """Codes of the golden records two source rows belong to."""
    links = Link.objects.filter(source_record__in=rows, ended_at__isnull=True)
    codes = dict(links.values_list("source_record_id", "record__code"))
    if len(codes) < 2:
        raise NotFound("One of these rows belongs to no record now.", "Search for the records by name.")
    return codes[rows[0]], codes[rows[1]]


@require_POST
@require(may_decide)
def relate(request: HttpRequest) -> HttpResponse:
    """Keep that two records are related and not the same."""
    kind, first = related.read_option(request.POST.get("relation", ""))
    shown = read_shown(request.POST)
    others = [pk for pk in shown if pk != first]
    if first not in shown or len(others) != 1:
        raise Refused("A relation is said of two records.", "Reload the page and choose again.")
    decision = workflow.relate_records(
        kind=kind,
        first=first,
        second=others[0],
        shown=shown,
        user=signed_in(request),
        reason=reason_of(request),
    )
    messages.success(request, review.told(decision))
    return redirect("stewardship:decision", decision.pk)


@require_safe
@require(may_see)
def decision(request: HttpRequest, decision_id: UUID) -> HttpResponse:
    """``/decisions/…/``: who decided what and when, and the evidence as it stood."""
    made = get_object_or_404(Decision.objects.select_related("decided_by", "undoes", "undone_by"), pk=decision_id)
    context: dict[str, Any] = {
        "decision": made,
        "told": review.told(made),
        "domain": BY_NAME[made.domain],
        "kept": frozen.read(made),
        "opinions": opinions.of_question(made.candidate, before=made.decided_at).only_given if made.candidate else None,
        "question_href": reverse("stewardship:review", args=[made.candidate_id]) if made.candidate_id else "",
        "undone": Decision.objects.filter(undoes=made).select_related("decided_by").first(),
        "may_undo": made.verb in workflow.UNDOABLE
        and may_decide(request.user)
        and workflow.may_undo(made, signed_in(request)),
    }
    return render(request, "stewardship/explain/decision.html", context)


urls = [
    path("explain/", page, name="explain"),
    path("explain/relate/", relate, name="explain_relate"),
    path("decisions/<uuid:decision_id>/", decision, name="decision"),
]
