"""Reporting a suspected duplicate: it becomes a question in the queue, which somebody else decides."""

from collections.abc import Iterable
from uuid import UUID

from django.contrib.auth.models import User

from matching import reporting
from matching.models import MatchCandidate
from mdm.cause import LONGEST_REASON
from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound, Refused
from mdm.mastering import follow_merges
from mdm.models import GoldenRecord
from mdm.retrying import atomic
from stewardship.models import Report


@atomic
def report_duplicate(*, first: UUID, second: UUID, reason: str, user: User) -> Report:
    """Say that two records may be one. The question about both that waits, or a new one, is then reported.

    Merges are followed. Locks both records. Reported again by the same person it stays as it was said first. Raises
    NotFound, Refused (they are one already, or of two domains), Invalid (no reason, or a long one).
    """
    holders = follow_merges([first, second])
    wanted = {holders.get(first, first), holders.get(second, second)}
    locked = GoldenRecord.objects.select_for_update(no_key=True).filter(pk__in=wanted).order_by("pk")
    records = {record.pk: record for record in locked}
    if len(records) != len(wanted):
        raise NotFound("One of these records does not exist.", "Search for it by name, code or identifier.")
    if len(wanted) < 2:
        raise Refused("These two are one record already.", "Choose another one.")
    one, other = records[holders.get(first, first)], records[holders.get(second, second)]
    if one.domain != other.domain:
        raise Refused("Records of different domains cannot be one.", "Choose a record of the same domain.")
    words = reason.replace("\x00", "").strip()
    if not words:
        raise Invalid("A reason is missing.", "", [("reason", "Say why you think so: a steward reads it.")])
    if len(words) > LONGEST_REASON:
        raise Invalid("The reason is too long.", "", [("reason", f"Say it in at most {LONGEST_REASON} characters.")])
    candidate = reporting.ask(domain=BY_NAME[one.domain], first=one.pk, second=other.pk)
    made, _ = Report.objects.get_or_create(
        candidate=candidate, reported_by=user, defaults={"first": one, "second": other, "reason": words}
    )
    return made


def of_question(candidate: MatchCandidate) -> Iterable[Report]:
    """Who reported a question, the first one first. One query, none where nobody did."""
    if not candidate.reported:
        return ()
    return candidate.reports.select_related("reported_by").order_by("pk")


def require_another(candidate: MatchCandidate, user: User) -> None:
    """Raise Refused for whoever reported the question: somebody else decides it."""
    if candidate.reported and candidate.reports.filter(reported_by=user).exists():
        raise Refused("You reported this yourself.", "Ask a colleague to decide it.")
