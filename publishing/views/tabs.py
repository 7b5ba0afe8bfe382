"""The tabs of one endpoint. A page of one endpoint brings its tabs, so that all of them look alike."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from publishing.access import may_act, sets_up
from publishing.models import Delivery, DeliveryState, Endpoint, EndpointKind

CALLED = (EndpointKind.WEBHOOK, EndpointKind.REST)


@dataclass(frozen=True)
class Tab:
    """One tab: the URL name it leads to, and for which kinds of endpoint it is there."""

    name: str
    label: str
    icon: str
    has: Callable[[Endpoint], bool] = lambda _: True


TABS = (
    Tab("endpoint", "Overview", "activity"),
    Tab("parked_of", "Parked", "alert-triangle", lambda one: one.kind != EndpointKind.WITNESS),
    Tab("calls", "Calls", "send", lambda one: one.kind != EndpointKind.FILE),
    Tab("files", "Files", "file-text", lambda one: one.kind == EndpointKind.FILE),
    Tab("replays", "Replay", "rotate-clockwise", lambda one: one.kind != EndpointKind.WITNESS),
    Tab("drift_of", "Drift", "scale", lambda one: one.kind != EndpointKind.WITNESS),
    Tab("mapping", "Mapping", "replace", lambda one: one.kind != EndpointKind.WITNESS),
    Tab("settings", "Settings", "settings"),
    Tab("history", "History", "history"),
)


def frame(request: HttpRequest, endpoint: Endpoint, *, parked: int | None = None) -> dict[str, Any]:
    """What the frame of an endpoint's page needs: tabs, and what the person may do. One query unless ``parked``."""
    current = (request.resolver_match.url_name if request.resolver_match else None) or ""
    if parked is None:
        parked = Delivery.objects.filter(endpoint=endpoint, state=DeliveryState.PARKED).count()
    return {
        "endpoint": endpoint,
        "lane": endpoint.lane,
        "tabs": _tabs(endpoint, current, parked),
        "signs": endpoint.kind in (EndpointKind.WEBHOOK, EndpointKind.WITNESS),
        "called": endpoint.kind in CALLED,
        "may_act": may_act(request.user),
        "may_set_up": sets_up(request.user),
    }


def _tabs(endpoint: Endpoint, current: str, parked: int) -> list[dict[str, Any]]:
    found = []
    for tab in TABS:
        if not tab.has(endpoint):
            continue
        try:
            href = reverse(f"publishing:{tab.name}", args=[endpoint.code])
        except NoReverseMatch:  # the page is not installed
            continue
        count = parked if tab.name == "parked_of" else None
        found.append(
            {"label": tab.label, "href": href, "current": tab.name == current, "icon": tab.icon, "count": count}
        )
    return found
