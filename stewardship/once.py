"""Nothing is done twice: a form sent again by a double click, the back button or a line that broke is recognised.

Every form carries a token of its own (``{% csrf_token %}`` writes it). What is remembered is where the first sending
led, never what was typed.
"""

import hashlib
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from mdm.compiled import unhurried
from mdm.errors import Busy, MdmError
from stewardship.errors import answer
from stewardship.models import Press

FIELD = "once"
HEADER = "X-Assay-Once"
AGAIN = "X-Assay-Again"  # htmx sends it anew because no answer came
KEPT = timedelta(days=1)
WAIT_SECONDS = 20.0
LOOK_SECONDS = 0.05
TIDY_ONE_IN = 16  # by the first letter of the key
LONGEST_TOKEN = 100
GIVEN_UP = timedelta(minutes=1)  # no act takes as long: the server stopped in the middle
DONE = "That had been sent before and is done; it was not done twice."


class Interrupted(MdmError):
    """The first sending never ended: the server stopped while it was carried out."""

    code = "interrupted"

    def __init__(self) -> None:
        super().__init__(
            "This was sent before, and the server stopped before it could answer.",
            "Go back and reload the page: it shows whether it was done. If not, send it from there.",
        )


class OnceMiddleware:
    """Carries out a form's sending once; whoever sends it again is led to where the first sending led.

    What was refused (400 and above) or only shown (a page without a redirect) may be sent as often as one likes. The
    second of two at once waits for the first. Without a token nothing is remembered.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = key_of(request)
        if not key:
            return self.get_response(request)
        waited_until = time.monotonic() + WAIT_SECONDS
        while not claim(key, request.user.pk):  # type: ignore[arg-type]  # key_of asks for a signed-in person
            first = Press.objects.filter(key=key).first()
            if first and first.answered_at:
                return _answer_again(request, first)
            if first and first.pressed_at < timezone.now() - GIVEN_UP:
                return answer(request, Interrupted())
            if time.monotonic() > waited_until:
                return answer(request, Busy())
            time.sleep(LOOK_SECONDS)
        try:
            response = self.get_response(request)
        except BaseException:
            forget(key)
            raise
        if settles(request, response):
            keep(key, str(response.headers.get("Location", "")))
        else:
            forget(key)
        return response


def key_of(request: HttpRequest) -> str:
    """What tells one sending from another; "" for what is not a form of a signed-in person."""
    if request.method != "POST" or request.path.startswith("/api/") or not request.user.is_authenticated:
        return ""
    token = request.POST.get(FIELD, "") or request.headers.get(HEADER, "")
    if not token or len(token) > LONGEST_TOKEN:
        return ""
    said = [(name, values) for name, values in request.POST.lists() if name not in (FIELD, "csrfmiddlewaretoken")]
    files = [(name, file.name, file.size) for name, many in request.FILES.lists() for file in many]
    parts = (request.user.pk, request.get_full_path(), token, sorted(said), files)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def claim(key: str, person_id: int) -> bool:
    """Whether this sending is the first; of two at once exactly one is.

    Waits for no disk: what is done next does, and with it this is on it, too.
    """
    now = timezone.now()
    if int(key[:8], 16) % TIDY_ONE_IN == 0:
        Press.objects.filter(pressed_at__lt=now - KEPT).delete()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO stewardship_press (key, person_id, pressed_at, location) "  # noqa: S608 (our own words)
            f"SELECT %s, %s, %s, '' FROM {unhurried()} ON CONFLICT (key) DO NOTHING",
            [key, person_id, now],
        )
        return bool(cursor.rowcount)


def keep(key: str, location: str) -> None:
    """The sending is carried out and led there."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE stewardship_press SET answered_at = %s, location = %s FROM {unhurried()} WHERE key = %s",  # noqa: S608
            [timezone.now(), location, key],
        )


def forget(key: str) -> None:
    """Nothing was done: the same sending may come again."""
    Press.objects.filter(key=key).delete()


def settles(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether an answer says that something was done: a redirect, a fragment for htmx, or what is shown only once."""
    if response.status_code >= 400:
        return False
    shown_once = "no-store" in response.headers.get("Cache-Control", "")
    return 300 <= response.status_code < 400 or "HX-Request" in request.headers or shown_once


def _answer_again(request: HttpRequest, first: Press) -> HttpResponse:
    if "HX-Request" in request.headers:
        # The page of a double click has its answer already; one that never got it is shown as things stand.
        fresh: dict[str, Any] = {"HX-Refresh": "true"} if AGAIN in request.headers else {}
        return HttpResponse(status=200 if fresh else 204, headers=fresh)
    messages.info(request, DONE)
    return HttpResponseRedirect(first.location or _back(request))


def _back(request: HttpRequest) -> str:
    before = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(
        before, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return before if ours else "/"
