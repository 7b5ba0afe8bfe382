"""Boards: how work, sources and quality stand; every figure leads to what is behind it."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path, reverse
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_safe

from mdm.domains import BY_NAME, DOMAINS
from mdm.models import SourceSystem
from stewardship.access import require, signed_in
from stewardship.boards import quality, sources, work
from stewardship.permissions import may_see

PAGE = 50


def _frame(current: str) -> dict[str, Any]:
    tabs = (("boards", "Work", "inbox"), ("board_of_sources", "Sources", "database"),
            ("board_of_quality", "Quality", "shield-check"))  # fmt: skip
    return {
        "tabs": [
            {"label": label, "icon": icon, "href": reverse(f"stewardship:{name}"), "current": name == current}
            for name, label, icon in tabs
        ]
    }


@require_safe
@require(may_see)
def work_board(request: HttpRequest) -> HttpResponse:
    """``/boards/``: backlog, clocks, throughput and acceptance by domain, kind and person."""
    found = work.board(signed_in(request))
    queue, decided, total = reverse("stewardship:queue"), reverse("stewardship:decided"), found.total
    figures = [
        {"label": "Waiting", "value": total.waiting, "href": queue, "note": f"{total.old:,} for over a week"},
        {"label": "Overdue", "value": total.late, "href": f"{queue}?due=late", "tone": "danger" if total.late else ""},
        {"label": "Due soon", "value": total.soon, "href": f"{queue}?due=soon", "tone": "warn" if total.soon else ""},
        {"label": f"Decided in {work.DAYS} days", "value": total.decided, "href": decided,
         "note": f"{total.today:,} today", "spark": [day.agreed + day.other for day in found.days]},
        {"label": "Accepted", "value": "–" if total.accepted is None else f"{total.accepted:.0%}",  # noqa: RUF001
         "href": f"{decided}?which=judged", "note": "of the pairs judged were one"},
    ]  # fmt: skip
    return render(
        request,
        "stewardship/boards/work.html",
        {**_frame("boards"), "board": found, "figures": figures, "looks_back": work.DAYS},
    )


@require_safe
@require(may_see)
def decided(request: HttpRequest) -> HttpResponse:
    """``/boards/decisions/``: the decisions behind a figure, each with what was seen when it was made."""
    day = request.GET.get("day", "")
    try:
        day = day if parse_date(day) else ""
    except ValueError:
        day = ""
    asked = work.AskedDecisions(
        person=request.GET.get("person", "").replace("\x00", ""),
        domain=request.GET.get("domain", ""),
        day=day,
        which=request.GET.get("which", ""),
    )
    start = _number(request.GET.get("start", ""))
    rows = asked.rows()
    found = list(rows[start : start + PAGE + 1])
    kept = {name: value for name, value in vars(asked).items() if value}
    context = {
        **_frame("boards"),
        "asked": asked,
        "rows": [(one, BY_NAME[one.domain]) for one in found[:PAGE]],
        "total": rows.count(),
        "next_href": f"?{urlencode(kept | {'start': start + PAGE})}" if len(found) > PAGE else "",
        "previous_href": f"?{urlencode(kept)}" if start else "",
        "looks_back": work.DAYS,
    }
    return render(request, "stewardship/boards/decisions.html", context)


@require_safe
@require(may_see)
def source_board(request: HttpRequest) -> HttpResponse:
    """``/boards/sources/``: what systems give and share, what was refused, how fresh it is."""
    domain = _domain(request)
    found = sources.board(domain)
    context = {
        **_frame("board_of_sources"),
        "board": found,
        "domain": domain,
        "domain_facets": _domains(domain, reverse("stewardship:board_of_sources")),
        "overlap": [
            (one, [system.pk in one.systems for system in found.systems], _named(one.systems, found))
            for one in found.shared
        ],
    }
    return render(request, "stewardship/boards/sources.html", context)


def _named(systems: tuple[int, ...], found: sources.SourceBoard) -> str:
    names = [one.name for one in found.systems if one.pk in systems]
    return f"Only {names[0]}" if len(names) == 1 else ", ".join(names)


@require_safe
@require(may_see)
def shared_records(request: HttpRequest) -> HttpResponse:
    """``/boards/sources/records/``: the golden records known to exactly the systems named."""
    word, domain, after = request.GET.get("systems", ""), _domain(request), request.GET.get("after", "")
    rows, total = sources.records_of(word, domain, after)
    kept = {"systems": word} | ({"domain": domain} if domain else {})
    more = len(rows) > sources.PAGE
    names = SourceSystem.objects.filter(pk__in=[int(one) for one in word.split(".") if one.isdigit() and len(one) < 18])
    context = {
        **_frame("board_of_sources"),
        "rows": rows[: sources.PAGE],
        "total": total if not after else None,
        "names": ", ".join(names.order_by("name").values_list("name", flat=True)),
        "domain": BY_NAME.get(domain),
        "next_href": f"?{urlencode(kept | {'after': rows[sources.PAGE - 1].code})}" if more else "",
        "previous_href": f"?{urlencode(kept)}" if after else "",
    }
    return render(request, "stewardship/boards/records.html", context)


@require_safe
@require(may_see)
def quality_board(request: HttpRequest) -> HttpResponse:
    """``/boards/quality/``: which records break rules, by domain, rule, source and facility."""
    return render(request, "stewardship/boards/quality.html", {**_frame("board_of_quality"), "board": quality.board()})


def _domain(request: HttpRequest) -> str:
    domain = request.GET.get("domain", "")
    return domain if domain in BY_NAME else ""


def _domains(chosen: str, address: str) -> list[dict[str, Any]]:
    every = {"label": "All domains", "href": address, "current": not chosen, "count": None}
    return [
        every,
        *(
            {"label": one.plural, "href": f"{address}?domain={one.name}", "current": one.name == chosen, "count": None}
            for one in DOMAINS
        ),
    ]


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


urls = [
    path("boards/", work_board, name="boards"),
    path("boards/decisions/", decided, name="decided"),
    path("boards/sources/", source_board, name="board_of_sources"),
    path("boards/sources/records/", shared_records, name="shared_records"),
    path("boards/quality/", quality_board, name="board_of_quality"),
]
