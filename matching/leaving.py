"""What the records of one file were not compared by, and why: for the page of that file. Reads only."""

from uuid import UUID

from django.db import connection

from matching.rules import in_force
from matching.rules_content import labels, pass_words
from mdm.spec import Domain

LOOKED = 500  # records of a file looked at: a page must not wait for a hundred thousand

_BATCH = """
WITH looked AS MATERIALIZED (
  SELECT s.id FROM mdm_sourcerecord s JOIN matching_prepared p ON p.source_record_id = s.id
  WHERE s.batch_id = %(batch)s AND s.domain = %(domain)s AND s.part = '' LIMIT %(looked)s
)
SELECT k.pass_number, count(DISTINCT looked.id), grouping(k.pass_number),
  count(DISTINCT looked.id) FILTER (WHERE k.id IS NULL)
FROM looked LEFT JOIN matching_matchkey k ON k.source_record_id = looked.id
WHERE k.id IS NULL OR (
  SELECT count(*) FROM (
    SELECT FROM matching_matchkey held WHERE held.key BETWEEN k.key AND k.key ORDER BY held.key LIMIT %(cap)s + 1
  ) few
) > %(cap)s
GROUP BY GROUPING SETS ((k.pass_number), ())
"""


def left_out(domain: Domain, batch_id: UUID) -> list[str]:
    """Sentences on the values too many records share to be compared by, and on records that say nothing comparable.

    At most ``LOOKED`` records of the file are looked at, and of each value no more holders than are too many.
    """
    domain = in_force(domain)
    cap, named = domain.matching.block_cap, labels(domain)
    with connection.cursor() as cursor:
        cursor.execute(_BATCH, {"batch": batch_id, "domain": domain.name, "looked": LOOKED, "cap": cap})
        rows = cursor.fetchall()
    silent = sum(blank for _, _, whole, blank in rows if whole)
    told = [
        f"{_records(count)} share {pass_words(named, domain.matching.blocking[number])} with more than {cap} others "
        "and were not compared by it: it tells none of them apart."
        for number, count, whole, _ in sorted(row for row in rows if row[0] is not None)
    ]
    if silent:
        told.append(f"{_records(silent)} say nothing that can be compared. Each is a golden record of its own.")
    return told


def _records(count: int) -> str:
    return f"At least {count:,} records" if count == LOOKED else f"{count:,} record{'s' * (count != 1)}"
