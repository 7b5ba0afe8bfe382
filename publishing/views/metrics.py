"""`GET /metrics`: the figures for a monitoring system, for whoever shows the token or asks on this machine."""

from hmac import compare_digest
from ipaddress import ip_address

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.http import require_safe

from publishing.metrics import exposition, figures

FORBIDDEN = "Show the token of ASSAY_METRICS_TOKEN as bearer, or, where none is set, ask on this machine.\n"
PLAIN = "text/plain; version=0.0.4; charset=utf-8"


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Every figure as text, or 403 with the way in."""
    if not _may_read(request):
        return HttpResponse(FORBIDDEN, status=403, content_type="text/plain; charset=utf-8")
    return HttpResponse(exposition(figures()), content_type=PLAIN, headers={"Cache-Control": "no-store"})


def _may_read(request: HttpRequest) -> bool:
    """With a token set, only by it. Else only callers on this machine; behind a proxy everybody looks like one."""
    if settings.METRICS_TOKEN:
        shown = request.headers.get("authorization", "")
        return compare_digest(shown.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "x-real-ip", "via"))
    if forwarded or getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        return False
    try:
        return ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False


urls = [path("", metrics, name="metrics")]
