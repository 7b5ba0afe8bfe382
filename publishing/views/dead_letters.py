"""Parked deliveries, of all endpoints or of one: looked through, and released, sent again or skipped many at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from mdm.cause import Actor
from mdm.domains import BY_NAME
from mdm.errors import MdmError
from publishing import verbs
from publishing.access import actor, acts, may_act, sees
from publishing.advice import Owner, advice_for
from publishing.models import Endpoint
from publishing.queries.parked import AGE_WORDS, Asked, Page, page, parked
from publishing.views.common import endpoint_of, reason_of
from publishing.views.common import page as answer
from publishing.views.tabs import frame

BATCH = 500
MOST = 20_000
ACTS: dict[str, tuple[Callable[..., int], str, str]] = {
    "release": (verbs.release, "is offered again", "are offered again"),
    "resend": (verbs.resend, "is sent again, marked as a replay", "are sent again, marked as a replay"),
    "skip": (verbs.skip, "is skipped: the target is not told of it", "are skipped: the target is not told of them"),
}


@require_GET
@sees
def dead_letters(request: HttpRequest) -> HttpResponse:
    """Everything parked anywhere, by reason, with the way out."""
    context = _context(request, Asked.read(request.GET))
    context["names"] = dict(Endpoint.objects.values_list("code", "name"))
    return answer(request, "publishing/dead_letters.html", "publishing/dead_letters_results.html", context)


@require_GET
@sees
def parked_of(request: HttpRequest, code: str) -> HttpResponse:
    """What one endpoint parked."""
    endpoint = endpoint_of(code)
    context = _context(request, Asked.read(request.GET, endpoint=code))
    context |= {**frame(request, endpoint), "names": {code: endpoint.name}}
    return answer(request, "publishing/parked_of.html", "publishing/dead_letters_results.html", context)


def _context(request: HttpRequest, asked: Asked) -> dict[str, Any]:
    found = page(asked)
    choices = found.counts
    return {
        "asked": asked,
        "found": found,
        "rows": [(row, advice_for(row.outcome_code)) for row in found.rows],
        "facets": _facets(asked, found),
        "endpoints": choices["endpoint"],
        "domains": [(name, BY_NAME[name].plural, count) for name, count in choices["domain"] if name in BY_NAME],
        "owners": list(Owner),
        "ages": AGE_WORDS,
        "back": request.get_full_path(),
        "filter_query": asked.query().removeprefix("?"),
        "next_href": asked.query(after=found.next_after) if found.next_after else "",
        "first_href": asked.query() if asked.after else "",
        "may_act": may_act(request.user),
    }


def _facets(asked: Asked, found: Page) -> list[dict[str, Any]]:
    total = sum(group.count for group in found.groups)
    every = [{"label": "All", "href": asked.query(code=""), "current": not asked.code, "count": total}]
    return every + [
        {
            "label": group.advice.name,
            "href": asked.query(code=group.code),
            "current": asked.code == group.code,
            "count": group.count,
        }
        for group in found.groups
    ]


@require_POST
@acts
def act_on_parked(request: HttpRequest, verb: str) -> HttpResponse:
    """Release, resend or skip the ticked deliveries, or all of a filter; says how many it was and what was left."""
    ids = _chosen(request)
    if not ids:
        messages.warning(request, "Nothing is ticked: tick the records, or choose all of the filter.")
        return redirect(_back(request))
    call, one, many = ACTS[verb]
    done, faults = _in_batches(call, ids, actor(request), reason_of(request))
    if done:
        messages.success(request, f"{done:,} {'record ' + one if done == 1 else 'records ' + many}.")
    if left := len(ids) - done:
        why = " ".join(faults) or "They had moved on meanwhile: released, superseded or delivered."
        messages.warning(request, f"{left:,} of {len(ids):,} were left as they are. {why}")
    if len(ids) == MOST:
        messages.info(request, f"At most {MOST:,} at a time: do it again for the rest.")
    return redirect(_back(request))


def _in_batches(call: Callable[..., int], ids: Sequence[int], by: Actor, reason: str) -> tuple[int, list[str]]:
    """How many it was done to, and in words what was refused: a refusal of some stops none of the others."""
    done, faults = 0, dict[str, None]()
    for batch in _batches(ids):
        try:
            done += call(deliveries=batch, by=by, reason=reason)
        except MdmError as error:
            faults[f"{error.message} {error.way_out}".strip()] = None
    return done, list(faults)


def _batches(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _chosen(request: HttpRequest) -> list[int]:
    if request.POST.get("all"):
        asked = Asked.read(QueryDict(request.POST.get("filter", "")))
        return list(parked(asked).order_by("pk").values_list("pk", flat=True)[:MOST])
    given = request.POST.getlist("delivery")
    return sorted({int(one) for one in given if one.isascii() and one.isdigit() and len(one) < 19})


def _back(request: HttpRequest) -> str:
    back = request.POST.get("back", "")
    ours = back.startswith(reverse("publishing:endpoints")) and "\\" not in back and "//" not in back
    return back if ours else reverse("publishing:dead_letters")
