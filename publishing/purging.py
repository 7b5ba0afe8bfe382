"""Settled deliveries go after a while: they are no history, the log is. What each target holds stays."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import connection

from publishing.clock import now
from publishing.models import Endpoint

BATCH = 2000

# One page of old settled deliveries, in the order of `delivery_settled`. Kept are the one by which a target holds its
# record, for drift and for "where is this now", and whatever a person acted on: that is evidence.
PAGE = """
WITH page AS (
    SELECT id, endpoint_id, record_id, seq, settled_at FROM publishing_delivery
    WHERE endpoint_id = %(endpoint)s AND settled_at < %(before)s AND (settled_at, id) > (%(after)s, %(after_id)s)
    AND state IN ('delivered', 'superseded', 'skipped')
    ORDER BY settled_at, id LIMIT %(limit)s
), gone AS (
    DELETE FROM publishing_delivery d USING page
    WHERE d.id = page.id AND d.settled_at < %(before)s
    AND NOT EXISTS (
        SELECT FROM publishing_holding h
        WHERE h.endpoint_id = page.endpoint_id AND h.record_id = page.record_id AND h.seq = page.seq
    )
    AND NOT EXISTS (SELECT FROM publishing_intervention i WHERE i.delivery_id = page.id)
    RETURNING d.id
)
SELECT (SELECT count(*) FROM gone), page.settled_at, page.id FROM page
ORDER BY page.settled_at DESC, page.id DESC LIMIT 1
"""


def purge(*, keep: timedelta | None = None) -> int:
    """Delete deliveries settled longer ago than ``keep`` (by default as long as the settings say). Returns how many.

    In small batches, each a transaction of its own, so nobody waits for it; killed at any point it goes on the next
    night. Never what waits, is on its way or parked. A replay of what was deleted makes the delivery anew.
    """
    before = now() - (timedelta(days=settings.DELIVERY_DAYS) if keep is None else keep)
    return sum(_purge(endpoint_id, before) for endpoint_id in Endpoint.objects.values_list("pk", flat=True))


def _purge(endpoint_id: UUID, before: datetime) -> int:
    total, after, after_id = 0, before - timedelta(days=36_500), 0
    while True:
        with connection.cursor() as cursor:
            cursor.execute(
                PAGE,
                {"endpoint": endpoint_id, "before": before, "after": after, "after_id": after_id, "limit": BATCH},
            )
            row = cursor.fetchone()
        if row is None:
            return total
        deleted, after, after_id = row
        total += deleted
