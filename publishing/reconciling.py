"""Comparing a target with the hub without moving everything: buckets first, then the records of those that differ.

The same steps whether the target sends what it holds or the hub asks it (``publishing.asking``). What is still on its
way is no difference: records with an unsettled delivery, and those acknowledged since the check began, are left out.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from mdm import bulk
from mdm.errors import Invalid, NotFound, WrongState
from publishing import differences
from publishing.buckets import bucket_of
from publishing.clock import now
from publishing.differences import Finding, Found
from publishing.models import (
    UNSETTLED,
    Compared,
    Delivery,
    Difference,
    DifferenceKind,
    DifferenceState,
    DriftCheck,
    Endpoint,
    Holding,
    JobState,
    Told,
)

BUCKETS = 4096
TOLD_AT_MOST = 10_000
GIVEN_UP_AFTER = timedelta(hours=24)

# A bucket as both sides hash it: `id:version:digest` and a line feed for each record, by id; the digest is left out
# where versions alone are compared.
OURS = """
SELECT h.bucket, count(*), encode(sha256(convert_to(string_agg(
         h.record_id::text || ':' || h.version || ':' || CASE WHEN %(content)s THEN h.digest ELSE '' END || E'\\n', ''
         ORDER BY h.record_id), 'UTF8')), 'hex')
FROM publishing_holding h
WHERE h.endpoint_id = %(endpoint)s AND NOT h."left" AND (cardinality(%(domains)s::text[]) = 0 OR EXISTS (
  SELECT 1 FROM mdm_goldenrecord g WHERE g.id = h.record_id AND g.domain = ANY(%(domains)s::text[])))
GROUP BY h.bucket
"""


@dataclass(frozen=True)
class Theirs:
    """One record as the target says it holds it. ``id`` is the hub's; where it has none, ``local_id`` is looked up."""

    id: str
    version: int | None = None
    digest: str = ""
    fields: Mapping[str, Any] | None = None
    local_id: str = ""


@dataclass(frozen=True)
class Begun:
    """A check begun: which buckets differ, and which of those the hub holds nothing in."""

    check: DriftCheck
    differing: Sequence[int]
    expected_empty: Sequence[int]


@dataclass(frozen=True)
class Heard:
    """What telling some records came to. ``ask`` are ids worth sending again with their fields."""

    check: DriftCheck
    found: Sequence[Found]
    left_out: Sequence[str]
    ask: Sequence[str]
    unknown_fields: Sequence[str]


@transaction.atomic
def begin(
    *,
    endpoint: Endpoint,
    by: str,
    compares: Compared = Compared.CONTENT,
    domains: Sequence[str] = (),
    buckets: Mapping[int, str] | None = None,
) -> Begun:
    """Compare the digests of buckets; those that are equal are done with, the others wait to be told record by record.

    A bucket the target does not name is empty there; without ``buckets`` all of them are to be told. Locks the
    endpoint; beginning again opens another check.
    """
    moment = now()
    Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    ours = our_buckets(endpoint, compares, domains)
    if buckets is None:
        differing = list(range(BUCKETS))
    else:
        named = {number for number, digest in buckets.items() if digest} | ours.keys()
        differing = sorted(n for n in named if ours.get(n, (0, ""))[1] != buckets.get(n, ""))
    check = DriftCheck.objects.create(
        endpoint=endpoint, by=by[:150], via="sent", compares=compares, domains=list(domains), started_at=moment,
        open_buckets=differing, compared=sum(count for count, _ in ours.values()), buckets_differing=len(differing),
        left_out=moving(endpoint),
    )  # fmt: skip
    equal = frozenset(range(BUCKETS)) - frozenset(differing)
    differences.keep(check, Finding([], set(), set()), moment, buckets=equal)
    _finish(check, moment)
    return Begun(check, differing, [] if buckets is None else [n for n in differing if n not in ours])


def our_buckets(endpoint: Endpoint, compares: str, domains: Sequence[str] = ()) -> dict[int, tuple[int, str]]:
    """{bucket: (records, digest)} of what the endpoint acknowledged. One query."""
    with connection.cursor() as cursor:
        given: dict[str, Any] = {"endpoint": endpoint.pk, "domains": list(domains)}
        cursor.execute(OURS, given | {"content": compares == Compared.CONTENT})
        return {bucket: (count, digest) for bucket, count, digest in cursor.fetchall()}


def moving(endpoint: Endpoint) -> int:
    """How many records have something on its way to the endpoint, and so are not compared."""
    unsettled = Delivery.objects.filter(endpoint=endpoint, state__in=UNSETTLED)
    return unsettled.values("record_id").distinct().count()


