"""Every path under /api/ that is none of ours, answered in our own shape."""

from typing import Any

from django.http import HttpResponse, HttpResponsePermanentRedirect
from django.urls import Resolver404, resolve
from rest_framework.request import Request

from api.views.base import ApiView
from mdm.errors import NotFound


class KeepMethodRedirect(HttpResponsePermanentRedirect):
    """308: the same method and body again, at the right address."""

    status_code = 308


class UnknownPathView(ApiView):
    """404 as problem+json; an address with a slash too many or too few is sent on."""

    def check_permissions(self, request: Request) -> None:
        """Anybody may learn that nothing is here."""

    def http_method_not_allowed(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return self.get(request)

    def get(self, request: Request, *args: object, **kwargs: object) -> HttpResponse:
        path = request.path
        other = path.rstrip("/") if path.endswith("/") else f"{path}/"
        try:
            known = resolve(other).func
        except Resolver404:
            known = None
        if known is not None and getattr(known, "view_class", UnknownPathView) is not UnknownPathView:
            query = request.META.get("QUERY_STRING", "")
            return KeepMethodRedirect(f"{other}?{query}" if query else other)
        raise NotFound(f"There is nothing at {path}.", "The paths are named at /api/v1/schema.")
