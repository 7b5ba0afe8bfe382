"""Finding what differs between what was told and what is held, and keeping it in the list until it is gone."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from mdm.masking import MASK
from mdm.models import GoldenState
from publishing.buckets import bucket_of
from publishing.comparing import compare_fields
from publishing.given import concealed, given, known_fields
from publishing.models import UNSETTLED, Difference, DifferenceKind, DifferenceState, DriftCheck, Endpoint

STANDING = (DifferenceState.OPEN, DifferenceState.SENT_AGAIN, DifferenceState.LEFT)
# Nobody misses a record that is merged away or was withdrawn: a target may keep it or drop it.
MISSED = (GoldenState.ACTIVE, GoldenState.RETIRED)
AT_ONCE = 500

# One snapshot: a delivery that settles meanwhile is seen either as unsettled or as held, never as neither.
PAIRS = """
WITH ours AS (
  SELECT h.record_id, h.version, h.seq, h.digest, h."left", h.acknowledged_at, g.state, g.domain
  FROM publishing_holding h JOIN mdm_goldenrecord g ON g.id = h.record_id
  WHERE h.endpoint_id = %(endpoint)s
    AND (%(whole)s OR h.bucket = ANY(%(buckets)s::int[]) OR h.record_id = ANY(%(records)s::uuid[]))
), theirs AS (
  SELECT * FROM publishing_told t
  WHERE t.check_run_id = %(check)s
    AND (%(whole)s OR t.bucket = ANY(%(buckets)s::int[]) OR t.record_id = ANY(%(records)s::uuid[]))
), pairs AS (
  SELECT coalesce(o.record_id, t.record_id) AS record_id, coalesce(t.their_id, '') AS their_id,
         o.record_id IS NOT NULL AS held, t.id IS NOT NULL AS told, o.version AS ours, t.version AS theirs,
         o.seq, o.state, o.domain, t.fields, o.acknowledged_at,
         o.digest <> '' AND t.digest <> '' AND o.digest = t.digest AS same,
         o.digest <> '' AND t.digest <> '' AND o.digest <> t.digest AS other
  FROM ours o FULL JOIN theirs t ON t.record_id = o.record_id
  WHERE o."left" IS NOT TRUE
    AND (t.id IS NOT NULL OR cardinality(%(domains)s::text[]) = 0 OR o.domain = ANY(%(domains)s::text[]))
)
SELECT p.record_id, p.their_id, p.held, p.told, p.ours, p.theirs, p.seq, p.state, coalesce(p.domain, g.domain),
       p.fields, p.other, g.id IS NOT NULL,
       p.acknowledged_at >= %(began)s OR EXISTS (
         SELECT 1 FROM publishing_delivery d
         WHERE d.endpoint_id = %(endpoint)s AND d.record_id = p.record_id AND d.state = ANY(%(unsettled)s))
FROM pairs p LEFT JOIN mdm_goldenrecord g ON g.id = p.record_id
WHERE NOT (p.held AND p.told) OR (p.theirs IS NOT NULL AND p.ours <> p.theirs) OR p.other
   OR (p.fields IS NOT NULL AND p.same IS NOT TRUE)
