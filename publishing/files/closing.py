"""What follows from a file that is there: deliveries settled, holdings moved on, the run and the lane marked done.

Set by set, in one transaction under the lane's lock: it happens once or, for who lost the lane, not at all.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from django.db import connection

from publishing.buckets import bucket_of
from publishing.files.spooling import OLDER, PARKED, SKIPPED, WRITTEN, Note, notes_of
from publishing.models import Delivery, DeliveryState, Holding, Lane

IN_FILE = "In file {}."
ABSENT = "Not in the full file {}: the target sees by its absence that it is gone."

# A delivery is told by the version a file holds, or superseded by a newer one it holds.
TOLD = """
UPDATE publishing_delivery d
SET state = g.state, outcome_code = g.code, outcome = g.words, number = %(number)s,
    settled_at = CASE WHEN g.state = 'parked' THEN NULL ELSE %(moment)s::timestamptz END
FROM unnest(%(records)s::uuid[], %(seqs)s::bigint[], %(states)s::text[], %(codes)s::text[], %(words)s::text[])
     AS g(record_id, seq, state, code, words)
WHERE d.endpoint_id = %(endpoint)s AND d.record_id = g.record_id AND d.seq = g.seq
  AND d.state IN ('waiting', 'parked')
"""
SUPERSEDED = """
UPDATE publishing_delivery d SET state = 'superseded', settled_at = %(moment)s
FROM unnest(%(records)s::uuid[], %(seqs)s::bigint[]) AS g(record_id, seq)
WHERE d.endpoint_id = %(endpoint)s AND d.record_id = g.record_id AND d.seq < g.seq
  AND d.state IN ('waiting', 'parked')
"""
HELD = """
INSERT INTO publishing_holding AS h
    (endpoint_id, record_id, version, seq, local_id, acknowledged_at, bucket, digest, "left")
SELECT %(endpoint)s, g.record_id, g.version, g.seq, '', %(moment)s, g.bucket, g.digest, g.gone
FROM unnest(%(records)s::uuid[], %(versions)s::int[], %(seqs)s::bigint[], %(buckets)s::int[], %(digests)s::text[],
            %(gone)s::bool[]) AS g(record_id, version, seq, bucket, digest, gone)
ON CONFLICT (endpoint_id, record_id) DO UPDATE SET version = excluded.version, seq = excluded.seq,
    acknowledged_at = excluded.acknowledged_at, digest = excluded.digest, "left" = excluded."left"
WHERE h.seq <= excluded.seq OR %(full)s
"""
STATES = {
    WRITTEN: DeliveryState.DELIVERED,
    PARKED: DeliveryState.PARKED,
    SKIPPED: DeliveryState.SKIPPED,
    OLDER: DeliveryState.SUPERSEDED,
}


def settle(lane: Lane, folder: Path, moment: datetime, *, number: int | None, full: bool, through: int) -> int:
    """Write down what the notes of a run say; returns how many records its files hold.

    ``number`` is None where nothing had to be written. The lane is locked by the caller. Raises FileNotFoundError.
    """
    written = 0
    for notes in notes_of(folder):
        _tell(lane, notes, moment, number)
        written += _hold(lane, [note for note in notes if note.fate == WRITTEN], moment, full=full)
    if full and number is not None:
        _absent(lane, moment, number, through)
    return written


def _tell(lane: Lane, notes: Sequence[Note], moment: datetime, number: int | None) -> None:
    given: dict[str, Any] = {
        "endpoint": lane.endpoint_id,
        "moment": moment,
        "number": number,
        "records": [note.record_id for note in notes],
        "seqs": [note.seq for note in notes],
        "states": [str(STATES[note.fate]) for note in notes],
        "codes": ["ACCEPTED" if note.fate == WRITTEN else note.code for note in notes],
        "words": [IN_FILE.format(number) if note.fate == WRITTEN else note.words for note in notes],
    }
    with connection.cursor() as cursor:
        cursor.execute(SUPERSEDED, given)
        cursor.execute(TOLD, given)


def _hold(lane: Lane, notes: Sequence[Note], moment: datetime, *, full: bool) -> int:
    if not notes:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(
            HELD,
            {
                "endpoint": lane.endpoint_id,
                "moment": moment,
                "full": full,
                "records": [note.record_id for note in notes],
                "versions": [note.version for note in notes],
                "seqs": [note.seq for note in notes],
                "buckets": [bucket_of(note.record_id) for note in notes],
                "digests": [note.digest for note in notes],
                "gone": [note.left for note in notes],
            },
        )
    return len(notes)


def _absent(lane: Lane, moment: datetime, number: int, through: int) -> None:
    """What a full file does not hold is gone for its target; whatever still waited up to there is told by that."""
    rest = Delivery.objects.filter(endpoint_id=lane.endpoint_id, state=DeliveryState.WAITING, seq__lte=through)
    rest.update(
        state=DeliveryState.DELIVERED, settled_at=moment, number=number, outcome_code="ACCEPTED",
        outcome=ABSENT.format(number),
    )  # fmt: skip
    Holding.objects.filter(endpoint_id=lane.endpoint_id, left=False, acknowledged_at__lt=moment).update(
        left=True, acknowledged_at=moment
    )


def names_of(files: Iterable[dict[str, str]]) -> list[str]:
    """Every name of a run in the order they are revealed: all files, then the control files that say they are whole."""
    listed = list(files)
    return [file["name"] for file in listed] + [file["control"] for file in listed if file.get("control")]
