"""Going on after the session ended: the password in a dialog, and the form that was sent in between."""

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from stewardship import resume
from stewardship.access import require
from stewardship.permissions import may_see


@require_safe
@require(may_see)
@never_cache
def kept(request: HttpRequest) -> HttpResponse:
    """``/sign-in/kept/``: what was typed, and the button that sends it; a script presses it at once."""
    found = resume.take(request)
    if found is None:
        return redirect("stewardship:queue")
    context = {"kept": found, "shown": _readable(found), "press": not found.files}
    return render(request, "stewardship/kept.html", context)


def page_too_old(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer 403 for a form that was opened under another sign-in; what was typed is shown and can be sent at once.

    Only what our own pages send gets that button: a foreign page never learns what it could do here.
    """
    origin = urlsplit(request.headers.get("Origin", ""))
    ours = origin.netloc == request.get_host() and request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    context: dict[str, object] = {}
    if ours and request.user.is_authenticated and request.POST:
        fields = [(n, v) for n, many in request.POST.lists() if n not in resume.OF_THE_FORM for v in many]
        files = [str(file.name) for _, many in request.FILES.lists() for file in many]
        found = resume.Kept(request.get_full_path(), fields, files)
        context = {"kept": found, "shown": _readable(found), "press": False}
    return render(request, "403_csrf.html", context, status=403)


def _readable(found: resume.Kept) -> list[tuple[str, str]]:
    """What a person typed, without what the form carries for itself."""
    hidden = ("once", "next", "digest")
    return [
        (name.replace("_", " ").capitalize(), value)
        for name, value in found.fields
        if value.strip() and name not in hidden and not name.startswith("version")
    ]


urls = [path("sign-in/kept/", kept, name="kept")]
