"""Notices: the owner of an endpoint is told once for each trouble, on another road than the one that is in trouble.

A watch looks every few seconds. Each notice is one row, unique for its trouble, so that watching twice, or on two
machines, tells nothing twice; mail and operator's webhook are tried until they succeed, and then noted on the row.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from mdm import canonical
from mdm.cause import Actor
from publishing.clock import now
from publishing.models import Endpoint, EndpointKind, Notice, NoticeKind
from publishing.outcomes import Fate
from publishing.sending import Message, Route, open_caller, send
from publishing.troubles import FAILING, Surroundings, Trouble, parked, standing, surroundings, troubles_of

GIVEN_UP_AFTER = timedelta(days=7)  # a notice nobody could be told of in a week is old news; it stays on the pages
CALL_SECONDS = 10.0
LOCK = 7_402_115  # of the one watch that tells at a time, on whichever machine
FAILING_KINDS = [kind for kind, _, _ in FAILING]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Watched:
    """What one look found and told."""

    new: list[Notice] = field(default_factory=list)
    mailed: int = 0
    called: int = 0


def watch() -> Watched:
    """Look at every endpoint, write down what its owner has to be told, and tell what is not told yet.

    One watch at a time; a second one ends at once. Killed between telling and noting it tells that one again.
    """
    with _alone() as mine:
        if not mine:
            return Watched()
        moment = now()
        around = surroundings(moment)
        found: list[Notice] = []
        for endpoint in Endpoint.objects.select_related("lane").order_by("pk"):
            found += look(endpoint, around)
        return Watched(found, mailed=_mail(moment), called=_call(moment))


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether nobody else watches. Held by the connection, not by a transaction: mails are slow."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        mine: bool = cursor.fetchone()[0]
    try:
        yield mine
    finally:
        if mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


@transaction.atomic
def look(endpoint: Endpoint, around: Surroundings) -> list[Notice]:
    """The notices this endpoint newly deserves, written; troubles that are over are ended. Repeating it adds none."""
    open_ones = list(Notice.objects.filter(endpoint=endpoint, ended_at=None).order_by("pk"))
    found = [trouble for trouble in troubles_of(endpoint, around) if not _told(trouble, open_ones)]
    found += _newly_parked(endpoint, open_ones, around)
    found += _recovered(endpoint, open_ones, around)
    return [notice for trouble in found if (notice := _written(endpoint, trouble, around))]


def _told(trouble: Trouble, open_ones: Sequence[Notice]) -> bool:
    """Whether this very trouble was told, at this length or, where the watch came late, a longer one.

    Silence begins anew with every success and has no beginning to be known by.
    """
    if trouble.kind in FAILING_KINDS:
        as_bad = FAILING_KINDS[: FAILING_KINDS.index(trouble.kind) + 1]
        return any(notice.kind in as_bad and notice.trouble_since == trouble.since for notice in open_ones)
    told = [notice for notice in open_ones if notice.kind == trouble.kind]
    return any(trouble.kind == NoticeKind.SILENT or notice.trouble_since == trouble.since for notice in told)


def _newly_parked(endpoint: Endpoint, open_ones: Sequence[Notice], around: Surroundings) -> list[Trouble]:
    """One notice for all records parked since the owner last saw one, however many follow."""
    told = [notice for notice in open_ones if notice.kind == NoticeKind.PARKED]
    if told and told[-1].seen_at is None:
        if parked(endpoint, None) is None:
            _end(told, around.moment)
        return []
    trouble = parked(endpoint, told[-1].seen_at if told else None)
    if trouble is None and told and parked(endpoint, None) is None:
        _end(told, around.moment)
    return [trouble] if trouble else []


def _recovered(endpoint: Endpoint, open_ones: Sequence[Notice], around: Surroundings) -> list[Trouble]:
    """Once, when everything that was told of has ended: the endpoint runs and its target took something since."""
    apart = (NoticeKind.PARKED, NoticeKind.RECOVERED)
    told = [notice for notice in open_ones if notice.kind not in apart]
    if not told or standing([notice.kind for notice in told], endpoint, around):
        return []
    success = endpoint.lane.last_success_at
    if success is None or success <= max(notice.trouble_since for notice in told):
        return []
    _end(told, around.moment)
    since = min(notice.trouble_since for notice in told)
    words = f"{endpoint.name} works again; it was in trouble since {since:%Y-%m-%d %H:%M} UTC."
    return [Trouble(NoticeKind.RECOVERED, since, words)]


def _end(notices: Sequence[Notice], moment: datetime) -> None:
    Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(ended_at=moment)


def _written(endpoint: Endpoint, trouble: Trouble, around: Surroundings) -> Notice | None:
    """The notice, or None where it stood already: another watch was first, or it was ended and came back unchanged."""
    over = around.moment if trouble.kind == NoticeKind.RECOVERED else None
    notice, made = Notice.objects.get_or_create(
        endpoint=endpoint, kind=trouble.kind, trouble_since=trouble.since,
        defaults={"words": trouble.words[:500], "created_at": around.moment, "ended_at": over},
    )  # fmt: skip
    return notice if made else None


def _untold(moment: datetime) -> QuerySet[Notice]:
    recent = Notice.objects.filter(created_at__gt=moment - GIVEN_UP_AFTER)
    return recent.select_related("endpoint").order_by("pk")


def _mail(moment: datetime) -> int:
    """Mail what was not mailed yet to owners that have an address; the first failure ends the attempt until later."""
    sent = 0
    for notice in _untold(moment).filter(~Q(endpoint__owner_email=""), mailed_at=None):
        try:
            _mail_of(notice).send()
        except (SMTPException, OSError) as error:
            logger.warning("Notice %s could not be mailed (%s); it is tried again", notice.pk, error)
            break
        Notice.objects.filter(pk=notice.pk).update(mailed_at=now())
        sent += 1
    return sent


def _mail_of(notice: Notice) -> EmailMessage:
    endpoint = notice.endpoint
    return EmailMessage(
        subject=" ".join(f"Assay: {endpoint.name}: {notice.get_kind_display()}".split()),
        body=f"{notice.words}\n\nSince {notice.trouble_since:%Y-%m-%d %H:%M} UTC.\n\n{_link(endpoint)}\n",
        to=[endpoint.owner_email],
        headers={"Message-ID": f"<notice-{notice.pk}-{notice.created_at:%Y%m%d%H%M%S}@assay>"},
    )


def _link(endpoint: Endpoint) -> str:
    return f"{settings.PUBLIC_URL}/publishing/{endpoint.code}/"


def _call(moment: datetime) -> int:
    """Tell the operator's webhook what it was not told yet; the first failure ends the attempt until later."""
    notices = list(_untold(moment).filter(called_at=None)) if settings.OPERATOR_WEBHOOK else []
    if not notices:
        return 0
    secret = settings.OPERATOR_WEBHOOK_SECRET
    route = Route(
        kind=EndpointKind.WEBHOOK, url=settings.OPERATOR_WEBHOOK, method="POST", seconds=CALL_SECONDS,
        authorization="", secrets=(secret,) if secret else (),
    )  # fmt: skip
    told = 0
    with open_caller(route) as caller:
        for notice in notices:
            result = send(caller, route, Message(id=f"notice-{notice.pk}", body=_message(notice), number=1))
            if result.outcome.fate is not Fate.ACCEPTED:
                logger.warning("Notice %s did not reach the operator (%s); it is tried again", notice.pk, result.words)
                break
            Notice.objects.filter(pk=notice.pk).update(called_at=now())
            told += 1
    return told


def _message(notice: Notice) -> str:
    """A CloudEvents body; its id is the notice's, the same at every try."""
    endpoint = notice.endpoint
    return canonical.dumps(
        {
            "specversion": "1.0",
            "id": f"notice-{notice.pk}",
            "source": "/assay",
            "type": "assay.notice.v1",
            "time": notice.created_at.isoformat(),
            "datacontenttype": "application/json",
            "data": {
                "endpoint": endpoint.code,
                "name": endpoint.name,
                "kind": notice.kind,
                "words": notice.words,
                "since": notice.trouble_since.isoformat(),
                "link": _link(endpoint),
            },
        }
    )


def unseen() -> list[Notice]:
    """What nobody has seen on a page yet, the newest first; of troubles that are over only that they are. One query."""
    current = Q(ended_at=None) | Q(kind=NoticeKind.RECOVERED)
    return list(Notice.objects.filter(current, seen_at=None).select_related("endpoint").order_by("-pk"))


def see(*, notices: Sequence[int], by: Actor) -> int:
    """Somebody has seen these notices: they leave the pages. Returns how many; seeing twice changes nothing."""
    return Notice.objects.filter(pk__in=notices, seen_at=None).update(seen_at=now(), seen_by=by.name)
