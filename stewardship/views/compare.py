"""Any records side by side: why they were not proposed, and merging them by hand."""

from collections.abc import Sequence
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.views.decorators.http import require_http_methods, require_POST

from matching.models import CandidateState, MatchCandidate
from matching.rules import in_force
from mdm.domains import BY_NAME
from mdm.errors import Invalid, Refused, Stale
from mdm.models import GoldenRecord
from stewardship import errors, grid, review, workflow
from stewardship.access import reason_of, require, signed_in
from stewardship.choosing import Choice, read_choice, read_shown
from stewardship.pairs import Pairs
from stewardship.permissions import may_decide, may_see
from stewardship.showing import record_address

MOST = 40


@require_http_methods(["GET", "HEAD", "POST"])
@require(may_see)
def compare(request: HttpRequest) -> HttpResponseBase:
    """``/compare/?records=SUP-1,SUP-2``; a POST merges what is ticked."""
    return _merge(request) if request.method == "POST" else _page(request)


@require_POST
@require(may_decide)
def preview(request: HttpRequest) -> HttpResponse:
    """The grid and the impact for the winner and records chosen so far. Writes nothing."""
    group, _ = _group(_records(asked(request.GET, "of")), read_choice(request.POST))
    return render(request, "stewardship/review_preview.html", {"group": group, "may_decide": True})


@require(may_decide)
def _merge(request: HttpRequest) -> HttpResponseBase:
    choice, user = read_choice(request.POST), signed_in(request)
    if choice.winner is None or not choice.ticked:
        raise Refused("No winner is chosen.", "Choose the record that survives.")
    try:
        decision = workflow.merge_records(
            winner_id=choice.winner,
            record_ids=sorted(choice.ticked),
            shown=read_shown(request.POST),
            user=user,
            reason=reason_of(request),
            edit=choice.edit(),
        )
    except Stale as stale:
        return _page(request, stale=stale, status=stale.http)
    except Invalid as invalid:
        return _page(request, problems=[problem for _, problem in invalid.problems], status=invalid.http)
    messages.success(request, review.told(decision))
    winner = GoldenRecord.objects.get(pk=choice.winner)
    return redirect(record_address(winner.domain, winner.code))


def _page(
    request: HttpRequest, *, stale: Stale | None = None, problems: Sequence[str] = (), status: int = 200
) -> HttpResponse:
    names = asked(request.GET, "records")
    if len(names) < 2:
        return render(request, "stewardship/compare_choose.html", {"names": names})
    records = _records(names)
    choice = read_choice(request.POST) if request.method == "POST" else Choice()
    group, likeness = _group(records, choice)
    codes = ",".join(record.code for record in records)
    context = {
        "group": group,
        "domain": group.domain,
        "address": f"{reverse('stewardship:compare')}?{urlencode({'records': codes})}",
        "preview_url": f"{reverse('stewardship:compare_preview')}?{urlencode({'of': codes})}",
        "pairs": likeness.why_not(),
        "questions": _questions(records),
        "may_decide": may_decide(request.user),
        "stale": stale,
        "stale_events": errors.moved_events(stale) if stale else [],
        "problems": problems,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "stewardship/compare.html", context, status=status)


def asked(query: QueryDict, name: str) -> list[str]:
    """The codes or ids in the address, written with commas or several times over."""
    text = ",".join(query.getlist(name)).replace(";", ",").replace(" ", ",")
    return list(dict.fromkeys(one for one in text.split(",") if one))


def _records(names: Sequence[str]) -> list[GoldenRecord]:
    if len(names) > MOST:
        raise Refused(f"At most {MOST} records fit side by side.", "Choose fewer of them.")
    records = review.records_named(names)
    if len({record.domain for record in records}) > 1:
        raise Refused("Records of different domains cannot be one.", "Choose records of one domain.")
    if len(records) < 2:
        raise Refused("Two different records are needed.", "They may be one already; search for another.")
    return records


def _group(records: Sequence[GoldenRecord], choice: Choice) -> tuple[review.Group, Pairs]:
    domain, ids = in_force(BY_NAME[records[0].domain]), [record.pk for record in records]
    likeness = Pairs(domain, ids)
    return review.compare(domain, ids, choice, grid.weights(domain, likeness.explanations)), likeness


def _questions(records: Sequence[GoldenRecord]) -> list[MatchCandidate]:
    """Open questions that two or more of these records are part of."""
    shared = MatchCandidate.objects.filter(
        state__in=(CandidateState.OPEN, CandidateState.SKIPPED), members__record__in=records
    )
    return list(shared.annotate(among=Count("members")).filter(among__gte=2).order_by("-score", "pk")[:5])


urls = [
    path("compare/", compare, name="compare"),
    path("compare/preview/", preview, name="compare_preview"),
]
