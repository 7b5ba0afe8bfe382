"""Acts on work short of deciding it, the page of one piece of work, and how long each kind may wait."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import path, re_path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from mdm.errors import Invalid, NotFound
from mdm.work import kinds
from stewardship.access import require, signed_in
from stewardship.asked import Filters
from stewardship.models import Allowance, Arrangement, WorkAct
from stewardship.permissions import may_decide, may_propose, may_see, may_set_up
from stewardship.requests import person
from stewardship.work import listing, talk, verbs
from stewardship.work.colleagues import colleagues

HISTORY = 50


def _named(request: HttpRequest, user: User) -> list[tuple[str, str]]:
    """The ticked work, or all of the filter that was looked at."""
    if request.POST.get("all") == "yes":
        filters = Filters.read(QueryDict(request.POST.get("filter", "").removeprefix("?")))
        return listing.names_of(filters, user, most=verbs.MOST)
    return verbs.read_names(request.POST.getlist("work"))


def _back(request: HttpRequest) -> HttpResponse:
    back = request.POST.get("back", "")
    safe = url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure())
    return redirect(back if safe else reverse("stewardship:queue"))


@require_POST
@require(may_decide)
def act(request: HttpRequest, verb: str) -> HttpResponse:
    """Assign, take, give back, park or resume what is ticked; then back to the list as it was."""
    user = signed_in(request)
    messages.success(request, ACTS[verb](request, _named(request, user), user))
    return _back(request)


def _assign(request: HttpRequest, work: verbs.Names, user: User) -> str:
    username = request.POST.get("assignee", "").replace("\x00", "")
    if not username:
        raise Invalid("Nobody was chosen.", "Choose a colleague, or drop the rows on a name.")
    to = User.objects.filter(username=username, is_active=True).first()
    if to is None:
        raise NotFound("There is no such colleague.", "Choose one of the list.")
    number = verbs.assign(work=work, to=to, user=user)
    return (
        f"{number:,} assigned to {'you' if to == user else person(to).name}." if number else "They were theirs already."
    )


def _take(_request: HttpRequest, work: verbs.Names, user: User) -> str:
    number = verbs.assign(work=work, to=user, user=user)
    return f"{number:,} taken: yours now." if number else "They were yours already."


def _give_back(_request: HttpRequest, work: verbs.Names, user: User) -> str:
    return f"{verbs.give_back(work=work, user=user):,} given back."


def _park(request: HttpRequest, work: verbs.Names, user: User) -> str:
    day = _day(request.POST.get("until", ""))
    number = verbs.park(work=work, until=day, user=user, reason=request.POST.get("reason", ""))
    return f"{number:,} parked until {day:%d %b %Y}."


def _resume(_request: HttpRequest, work: verbs.Names, user: User) -> str:
    return f"{verbs.resume(work=work, user=user):,} taken up again."


ACTS: dict[str, Callable[[HttpRequest, verbs.Names, User], str]] = {
    "assign": _assign, "take": _take, "give-back": _give_back, "park": _park, "resume": _resume,
}  # fmt: skip


def _day(given: str) -> datetime:
    try:
        day = parse_date(given)
    except ValueError:
        day = None
    if day is None:
        raise Invalid("No day was chosen.", "Choose until when, then park again.", [("until", "Choose a day.")])
    return datetime.combine(day, time(), UTC)


@require_safe
@require(may_see)
def piece(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """``/work/<kind>/<key>/``: whose it is, until when, what was done and said. Seeing it is seeing its mentions."""
    shown = _show_piece(request, kind, key)
    talk.see(user=signed_in(request), work=(kind, key))
    return shown


@require_POST
@require(may_propose)
def say(request: HttpRequest, kind: str, key: str) -> HttpResponse:
    """Keep a comment; what does not fit is shown again with what was typed."""
    _found(kind, key, signed_in(request))
    text = request.POST.get("text", "")
    try:
        talk.comment(kind=kind, key=key, text=text, user=signed_in(request))
    except Invalid as refusal:
        return _show_piece(request, kind, key, said=text, problems=refusal.problems)
    messages.success(request, "Comment kept.")
    return redirect("stewardship:work", kind, key)


def _show_piece(
    request: HttpRequest, kind: str, key: str, *, said: str = "", problems: Sequence[tuple[str, str]] = ()
) -> HttpResponse:
    user = signed_in(request)
    work = _found(kind, key, user)
    acts = WorkAct.objects.filter(kind=kind, key=key).select_related("by", "to").order_by("-pk")
    context: dict[str, Any] = {
        "kind": kinds()[kind],
        "key": key,
        "name": f"{kind}:{key}",
        "work": work,
        "comments": list(talk.comments_of(kind, key)),
        "acts": list(acts[:HISTORY]),
        "arrangement": Arrangement.objects.filter(kind=kind, key=key).select_related("assignee").first(),
        "people": [one for one in colleagues() if one.decides],
        "may_decide": may_decide(user),
        "may_comment": may_propose(user),
        "tomorrow": timezone.localdate() + timedelta(days=1),
        "back": reverse("stewardship:work", args=[kind, key]),
        "said": said,
        "problems": problems,
    }
    return render(request, "stewardship/work/piece.html", context, status=422 if problems else 200)


def _found(kind: str, key: str, user: User) -> listing.Work | None:
    """The work, None where it is done and something was said or done about it. Raises NotFound for what never was."""
    if kind not in kinds() or "\x00" in key:
        raise NotFound("There is no such kind of work.", "Go back to the queue.")
    work = listing.one(kind, key, user)
    known = work is not None or talk.comments_of(kind, key).exists()
    if not known and not WorkAct.objects.filter(kind=kind, key=key).exists():
        raise NotFound("No such work waits.", "It may be done by now. Go back to the queue.")
    return work


@require(may_see)
def clocks(request: HttpRequest) -> HttpResponseBase:
    """``/work/clocks/``: how long each kind may wait, and who changed it when."""
    user = signed_in(request)
    problems: list[tuple[str, str]] = []
    given = {kind: request.POST.get(kind, "") for kind in kinds()}
    if request.method == "POST":
        return _set_clocks(request, user, given, problems)
    return _show_clocks(request, user, listing.allowed_hours(), problems)


@require(may_set_up)
def _set_clocks(
    request: HttpRequest, user: User, given: dict[str, str], problems: list[tuple[str, str]]
) -> HttpResponse:
    hours: dict[str, int] = {}
    for kind, text in given.items():
        if text.isascii() and text.isdigit() and 1 <= int(text[:9]) <= verbs.LONGEST_WAIT:
            hours[kind] = int(text[:9])
        else:
            problems.append((kinds()[kind].plural, f"Between 1 and {verbs.LONGEST_WAIT:,} hours."))
    if problems:
        return _show_clocks(request, user, given, problems)
    for kind, number in hours.items():
        verbs.allow(kind=kind, hours=number, user=user)
    messages.success(request, "The clocks are set.")
    return redirect("stewardship:clocks")


def _show_clocks(request: HttpRequest, user: User, hours: Any, problems: list[tuple[str, str]]) -> HttpResponse:
    context = {
        "rows": [(kind, hours[kind.name]) for kind in kinds().values()],
        "changes": Allowance.history.select_related("history_user").order_by("-history_date")[:20],
        "labels": {kind.name: kind.plural for kind in kinds().values()},
        "may_set_up": may_set_up(user),
        "problems": problems,
    }
    return render(request, "stewardship/work/clocks.html", context, status=422 if problems else 200)


urls = [
    path("work/clocks/", clocks, name="clocks"),
    re_path(r"^work/act/(?P<verb>assign|take|give-back|park|resume)/$", act, name="act_on_work"),
    path("work/<slug:kind>/<str:key>/", piece, name="work"),
    path("work/<slug:kind>/<str:key>/say/", say, name="say"),
]
