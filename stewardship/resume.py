"""What was typed when the session had ended: kept in the browser's new session until its author has signed in again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.core import signing
from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django.utils import timezone

KEPT = "kept_typing"
AUTHOR = "assay_author"  # a signed cookie: who signed in last in this browser
AUTHOR_DAYS = 30
KEPT_SECONDS = 3600
MOST_CHARACTERS = 400_000
# Made for each sending; they mean nothing later. The token against double sending stays: it is the same act.
OF_THE_FORM = ("csrfmiddlewaretoken",)


@dataclass(frozen=True)
class Kept:
    """A form as it was sent: address, (name, value) pairs, names of files that must be chosen again."""

    path: str
    fields: list[tuple[str, str]]
    files: list[str]


class SignedOutMiddleware:
    """A form sent after the session ended is kept until its author has signed in; then it is sent.

    A fragment is answered 401: the page asks for the password in a dialog, stays as it is, and sends it again.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.path.startswith("/api/") or not leads_to_sign_in(response) or request.user.is_authenticated:
            return response
        if request.headers.get("HX-Request") == "true":
            return HttpResponse(status=401, headers={"HX-Reswap": "none"})
        if request.method == "POST":
            keep(request)
        return response


def leads_to_sign_in(response: HttpResponse) -> bool:
    """Whether a page was refused because nobody is signed in."""
    address = response.headers.get("HX-Redirect") or response.headers.get("Location") or ""
    return address.partition("?")[0] == resolve_url(settings.LOGIN_URL)


def keep(request: HttpRequest) -> None:
    """Remember the form in the browser's new session, unless it is larger than any form of ours."""
    fields = [(name, value) for name, many in request.POST.lists() if name not in OF_THE_FORM for value in many]
    if not fields or sum(len(value) for _, value in fields) > MOST_CHARACTERS:
        return
    files = [str(file.name) for _, many in request.FILES.lists() for file in many]
    request.session[KEPT] = {
        "path": request.get_full_path(),
        "fields": fields,
        "files": files,
        "at": timezone.now().timestamp(),
        "author": author_of(request),
    }


def take(request: HttpRequest) -> Kept | None:
    """What the signed-in person had typed, once; what somebody else typed, or long ago, is forgotten."""
    found: dict[str, Any] | None = request.session.pop(KEPT, None)
    if not found or timezone.now().timestamp() - found["at"] > KEPT_SECONDS:
        return None
    if found["author"] is None or found["author"] != request.user.pk:
        return None
    return Kept(found["path"], [(name, value) for name, value in found["fields"]], found["files"])


def author_of(request: HttpRequest) -> int | None:
    """Who signed in last in this browser."""
    try:
        return int(signing.loads(request.COOKIES.get(AUTHOR, ""), salt=AUTHOR))
    except (signing.BadSignature, ValueError):
        return None


def remember_author(response: HttpResponse, person_id: int) -> None:
    """So that what is typed after the session ended goes to nobody else."""
    response.set_cookie(
        AUTHOR, signing.dumps(person_id, salt=AUTHOR), max_age=AUTHOR_DAYS * 24 * 3600, httponly=True,
        samesite="Lax", secure=settings.SESSION_COOKIE_SECURE,
    )  # fmt: skip
