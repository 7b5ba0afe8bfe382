"""The work queue: everything that waits for a person, one's own first."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import NoReverseMatch, path, reverse
from django.views.decorators.http import require_safe

from mdm.domains import BY_NAME
from mdm.domains.facilities import LEVELS
from mdm.work import kinds
from stewardship import listed, queue, tables
from stewardship.access import is_fragment, require, signed_in
from stewardship.asked import AGES, BANDS, CLOCKS, ME, NOBODY, ORDERS, QUESTIONS, Filters
from stewardship.permissions import may_decide, may_see
from stewardship.requests import person
from stewardship.review import last_decision, told
from stewardship.seen import kinds_of_file
from stewardship.work import listing, places, table
from stewardship.work.colleagues import Colleague, colleagues
from stewardship.work.facets import Facets, by_place, by_source, facets

Addresses = Callable[..., str]
# The facilities that are chosen among by name: legal entities, and the houses below them.
GROUPS, HOUSES = [LEVELS[0][0]], [LEVELS[1][0], ""]


@require_safe
@require(may_see)
def work_queue(request: HttpRequest) -> HttpResponse:
    """``/``: one line per piece of work; ``?after=`` pages on. A fragment is the list alone."""
    if onward := listed.chosen(request):
        return onward
    user, filters = signed_in(request), Filters.read(request.GET)
    look = tables.look_of(table.TABLE, request.GET, user)
    to = _addresses(filters, {name: request.GET[name] for name in tables.LOOKS if request.GET.get(name)})
    found = listing.page(filters, user, after=request.GET.get("after", ""))
    people = colleagues()
    counts = facets(filters, user, {one.username: one.pk for one in people})
    held = counts.held()
    query = filters.query()
    context: dict[str, Any] = {
        "page": found,
        "filters": filters,
        "query": query,
        "total": counts.total,
        "next_href": to(after=found.next) if found.next else "",
        "previous_href": to() if request.GET.get("after") else "",
        "tabs": _tabs(filters, to, counts),
        **_choices(filters, to, counts, people),
        **_looks(request, filters, look),
        "people": [one.holding(held[one.pk]) for one in people if one.decides],
        "may_decide": may_decide(user),
        "me": person(user).name,
        "first_question": next((row for row in found.rows if row.kind.name in QUESTIONS), None),
        "back": request.get_full_path(),
        "fragment": is_fragment(request),
    }
    if is_fragment(request):
        return render(request, "stewardship/queue_results.html", context)
    last = last_decision(user)
    context |= {
        "figures": _figures(counts, held[user.pk], queue.decided_today(user)),
        "last_decision": last,
        "last_told": told(last) if last else "",
    }
    return render(request, "stewardship/queue.html", context)


def _choices(filters: Filters, to: Addresses, counts: Facets, people: Iterable[Colleague]) -> dict[str, Any]:
    """The filters beside the list, each with what would be left."""
    mine, clocks = counts.counted("mine"), counts.counted("due")
    theirs, domains = counts.counted("assignee"), counts.counted("domain")
    reasons = counts.counted("reason") if filters.kind else {}
    words = kinds()[filters.kind].reasons or {} if filters.kind else {}
    assignees = [(ME, "Me", theirs[counts.me]), (NOBODY, "Nobody", theirs[0])]
    assignees += [(one.username, one.name, theirs[one.pk]) for one in people if one.pk != counts.me and theirs[one.pk]]
    return {
        "clocks": _facets(filters, to, "due", CLOCKS.items(), clocks),
        "bands": _facets(filters, to, "band", ((name, one[0]) for name, one in BANDS.items()), counts.counted("band")),
        "ages": _facets(filters, to, "age", ((name, one[0]) for name, one in AGES.items()), counts.counted("age")),
        "own": _facets(filters, to, "mine", [("yes", "Mine")], mine)
        + _facets(filters, to, "parked", [("yes", "Parked")], counts.counted("parked")),
        "assignees": assignees,
        "domain_choices": [(name, one.plural, domains[name]) for name, one in BY_NAME.items()],
        "reasons": sorted(((name, words.get(name, name), number) for name, number in reasons.items() if name),
                          key=lambda one: -one[2])[:50],
        "concerned": _concerned(),
        "orders": ORDERS,
        "has_scores": filters.of_questions,
    }  # fmt: skip


@require_safe
@require(may_see)
def counted(request: HttpRequest) -> HttpResponse:
    """``/queue-counts/``: the choices of source, legal entity and facility with how much each would leave.

    Asked once somebody turns to them: it looks behind every piece of work, which the list itself does not wait for.
    """
    user, filters = signed_in(request), Filters.read(request.GET)
    selects = [
        (name, every, label, choices, by_source(filters, user) if name == "source" else by_place(filters, user, name))
        for name, every, label, choices in _concerned()
    ]
    context = {
        "filters": filters,
        "concerned": [
            (name, every, label, [(code, words, numbers.get(code, 0)) for code, words in choices])
            for name, every, label, choices, numbers in selects
        ],
    }
    return render(request, "stewardship/queue_concerned.html", context)


def _concerned() -> list[tuple[str, str, str, list[tuple[str, str]]]]:
    """(filter, words for all, label, choices) of what work concerns; only filters something can be chosen from."""
    found = [
        ("source", "Every source", "Source", queue.sources()),
        ("legal", "Every legal entity", "Legal entity", places.choices(GROUPS)),
        ("facility", "Every facility", "Facility", places.choices(HOUSES)),
    ]
    return [one for one in found if one[3]]


def _looks(request: HttpRequest, filters: Filters, look: tables.Look) -> dict[str, Any]:
    """The columns, and what the menus above the list need."""
    kept = {name: value for name, value in asdict(filters).items() if value}
    shown = f"?{urlencode(kept | look.query)}"
    return {
        "look": look,
        "columns": [one for one in look.columns if one.name != table.SCORE or filters.of_questions],
        "look_kept": [(name, request.GET[name]) for name in tables.LOOKS if request.GET.get(name)],
        "filters_kept": list(kept.items()),
        "files": kinds_of_file(lambda ending: reverse("stewardship:queue_seen", args=[ending]) + shown),
    }


@require_safe
@require(may_see)
def seen(request: HttpRequest, ending: str) -> HttpResponseBase:
    """Everything that fits the filters as a file, with the columns and in the order of the list."""
    user, filters = signed_in(request), Filters.read(request.GET)
    look = tables.look_of(table.TABLE, request.GET, user)
    return listed.taken(request, look, "What waits", table.told(filters, user), ending)


def _addresses(filters: Filters, look: Mapping[str, str]) -> Addresses:
    """Makes addresses of the queue that keep the filters and how the table looks, with some of it changed."""
    start = reverse("stewardship:queue")

    def to(**changed: str) -> str:
        asked = {name: value for name, value in (asdict(filters) | dict(look) | changed).items() if value}
        return f"{start}?{urlencode(asked)}" if asked else start

    return to


def _tabs(filters: Filters, to: Addresses, counts: Facets) -> list[dict[str, Any]]:
    number = counts.counted("kind")
    everything = {
        "label": "All work", "href": to(kind="", reason="", band=""), "current": not filters.kind,
        "count": sum(number.values()),
    }  # fmt: skip
    return [
        everything,
        *(
            {
                "label": kind.plural,
                "href": to(kind=kind.name, reason="", band=filters.band if kind.name in QUESTIONS else ""),
                "current": filters.kind == kind.name,
                "count": number[kind.name],
                "icon": kind.icon,
            }
            for kind in kinds().values()
            if number[kind.name] or filters.kind == kind.name
        ),
    ]


def _scored(filters: Filters, kind: str) -> dict[str, str]:
    """Only questions have a score: elsewhere nothing would be left."""
    return {} if kind in QUESTIONS else {"band": "", "order": "" if filters.order == "teaches" else filters.order}


def _facets(
    filters: Filters, to: Addresses, part: str, known: Iterable[tuple[str, str]], number: Mapping[str, int]
) -> list[dict[str, Any]]:
    """Quick filters of one part; pressing the chosen one takes it off again."""
    chosen = getattr(filters, part)
    return [
        {
            "label": label,
            "href": to(**{part: "" if chosen == name else name}),
            "current": chosen == name,
            "count": number[name],
        }
        for name, label in known
    ]


def _figures(counts: Facets, mine: int, decided: int) -> list[dict[str, Any]]:
    """The state of everything, whatever is filtered but facility and source."""
    here = [cell for cell in counts.cells if not cell.parked]
    late = sum(cell.number for cell in here if cell.due == "late")
    free = sum(cell.number for cell in here if not cell.assignee)
    start = reverse("stewardship:queue")
    return [
        {"label": "Mine", "value": mine, "note": "assigned to you", "href": f"{start}?assignee=me"},
        {"label": "Overdue", "value": late, "note": f"of {sum(cell.number for cell in here):,} that wait",
         "href": f"{start}?due=late", "tone": "danger" if late else ""},
        {"label": "Unassigned", "value": free, "note": "waiting to be taken", "href": f"{start}?assignee=nobody"},
        {"label": "Decided by you today", "value": decided, "href": _link("stewardship:merges"),
         "note": "see past merges"},
    ]  # fmt: skip


def _link(name: str) -> str:
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""


urls = [
    path("", work_queue, name="queue"),
    path("queue-counts/", counted, name="queue_counts"),
    path("work/seen.<str:ending>", seen, name="queue_seen"),
]
