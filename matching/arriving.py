"""What waits where it is little: looked for, locked and prepared in as few round trips as one record needs that arrives
alone. Plans for few rows are taken as they are, without weighing each time whether others were better.
"""

from typing import NamedTuple
from uuid import UUID

import orjson

from matching.preparing import Content, declaration, prepare_few
from mdm.compiled import prepared
from mdm.spec import Domain

MOST = 20

# The first and the last declaration, in the order of their index: asked whether there is any other one than ours,
# PostgreSQL expects many, and reads the whole table to find none.
_LOOK = """
SELECT set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true),
  (SELECT declaration FROM matching_prepared WHERE domain = %(domain)s ORDER BY domain, declaration LIMIT 1),
  (SELECT declaration FROM matching_prepared WHERE domain = %(domain)s ORDER BY domain DESC, declaration DESC LIMIT 1)
"""
# Asked once it is known that few others wait. OFFSET 0 keeps it to the index of what waits.
_PARTS = """
SELECT EXISTS (SELECT FROM (
  SELECT part FROM mdm_sourcerecord WHERE domain = %s AND state = 'waiting' OFFSET 0
) waiting WHERE part <> '')
"""
_CLAIM = """
SELECT s.id, s.system_id, s.stub, s.content_hash, s."values", s.parts,
  (SELECT l.record_id FROM mdm_link l WHERE l.source_record_id = s.id AND l.ended_at IS NULL),
  (SELECT p.content_hash FROM matching_prepared p WHERE p.source_record_id = s.id)
FROM mdm_sourcerecord s WHERE s.domain = %s AND s.state = 'waiting' AND s.part = ''
ORDER BY s.id LIMIT %s FOR NO KEY UPDATE OF s SKIP LOCKED
"""


_COUNT = """
SELECT count(*) FROM (
  SELECT FROM mdm_sourcerecord WHERE domain = %s AND state = 'waiting' AND part = '' LIMIT %s
) few
"""


class Few(NamedTuple):
    """Source records that wait, each with the golden record it is linked to; and whether part rows wait too."""

    claimed: dict[int, UUID | None]
    parts: bool


def few_wait(domain: Domain) -> bool:
    """Whether no more than ``MOST`` records wait, as far as can be seen without waiting for anybody."""
    with prepared() as cursor:
        cursor.execute(_COUNT, [domain.name, MOST + 1])
        return bool(cursor.fetchone()[0] <= MOST)


def claim_few(domain: Domain) -> Few | None:
    """Everything that waits in the domain, locked and prepared; for the rest of the transaction plans are not weighed.

    None where more than ``MOST`` records wait, or records are prepared by another declaration: work for batches.
    Callers hold the domain's lock.
    """
    with prepared() as cursor:
        cursor.execute(_LOOK, {"domain": domain.name})
        *_, first, last = cursor.fetchone()
        if {first, last} - {None, declaration(domain)}:
            return None
        cursor.execute(_CLAIM, [domain.name, MOST + 1])
        rows = cursor.fetchall()
        if len(rows) > MOST:
            return None
        cursor.execute(_PARTS, [domain.name])
        (parts,) = cursor.fetchone()
    prepare_few(
        domain,
        [
            Content(pk, system, stub, content, orjson.loads(values), orjson.loads(rows_of_parts))
            for pk, system, stub, content, values, rows_of_parts, _, known in rows
            if known != content
        ],
    )
    return Few({pk: golden for pk, *_, golden, _ in rows}, parts)
