"""Who gets to the pages of publishing: everybody with a role sees, those who answer for records act,
and those who answer for the interface set up."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from mdm.cause import Actor
from mdm.people import ADMINISTRATOR, DOMAIN_OWNER, GROUPS, STEWARD, in_group

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

NO_ROLE = "Your account has no role yet. Ask an administrator of your group for one."
ONLY_SEES = (
    "Pausing, resuming and sending again need the role steward or domain owner. "
    "You can read everything here; ask one of them to act."
)

SETS_UP = (
    "Setting up and changing endpoints needs the role domain owner or administrator. "
    "You can read everything here; ask one of them."
)


def may_act(user: Any) -> bool:
    """Whether the person may pause, resume, release and send again."""
    return in_group(user, STEWARD, DOMAIN_OWNER, ADMINISTRATOR)


def sets_up(user: Any) -> bool:
    """Whether the person may create and change endpoints, their mappings and their secrets."""
    return in_group(user, DOMAIN_OWNER, ADMINISTRATOR)


def sees(view: View[P]) -> View[P]:
    """The view is for everybody who is signed in and has a role."""
    return _guard(view, lambda user: in_group(user, *GROUPS), NO_ROLE)


def acts(view: View[P]) -> View[P]:
    """The view is for those who may act."""
    return _guard(view, may_act, ONLY_SEES)


def sets(view: View[P]) -> View[P]:
    """The view is for those who may set up."""
    return _guard(view, sets_up, SETS_UP)


def _guard(view: View[P], allowed: Callable[[Any], bool], refusal: str) -> View[P]:
    @wraps(view)
    def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
        if not request.user.is_authenticated:
            back = request.get_full_path() if request.method == "GET" else "/"
            if request.headers.get("HX-Request") == "true":
                return HttpResponse(headers={"HX-Redirect": redirect_to_login("/").url})
            return redirect_to_login(back)
        if not allowed(request.user):
            raise PermissionDenied(refusal)
        return view(request, *args, **kwargs)

    return guarded


def actor(request: HttpRequest) -> Actor:
    """The person behind the request, as verbs write it down."""
    user = request.user
    name = user.get_full_name() or user.get_username()  # type: ignore[union-attr]
    return Actor(name=name, kind="person", channel="page", user_id=user.pk)