ORDER BY p.record_id, p.their_id
"""


@dataclass(frozen=True)
class Found:
    """One difference as it was found: of a record, or of one field of it."""

    kind: DifferenceKind
    record_id: UUID | None
    their_id: str = ""
    field: str = ""
    ours: Any = None
    theirs: Any = None
    our_version: int | None = None
    their_version: int | None = None

    @property
    def about(self) -> tuple[str, str]:
        """What makes it the same difference in another check: the record and the field."""
        return (str(self.record_id) if self.record_id else self.their_id, self.field)


@dataclass
class Finding:
    """What a comparison found, what it left out because it is on its way, and fields nobody knows."""

    found: list[Found]
    left_out: set[str]
    unknown_fields: set[str]


@dataclass(frozen=True)
class _Pair:
    """A record held or told that is not plainly the same on both sides."""

    record_id: UUID | None
    their_id: str
    held: bool
    told: bool
    ours: int | None
    theirs: int | None
    seq: int | None
    state: str | None
    domain: str | None
    fields: Mapping[str, Any] | None
    other: bool | None
    known: bool
    moving: bool


def find(
    check: DriftCheck, *, buckets: Collection[int] = (), records: Collection[UUID] = (), whole: bool = False
) -> Finding:
    """Compare what was told in this check with what is held, in these buckets and of these records; reads only."""
    finding = Finding([], set(), set())
    doubtful: list[_Pair] = []
    for pair in _pairs(check, buckets, records, whole=whole):
        if pair.moving:
            finding.left_out.add(str(pair.record_id))
        elif pair.held and pair.told and pair.ours is not None and (pair.theirs is None or pair.ours == pair.theirs):
            doubtful.append(pair)
        elif (found := _of_record(pair)) is not None:
            finding.found.append(found)
    for start in range(0, len(doubtful), AT_ONCE):
        _of_fields(check.endpoint, doubtful[start : start + AT_ONCE], finding)
    return finding


def _pairs(check: DriftCheck, buckets: Collection[int], records: Collection[UUID], *, whole: bool) -> Iterable[_Pair]:
    with connection.cursor() as cursor:
        cursor.execute(
            PAIRS,
            {
                "endpoint": check.endpoint_id,
                "check": check.pk,
                "began": check.started_at,
                "buckets": sorted(buckets),
                "records": sorted(records),
                "domains": check.domains,
                "unsettled": [str(state) for state in UNSETTLED],
                "whole": whole,
            },
        )
        rows = cursor.fetchall()
    for row in rows:
        values = list(row)
        values[9] = orjson.loads(values[9]) if isinstance(values[9], str) else values[9]
        yield _Pair(*values)


def _of_record(pair: _Pair) -> Found | None:
    """The difference of a record that one side lacks or has in another version."""
    if not pair.told and pair.state not in MISSED:
        return None
    if not pair.told:
        kind = DifferenceKind.MISSING
    elif not pair.held:
        kind = DifferenceKind.EXTRA
    else:
        kind = DifferenceKind.BEHIND if (pair.theirs or 0) < (pair.ours or 0) else DifferenceKind.ALTERED
    record_id = pair.record_id if pair.known else None
    return Found(kind, record_id, pair.their_id, our_version=pair.ours, their_version=pair.theirs)


def _of_fields(endpoint: Endpoint, pairs: Sequence[_Pair], finding: Finding) -> None:
    """Records of the same version whose content is not the same: field by field where the target told fields."""
    places = {pair.record_id: pair.seq for pair in pairs if pair.fields is not None and pair.record_id and pair.seq}
    contents, hidden = given(endpoint, places), concealed(endpoint, places)
    known = {domain: known_fields(endpoint, domain) for domain in {pair.domain for pair in pairs if pair.domain}}
    for pair in pairs:
        of_record = Found(
            DifferenceKind.ALTERED, pair.record_id, pair.their_id, our_version=pair.ours, their_version=pair.theirs
        )
        content = contents.get(pair.record_id) if pair.record_id else None
        if pair.fields is None or content is None:
            finding.found += [of_record] if pair.other else []
            continue
        compared = compare_fields(content, pair.fields, known.get(pair.domain or "", ()))
        finding.unknown_fields |= set(compared.unknown)
        if not compared.differing and pair.other and not compared.complete:
            finding.found.append(of_record)  # it differs in something the target did not tell
        secret = hidden.get(pair.record_id) if pair.record_id else None
        for one in compared.differing:
            dots = secret is None or any(one.field == name or name.startswith(f"{one.field}.") for name in secret)
            finding.found.append(
                Found(
                    DifferenceKind.ALTERED, pair.record_id, pair.their_id, one.field[:120],
                    MASK if dots else one.ours, MASK if dots else one.theirs, pair.ours, pair.theirs,
                )
            )  # fmt: skip


def keep(
    check: DriftCheck,
    finding: Finding,
    moment: datetime,
    *,
    buckets: Collection[int] = (),
    records: Collection[UUID] = (),
    whole: bool = False,
) -> int:
    """Bring the list of differences up to date for what was compared; returns how many are gone.

    A difference found again stays the one it was, one that was sent again and is still there is open again, and one
    that somebody left stays left until the target's value changes. The endpoint must be locked.
    """
    covered = [row for row in _standing(check) if _covers(row, buckets, records, whole=whole)]
    best: dict[tuple[str, str], Difference] = {}
    for row in sorted(covered, key=lambda row: STANDING.index(DifferenceState(row.state)), reverse=True):
        best[_about(row)] = row
    new: dict[tuple[str, str], Difference] = {}
    again, seen = [], set()
    for found in finding.found:
        known = best.get(found.about)
        if known is not None and (known.state != DifferenceState.LEFT or _same(known, found)):
            seen.add(known.pk)
            if known.state != DifferenceState.LEFT:
                again.append(_renewed(known, found, check))
        else:
            new.setdefault(found.about, _row(found, check, moment))
    Difference.objects.bulk_create(new.values(), batch_size=1000)
    Difference.objects.bulk_update(
        again,
        ["check_run", "kind", "ours", "theirs", "our_version", "their_version", "state", "settled_at", "settled_by"],
        batch_size=500,
    )
    gone = [row.pk for row in covered if row.pk not in seen and _about(row)[0] not in finding.left_out]
    return Difference.objects.filter(pk__in=gone).update(state=DifferenceState.GONE, settled_at=moment)


def _standing(check: DriftCheck) -> Iterable[Difference]:
    rows = Difference.objects.filter(endpoint_id=check.endpoint_id, state__in=STANDING)
    if check.domains:
        rows = rows.filter(record__domain__in=check.domains)
    return rows.order_by("pk")


def _covers(row: Difference, buckets: Collection[int], records: Collection[UUID], *, whole: bool) -> bool:
    return whole or row.record_id in records or bucket_of(row.record_id or row.their_id) in buckets


def _about(row: Difference) -> tuple[str, str]:
    return (str(row.record_id) if row.record_id else row.their_id, row.field)


def _same(row: Difference, found: Found) -> bool:
    """Whether what somebody left is still what the target has."""
    return (row.kind, row.theirs, row.their_version) == (found.kind, found.theirs, found.their_version)


def _renewed(row: Difference, found: Found, check: DriftCheck) -> Difference:
    row.check_run, row.kind = check, found.kind
    row.ours, row.theirs, row.our_version, row.their_version = (
        found.ours, found.theirs, found.our_version, found.their_version,
    )  # fmt: skip
    row.state, row.settled_at, row.settled_by = DifferenceState.OPEN, None, ""
    return row


def _row(found: Found, check: DriftCheck, moment: datetime) -> Difference:
    return Difference(
        check_run=check, endpoint_id=check.endpoint_id, record_id=found.record_id, their_id=found.their_id[:200],
        kind=found.kind, field=found.field, ours=found.ours, theirs=found.theirs, our_version=found.our_version,
        their_version=found.their_version, state=DifferenceState.OPEN, found_at=moment,
    )  # fmt: skip
