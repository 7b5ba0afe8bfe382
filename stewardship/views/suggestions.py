"""What a person suggested, and what became of it."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_safe

from stewardship import suggestions
from stewardship.access import require, signed_in
from stewardship.permissions import may_propose

SHOWN = 200


@require_safe
@require(may_propose)
def mine(request: HttpRequest) -> HttpResponse:
    """``/suggestions/``: one's own change requests and reported duplicates, the newest first."""
    context = {"rows": suggestions.of(signed_in(request), SHOWN), "most": SHOWN}
    return render(request, "stewardship/suggestions.html", context)


urls = [path("suggestions/", mine, name="my_suggestions")]
