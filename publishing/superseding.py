"""Where only the latest state counts, a newer version takes the place of older ones that still wait or are parked."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection

# The newest takes the oldest's rank, so that a record changed often is not pushed to the end of the lane, and, where
# its own text is not frozen yet, the number its target has not been given: a number left out would look like a loss.
SQL = """
WITH newest AS (
    SELECT record_id, max(seq) AS seq FROM publishing_delivery
    WHERE endpoint_id = %(endpoint)s AND record_id = ANY(%(records)s) AND state = 'waiting' GROUP BY record_id
), older AS (
    UPDATE publishing_delivery d SET state = 'superseded', settled_at = %(moment)s FROM newest n
    WHERE d.endpoint_id = %(endpoint)s AND d.record_id = n.record_id AND d.seq < n.seq
    AND d.state IN ('waiting', 'parked')
    RETURNING d.record_id, d.rank, CASE WHEN d.replayed THEN NULL ELSE d.number END AS number
), place AS (
    SELECT record_id, newest.seq, min(rank) AS rank, max(number) AS number
    FROM older JOIN newest USING (record_id) GROUP BY record_id, newest.seq
)
UPDATE publishing_delivery d SET rank = least(d.rank, place.rank),
    number = CASE WHEN d.body = '' THEN coalesce(place.number, d.number) ELSE d.number END
FROM place WHERE d.endpoint_id = %(endpoint)s AND d.record_id = place.record_id AND d.seq = place.seq
"""


def supersede(endpoint_id: UUID, records: Iterable[UUID], moment: datetime) -> None:
    """Of each of these records only the newest waiting delivery is left; what is on its way is let arrive."""
    asked = list(set(records))
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(SQL, {"endpoint": endpoint_id, "records": asked, "moment": moment})
