"""What is new for the person who is signed in, and how often they want to be mailed."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from mdm.errors import Invalid
from mdm.work import kinds
from stewardship.access import require, signed_in
from stewardship.models import Digest, Mention, Wish
from stewardship.permissions import may_propose, may_see
from stewardship.work import digest, talk

SHOWN = 50
DAYS = 7


@require_safe
@require(may_see)
def notices(request: HttpRequest) -> HttpResponse:
    """``/notices/``: mentions, work given to me, mine that is late, requests I may approve; and the mail digest."""
    return _show(request)


@require_POST
@require(may_propose)
def choose(request: HttpRequest) -> HttpResponse:
    """Keep how often, and where; what does not fit is shown again as it was typed."""
    given = {"digest": request.POST.get("digest", ""), "address": request.POST.get("address", "").replace("\x00", "")}
    try:
        digest.choose(user=signed_in(request), **given)
    except Invalid as refusal:
        return _show(request, given, refusal.problems)
    told = Digest(given["digest"]).label.lower()
    messages.success(request, f"Kept: mailed {told}." if given["digest"] != Digest.NEVER else "Kept: no mail.")
    return redirect("stewardship:notices")


@require_POST
@require(may_propose)
def see_all(request: HttpRequest) -> HttpResponse:
    """Every mention is seen."""
    talk.see(user=signed_in(request))
    return redirect("stewardship:notices")


def _show(
    request: HttpRequest, given: dict[str, str] | None = None, problems: Sequence[tuple[str, str]] = ()
) -> HttpResponse:
    user, now = signed_in(request), timezone.now()
    wish = Wish.objects.filter(person=user).first()
    mentions = Mention.objects.filter(person=user).select_related("comment__by").order_by("-pk")[:SHOWN]
    context: dict[str, Any] = {
        "mentions": [(one, kinds().get(one.comment.kind)) for one in mentions],
        "news": digest.news(user, now - timedelta(days=DAYS), now),
        "days": DAYS,
        "choices": Digest.choices,
        "chosen": (given or {}).get("digest") or (wish.digest if wish else Digest.NEVER),
        "address": (given or {}).get("address", user.email),
        "told_through": wish.told_through if wish else None,
        "may_choose": may_propose(user),
        "problems": problems,
    }
    context["unseen"] = sum(1 for one, _ in context["mentions"] if one.seen_at is None)
    return render(request, "stewardship/notices.html", context, status=422 if problems else 200)


urls = [
    path("notices/", notices, name="notices"),
    path("notices/choose/", choose, name="choose_digest"),
    path("notices/seen/", see_all, name="see_mentions"),
]
