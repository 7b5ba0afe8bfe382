"""What is new for a person, and the mail that tells it: once, on the day they chose, and never an empty one."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.core.validators import validate_email
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from mdm.errors import Invalid
from mdm.people import GROUPS, in_group
from mdm.retrying import atomic
from stewardship import suggestions
from stewardship.asked import ME, Filters
from stewardship.models import Arrangement, ChangeRequest, Digest, Mention, Opinion, RequestState, Wish
from stewardship.opinions import owed_by
from stewardship.permissions import may_approve
from stewardship.requests import person
from stewardship.suggestions import Suggestion
from stewardship.work import listing

HOUR = 6  # of the day (UTC), and of Monday, from which a digest may go
SHOWN = 20

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class News:
    """What is new since a moment. Numbers count all of it, lists hold the newest."""

    mentions: Sequence[Mention]
    assigned: Sequence[listing.Work]
    late: Sequence[listing.Work]
    requests: Sequence[ChangeRequest]
    opinions: Sequence[Opinion] = ()
    outcomes: Sequence[Suggestion] = ()

    def __bool__(self) -> bool:
        return bool(self.mentions or self.assigned or self.late or self.requests or self.opinions or self.outcomes)


def news(user: User, since: datetime, until: datetime) -> News:
    """Mentions not seen, opinions asked for and not given, work a colleague gave, own work that became overdue, and
    requests the person may approve; and what others decided of what the person proposed or reported."""
    unseen = Mention.objects.filter(person=user, seen_at__isnull=True, comment__at__gt=since, comment__at__lte=until)
    own = listing.page(Filters(assignee=ME, order="due"), user, limit=500).rows
    given = Arrangement.objects.filter(assignee=user, assigned_at__gt=since, assigned_at__lte=until)
    new = set(given.exclude(assigned_by=person(user).name).values_list("kind", "key"))
    asked = ChangeRequest.objects.filter(state=RequestState.OPEN, requested_at__gt=since, requested_at__lte=until)
    asked = asked.exclude(requested_by=user).select_related("record", "requested_by")
    return News(
        mentions=list(unseen.select_related("comment__by").order_by("-pk")[:SHOWN]),
        assigned=[one for one in own if (one.kind.name, one.key) in new][:SHOWN],
        late=[one for one in own if since < one.due <= until][:SHOWN],
        requests=list(asked.order_by("-requested_at")[:SHOWN]) if may_approve(user) else [],
        opinions=list(owed_by(user, since, until).order_by("-pk")[:SHOWN]),
        outcomes=suggestions.decided(user, since, until, SHOWN),
    )


@atomic
def choose(*, user: User, digest: str, address: str) -> Wish:
    """Say how often to be mailed, and where. What is older than the choice is not told. Repeating it changes nothing.

    Raises Invalid naming both mistakes at once.
    """
    problems, given = [], address.strip()
    if digest not in Digest.values:
        problems.append(("digest", "Choose never, every day or every week."))
    if given or digest != Digest.NEVER:
        try:
            validate_email(given)
        except ValidationError:
            problems.append(("address", "That is no mail address. Write one like name@hospital.org."))
    if len(given) > 254:
        problems.append(("address", "The address is too long: at most 254 characters."))
    if problems:
        raise Invalid("Your choice was not kept.", "Correct it and save again.", problems)
    wish = Wish.objects.select_for_update().filter(person=user).first() or Wish(person=user)
    if wish.digest != digest or wish.told_through is None:
        wish.digest, wish.told_through = digest, timezone.now()
        wish.save()
    if user.email != given:
        user.email = given
        user.save(update_fields=["email"])
    return wish


def turn(digest: str, now: datetime) -> datetime:
    """The last moment from which a digest of this kind may go: six o'clock today, or of Monday."""
    today = now.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    last = today if now >= today else today - timedelta(days=1)
    return last - timedelta(days=last.weekday()) if digest == Digest.WEEKLY else last


