"""Replays of one endpoint: started with the count they would send, watched, cancelled."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid
from mdm.models import LogHead
from publishing.access import actor, acts, sees
from publishing.models import UNFINISHED, Endpoint, Replay, ReplayKind
from publishing.queries.again import Count, would_send
from publishing.replaying import Progress, cancel_replay, progress, start_replay
from publishing.views.common import endpoint_of, page, reason_of
from publishing.views.tabs import frame

SHOWN = 12


@dataclass(frozen=True)
class Shown:
    """A replay with how far it is."""

    replay: Replay
    progress: Progress

    @property
    def runs(self) -> bool:
        """Whether it can still be cancelled."""
        return self.replay.state in UNFINISHED


@require_GET
@sees
def replay_list(request: HttpRequest, code: str) -> HttpResponse:
    """The replay that runs, those before, and the form of a new one."""
    endpoint = endpoint_of(code)
    found = [Shown(one, progress(one)) for one in _replays(endpoint)[:SHOWN]]
    head = LogHead.objects.values_list("seq", flat=True).first() or 0
    told = endpoint.domains or [domain.name for domain in DOMAINS]
    context = {
        **frame(request, endpoint),
        "replays": found,
        "runs": any(one.runs for one in found),
        "head": head,
        "reached": min(endpoint.lane.cursor_low, head),
        "domains": [(name, BY_NAME[name].plural) for name in told if name in BY_NAME],
        "kinds": ReplayKind.choices,
    }
    return page(request, "publishing/replays.html", "publishing/replays_live.html", context)


def _replays(endpoint: Endpoint) -> QuerySet[Replay]:
    return Replay.objects.filter(endpoint=endpoint).order_by("-pk")


@require_GET
@sees
def count(request: HttpRequest, code: str) -> HttpResponse:
    """A fragment: how many messages a replay like this would send."""
    endpoint = endpoint_of(code)
    try:
        asked = _asked(request.GET)
        found: Count | None = would_send(endpoint, **asked)
    except Invalid as error:
        return render(request, "publishing/replay_count.html", {"error": error})
    return render(request, "publishing/replay_count.html", {"found": found, "endpoint": endpoint})


def _asked(given: Any) -> dict[str, Any]:
    """The replay a form asks for. Raises Invalid."""
    kind = given.get("kind", "")
    if kind not in ReplayKind.values:
        raise Invalid("Say what is sent again.", "Choose one of the three.", [("kind", "Choose one of the three.")])
    domains = tuple(name for name in given.getlist("domain") if name in BY_NAME)
    if kind != ReplayKind.RANGE:
        return {"kind": ReplayKind(kind), "from_seq": 1, "to_seq": None, "domains": domains}
    last = given.get("to_seq", "").strip()
    return {
        "kind": ReplayKind(kind),
        "from_seq": _number(given.get("from_seq", ""), "from_seq"),
        "to_seq": _number(last, "to_seq") if last else None,
        "domains": domains,
    }


def _number(text: str, name: str) -> int:
    bare = text.replace(",", "").replace(" ", "")
    if not bare.isascii() or not bare.isdigit() or len(bare) > 18:
        raise Invalid("That is no range of the log.", "Give numbers of the log.", [(name, "Give a number of the log.")])
    return int(bare)


@require_POST
@acts
def start(request: HttpRequest, code: str) -> HttpResponse:
    """Begin a replay."""
    endpoint = endpoint_of(code)
    start_replay(endpoint=endpoint, by=actor(request), reason=reason_of(request), **_asked(request.POST))
    messages.success(request, f"The replay begins. {endpoint.name} gets each message with its own id again.")
    return redirect("publishing:replays", code=code)


@require_POST
@acts
def cancel(request: HttpRequest, code: str, pk: int) -> HttpResponse:
    """End a replay; what waits already is sent."""
    replay = get_object_or_404(Replay, pk=pk, endpoint__code=code)
    cancel_replay(replay=replay, by=actor(request), reason=reason_of(request))
    messages.success(request, "The replay is cancelled. What waits already is still sent.")
    return redirect("publishing:replays", code=code)
