"""Is the log whole? The head, the last verification, and asking for a new one, which a worker does."""

from datetime import datetime, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_POST, require_safe

from mdm import queries
from mdm.models import ChangeEvent
from mdm.nudge import nudge
from mdm.verification import last_start, last_verdict
from stewardship.access import require
from stewardship.permissions import may_audit, may_decide

ASKED = "verification_asked"
IMPATIENCE = timedelta(seconds=8)  # after which a verification nobody took up waits for a worker
FORGOTTEN = timedelta(minutes=10)


def standing(request: HttpRequest) -> dict[str, Any]:
    """Head of the log, the last verdict, and whether this person waits for a newer one. Two queries."""
    last, now = last_verdict(), timezone.now()
    asked = parse_datetime(request.session.get(ASKED, ""))
    waits = asked is not None and now - asked < FORGOTTEN and (last is None or last.at < asked)
    return {
        "head": queries.feed_head(),
        "unnumbered": ChangeEvent.objects.filter(seq__isnull=True).count(),
        "last": last,
        "waits": waits,
        "no_worker": waits and asked is not None and now - asked > IMPATIENCE and not _is_under_way(asked),
        "poll_url": reverse("stewardship:audit_proof") if waits else "",
        "may_ask": may_decide(request.user),
    }


def _is_under_way(asked: datetime) -> bool:
    started = last_start()
    return started is not None and started >= asked


@require_safe
@require(may_audit)
def panel(request: HttpRequest) -> HttpResponse:
    """The panel alone, asked for again while a verification is awaited."""
    return render(request, "stewardship/audit/proof.html", {"proof": standing(request)})


@require_POST
@require(may_decide)
def verify(request: HttpRequest) -> HttpResponse:
    """Have a worker walk the whole log now. Asking twice walks it twice and harms nothing."""
    request.session[ASKED] = timezone.now().isoformat()
    nudge("mdm.tasks.verify", queue="maintenance")
    messages.info(request, "The log is being verified; the verdict appears here by itself.")
    return redirect("stewardship:audit")


urls = [
    path("audit/proof/", panel, name="audit_proof"),
    path("audit/verify/", verify, name="verify_log"),
]
