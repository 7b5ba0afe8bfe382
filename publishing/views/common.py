"""What every view of publishing shares."""

import json
from collections.abc import Mapping

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render

from mdm.cause import reason_given
from publishing.models import Endpoint


def is_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page."""
    return request.headers.get("HX-Request") == "true" and request.headers.get("HX-Boosted") != "true"


def page(request: HttpRequest, whole: str, fragment: str, context: Mapping[str, object]) -> HttpResponse:
    """The whole page, or its fragment where htmx asks for that."""
    part = is_fragment(request)
    response = render(request, fragment if part else whole, {**context, "is_fragment": part})
    response.headers["Vary"] = "HX-Request"
    return response


def endpoint_of(code: str) -> Endpoint:
    """The endpoint of this code with its lane. Raises Http404."""
    return get_object_or_404(Endpoint.objects.select_related("lane"), code=code)


def reason_of(request: HttpRequest) -> str:
    """The reason a person gave with an act. Raises Invalid for one that is too long to be kept whole."""
    return reason_given(request.POST.get("reason", ""))


def number_of(text: str, *, most: int = 10**15) -> int:
    """A whole number as typed, thousands separated or not. Raises Http404 for anything else."""
    bare = text.replace(",", "").replace(" ", "")
    if not (bare.isascii() and bare.isdigit() and int(bare[:18]) <= most):
        raise Http404("That is no number of the log.")
    return int(bare)


def readable(text: str) -> str:
    """JSON on many lines; anything else as it is."""
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text
