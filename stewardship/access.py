"""Who gets into a page: signed in, and with the right it asks for."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec
from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, resolve_url

from mdm.cause import reason_given
from stewardship import permissions

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponseBase]
Permission = Callable[[Any], bool]

# What a refused person reads: what the right is for, and whom to ask.
REFUSALS: dict[Permission, str] = {
    permissions.may_see: "Your account has no role yet. Ask an administrator of your group for one.",
    permissions.may_decide: "Merging, rejecting and retiring need the role steward or domain owner. "
    "You can read everything; ask a steward to decide, or an administrator for the role.",
    permissions.may_propose: "Proposing a change needs a role other than auditor. Ask a steward to propose it for you.",
    permissions.may_check: "Having a list checked needs a role other than auditor. Ask a colleague to have it checked.",
    permissions.may_approve: "Approving needs the role steward or domain owner. Ask one of them.",
    permissions.may_import: "Uploading files and mending rows need the role steward or domain owner. Ask one of them.",
    permissions.may_set_up: "Creating and changing feeds need the role domain owner or administrator. Ask one of them.",
    permissions.may_administer: "This page is for those who look after the installation. Ask an administrator.",
    permissions.may_audit: "The whole history is open to auditors, stewards and domain owners. "
    "Each record's own history is on its page.",
}


def require(permission: Permission) -> Callable[[View[P]], View[P]]:
    """The view is reached only by signed-in people who hold the right; everybody else changes nothing.

    Signed out: the sign-in page, and back here afterwards. Without the right: a 403 page that says whom to ask.
    """

    def decorate(view: View[P]) -> View[P]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return _to_sign_in(request)
            if not permission(request.user):
                raise PermissionDenied(REFUSALS.get(permission, ""))
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def signed_in(request: HttpRequest) -> User:
    """The person behind a request that ``require`` let through."""
    if not isinstance(request.user, User):
        raise PermissionDenied("Sign in first.")
    return request.user


def reason_of(request: HttpRequest) -> str:
    """The reason a person gave with an act. Raises Invalid for one that is too long to be kept whole."""
    return reason_given(request.POST.get("reason", ""))


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page (and not for the whole of it while boosting)."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def _to_sign_in(request: HttpRequest) -> HttpResponse:
    """The sign-in page; a fragment cannot show it, so htmx is told to go there with the whole window."""
    if request.headers.get("HX-Request") == "true":
        back = request.headers.get("HX-Current-URL", "/")
        path = "/" + back.split("://", 1)[-1].partition("/")[2]
        return HttpResponse(headers={"HX-Redirect": _sign_in_address(path)})
    return redirect(_sign_in_address(request.get_full_path() if request.method == "GET" else "/"))


def _sign_in_address(back: str) -> str:
    address = resolve_url("stewardship:sign_in")
    return address if back in ("/", "") else f"{address}?{urlencode({'next': back})}"