@transaction.atomic
def tell(*, check: DriftCheck, records: Sequence[Theirs], buckets: Collection[int] | None = ()) -> Heard:
    """Take down records the target holds, and compare the buckets it has now told completely (None: all of them).

    A record of a bucket told before is compared at once, so that fields may follow. Telling a record again replaces
    what was told of it. The check is done when no bucket is left. Locks the endpoint and the check. Raises Invalid
    for too many at once, WrongState for a check that ended otherwise.
    """
    if len(records) > TOLD_AT_MOST:
        raise Invalid(
            f"These are {len(records)} records.", f"Send at most {TOLD_AT_MOST} at a time.",
            [("records", f"At most {TOLD_AT_MOST} at a time.")],
        )  # fmt: skip
    endpoint = Endpoint.objects.select_for_update(no_key=True).get(pk=check.endpoint_id)
    row = DriftCheck.objects.select_for_update(no_key=True).get(pk=check.pk)
    if row.state not in (JobState.RUNNING, JobState.DONE):
        raise WrongState(f"This check is {row.get_state_display().lower()}.", "Begin a new one with step 1.")
    row.endpoint = endpoint
    moment = now()
    told = take_down(row, records)
    row.told += len(records)
    return _compare(row, told, row.open_buckets if buckets is None else buckets, moment)


def _compare(row: DriftCheck, told: Sequence[Told], buckets: Collection[int], moment: datetime) -> Heard:
    open_before = set(row.open_buckets)
    row.open_buckets = sorted(open_before - set(buckets))
    still_open = set(row.open_buckets)
    later = {one.record_id for one in told if one.record_id and one.bucket not in {*still_open, *buckets}}
    finding = differences.find(row, buckets=buckets, records=later)
    differences.keep(row, finding, moment, buckets=buckets, records=later)
    _finish(row, moment)
    ask = [
        str(found.record_id)
        for found in finding.found
        if found.kind == DifferenceKind.ALTERED and not found.field and found.record_id
    ]
    return Heard(row, finding.found, sorted(finding.left_out), ask, sorted(finding.unknown_fields))


def compare_all(row: DriftCheck) -> None:
    """Compare everything told in this check, which is everything the target holds in the buckets that differ.

    The endpoint and the check must be locked.
    """
    moment = now()
    asked = frozenset(row.open_buckets)
    whole = len(asked) == BUCKETS
    finding = differences.find(row, buckets=asked, whole=whole)
    # Buckets that were equal have no difference any more, so the whole list is brought up to date.
    differences.keep(row, finding, moment, whole=True)
    row.open_buckets = []
    _finish(row, moment)


def take_down(check: DriftCheck, records: Sequence[Theirs]) -> list[Told]:
    """Keep what was told of these records in this check, the last word about each winning. Two statements."""
    by_local_id = _by_local_id(check.endpoint_id, [one.local_id for one in records if not one.id and one.local_id])
    rows: dict[str, Told] = {}
    for one in records:
        known = one.id or str(by_local_id.get(one.local_id, "")) or one.local_id
        record_id = _uuid(known)
        their_id = (str(record_id) if record_id else known)[:200]
        rows[their_id] = Told(
            check_run=check, their_id=their_id, record_id=record_id, bucket=bucket_of(record_id or their_id),
            version=one.version, digest=one.digest.lower(), fields=one.fields, local_id=one.local_id,
        )  # fmt: skip
    Told.objects.filter(check_run=check, their_id__in=list(rows)).delete()
    bulk.insert(list(rows.values()))
    return list(rows.values())


def _by_local_id(endpoint_id: UUID, local_ids: Sequence[str]) -> dict[str, UUID]:
    if not local_ids:
        return {}
    held = Holding.objects.filter(endpoint_id=endpoint_id, local_id__in=local_ids)
    return dict(held.values_list("local_id", "record_id"))


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _finish(row: DriftCheck, moment: datetime) -> None:
    """Write the check down as it stands now, done where no bucket is left to be told."""
    if not row.open_buckets:
        row.state, row.finished_at = JobState.DONE, row.finished_at or moment
        Told.objects.filter(check_run=row).delete()
    found = Difference.objects.filter(check_run=row, state=DifferenceState.OPEN)
    row.differing = found.values("record_id", "their_id").distinct().count()
    row.save(update_fields=["open_buckets", "told", "differing", "state", "finished_at"])


def check_of(endpoint: Endpoint, pk: int) -> DriftCheck:
    """A check this endpoint began. Raises NotFound."""
    check = DriftCheck.objects.filter(pk=pk, endpoint=endpoint, via="sent").first()
    if check is None:
        raise NotFound("This system began no such check.", "Begin one: send the digests of your buckets.")
    return check


def give_up_old() -> int:
    """End checks whose target stopped telling a day ago; returns how many. Repeating ends none."""
    old = DriftCheck.objects.filter(via="sent", state=JobState.RUNNING, started_at__lt=now() - GIVEN_UP_AFTER)
    ids = list(old.values_list("pk", flat=True))
    Told.objects.filter(check_run_id__in=ids).delete()
    return DriftCheck.objects.filter(pk__in=ids, state=JobState.RUNNING).update(
        state=JobState.FAILED, error="The target told no more for a day.", finished_at=now()
    )