def send_due() -> int:
    """Mail everybody whose turn has come and who has news; how many mails went. The second time none.

    Each person is locked while told: of two tasks one tells. A mail that cannot be sent is tried again next time;
    killed between sending and noting it, that one is told again.
    """
    sent, now = 0, timezone.now()
    for digest in (Digest.DAILY, Digest.WEEKLY):
        waiting = Wish.objects.filter(digest=digest, told_through__lt=turn(digest, now), person__is_active=True)
        for person_id in list(waiting.order_by("person_id").values_list("person_id", flat=True)):
            try:
                sent += _tell(person_id, now)
            except (SMTPException, OSError) as error:
                logger.warning("A digest could not be mailed (%s); it is tried again", error)
                return sent
    return sent


@transaction.atomic
def _tell(person_id: int, now: datetime) -> int:
    rows = Wish.objects.select_for_update(skip_locked=True, of=("self",)).select_related("person")
    wish = rows.filter(person_id=person_id).first()
    if wish is None or wish.told_through >= turn(wish.digest, now):
        return 0
    user, since = wish.person, wish.told_through
    wish.told_through = now
    wish.save(update_fields=["told_through"])
    # Whoever lost every role, or the address, is told nothing and hears nothing of what was in between.
    found = news(user, since, now) if user.email and in_group(user, *GROUPS) else None
    if not found:
        return 0
    mail = EmailMessage(subject=subject(found), body=body(user, found), to=[user.email])
    mail.send()
    return 1


def subject(found: News) -> str:
    """How much of what, in one line."""
    parts = [
        (len(found.mentions), "mention", "mentions"),
        (len(found.opinions), "opinion asked", "opinions asked"),
        (len(found.assigned), "assigned to you", "assigned to you"),
        (len(found.late), "overdue", "overdue"),
        (len(found.requests), "change request", "change requests"),
        (len(found.outcomes), "outcome", "outcomes"),
    ]
    return "Assay: " + ", ".join(f"{number} {one if number == 1 else many}" for number, one, many in parts if number)


def body(user: User, found: News) -> str:
    """The mail as plain text: what is new under its headings, each line with its link."""
    lines = [f"Hello {person(user).name},", ""]
    for heading, entries in (
        (
            "You were mentioned",
            [(_said(one), _at("work", one.comment.kind, one.comment.key)) for one in found.mentions],
        ),
        (
            "You were asked what you think",
            [(_wondered(one), _at("review", one.candidate_id)) for one in found.opinions],
        ),
        ("Assigned to you", [(_what(one), _at("work", one.kind.name, one.key)) for one in found.assigned]),
        ("Overdue", [(_what(one), _at("work", one.kind.name, one.key)) for one in found.late]),
        ("Waiting for approval", [(_asked(one), _at("request", one.pk)) for one in found.requests]),
        (
            "What became of what you proposed",
            [(_became(one), f"{settings.PUBLIC_URL}{one.address}") for one in found.outcomes],
        ),
    ):
        if entries:
            lines += [heading, *(f"- {words}\n  {link}" for words, link in entries), ""]
    lines += [f"All of your work: {_at('queue')}?assignee=me", f"How often you are told: {_at('notices')}"]
    return "\n".join(lines)


def _at(name: str, *arguments: object) -> str:
    return str(settings.PUBLIC_URL) + reverse(f"stewardship:{name}", args=arguments)


def _one_line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 160 else words[:159] + "\N{HORIZONTAL ELLIPSIS}"


def _said(mention: Mention) -> str:
    return f"{person(mention.comment.by).name}: {_one_line(mention.comment.text)}"


def _wondered(opinion: Opinion) -> str:
    who = person(opinion.asked_by).name if opinion.asked_by else "A colleague"
    return _one_line(f"{who}: {opinion.note or opinion.candidate.sentence}")


def _what(work: listing.Work) -> str:
    return _one_line(f"{work.kind.label}: {' / '.join(work.titles[:2])}. {work.why}")


def _became(one: Suggestion) -> str:
    return _one_line(f"{one.title}: {one.outcome.lower()} ({one.by}). {one.answer}")


def _asked(request: ChangeRequest) -> str:
    return _one_line(f"{request.title}: {request.reason} ({person(request.requested_by).name})")
