"""A re-match in the browser: how far it is, what it did, and pausing, resuming and reverting it."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_POST, require_safe

from matching import rematch as verbs
from matching.models import ChangeKind, Rematch, RematchState, RuleState
from mdm.domains import BY_NAME
from mdm.mastering import follow_merges
from mdm.models import GoldenRecord
from stewardship import showing
from stewardship.access import is_fragment, require, signed_in
from stewardship.asking import Question, ask
from stewardship.permissions import may_see, may_set_up
from stewardship.requests import person

SHOWN = 50
KEPT = {
    "together": "groups stayed together because a person merged them",
    "apart": "records stayed apart because a person said that they are not the same",
}


@require_safe
@require(may_see)
def rematch(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """``/rules/runs/<id>/``: progress, figures, decisions respected, and the latest changes."""
    run = verbs.find(run_id)
    moving = run.state in (RematchState.RUNNING, RematchState.REVERTING)
    context = {
        "run": run,
        "domain": BY_NAME[run.domain],
        "moving": moving,
        "poll_url": reverse("stewardship:rematch", args=[run.pk]) if moving else "",
        "may_set_up": may_set_up(request.user),
        "may_revert": _may_revert(run),
        "figures": [
            {"label": "Joined", "value": run.joined},
            {"label": "Split off", "value": run.split, "tone": "warn" if run.split else ""},
            {"label": "Questions asked", "value": run.asked},
        ],
        "respected": [f"{number:,} {KEPT.get(kind, kind)}" for kind, number in run.respected.items()],
        **_reverted(run),
        "changes": _changes(run),
        "left_alone": _named(run),
    }
    name = "live" if is_fragment(request) else "run"
    response = render(request, f"stewardship/rules/{name}.html", context)
    if is_fragment(request) and not moving:
        response.headers["HX-Refresh"] = "true"  # other acts are possible now
    return response


def _may_revert(run: Rematch) -> bool:
    undoable = run.state in (RematchState.RUNNING, RematchState.PAUSED, RematchState.DONE)
    return undoable and run.rule_set.state == RuleState.APPROVED


def _reverted(run: Rematch) -> dict[str, int]:
    """How far a revert has come."""
    if run.state not in (RematchState.REVERTING, RematchState.REVERTED):
        return {"done": run.looked_at, "total": run.total}
    return {"done": run.changes.filter(reverted_at__isnull=False).count(), "total": run.changes.count()}


def _changes(run: Rematch) -> list[dict[str, Any]]:
    """The latest changes with the records they are about. Three queries."""
    rows = list(run.changes.order_by("-pk")[:SHOWN])
    wanted = {pk for row in rows for pk in (row.record_id, row.other_id) if pk}
    records = GoldenRecord.objects.in_bulk(list(wanted))
    return [
        {
            "kind": ChangeKind(row.kind),
            "record": _link(run, records.get(row.record_id)),
            "other": _link(run, records.get(row.other_id)) if row.other_id else None,
            "score": row.score,
            "sentence": row.sentence,
            "at": row.at,
            "left": row.left,
            "reverted": row.reverted_at is not None and not row.left,
            "case": reverse("stewardship:review", args=[row.candidate_id]) if row.candidate_id else "",
        }
        for row in rows
    ]


def _link(run: Rematch, record: GoldenRecord | None) -> dict[str, str] | None:
    if record is None:
        return None
    title = record.title or record.code
    return {"title": title, "code": record.code, "href": showing.record_address(run.domain, record.code)}


def _named(run: Rematch) -> list[dict[str, Any]]:
    now = follow_merges([UUID(one["record"]) for one in run.left_alone])
    records = GoldenRecord.objects.in_bulk(list(now.values()))
    return [
        {"record": _link(run, records.get(now.get(UUID(one["record"])))), "why": one["why"]} for one in run.left_alone
    ]


@require_POST
@require(may_set_up)
def pause(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Let it rest after the step it is at."""
    verbs.pause(run_id=run_id, by=person(signed_in(request)))
    return redirect("stewardship:rematch", run_id)


@require_POST
@require(may_set_up)
def resume(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Let it go on."""
    verbs.resume(run_id=run_id, by=person(signed_in(request)))
    return redirect("stewardship:rematch", run_id)


@require(may_set_up)
def revert(request: HttpRequest, run_id: UUID) -> HttpResponseBase:
    """Put the former rules in force and take everything back, with a reason."""
    run = verbs.find(run_id)
    back = reverse("stewardship:rematch", args=[run.pk])

    def act(reason: str) -> str:
        verbs.revert(run_id=run.pk, by=person(signed_in(request)), reason=reason)
        return back

    question = Question(
        title=f"Revert to rules {run.before.number}?",
        text="They are in force again at once, and links are put back as they were, in the background. What people "
        "decided since stays.",
        verb="Revert",
        back=back,
        danger=True,
    )
    return ask(request, question, act)


urls = [
    path("rules/runs/<uuid:run_id>/", rematch, name="rematch"),
    path("rules/runs/<uuid:run_id>/pause/", pause, name="rematch_pause"),
    path("rules/runs/<uuid:run_id>/resume/", resume, name="rematch_resume"),
    path("rules/runs/<uuid:run_id>/revert/", revert, name="rematch_revert"),
]
