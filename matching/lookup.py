"""What a batch of records is compared with: set-based look-ups by blocking key."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

import orjson

from matching.blocking import key_of, single_passes
from matching.known import Known, Pair, ordered
from mdm.compiled import FEW, prepared
from mdm.models import SourceState
from mdm.spec import Domain

# Where keys are kept. Those of a draft that is tried have a table of their own, with the same columns.
KEYS = "matching_matchkey"

# Of each key no more holders are read than tell whether it is held by too many. Asked for as a range in order: asked
# for one key, statistics that a bulk load has just made stale have all its holders read into a bitmap first.
_HOLDERS = """
SELECT held.ids
FROM (SELECT DISTINCT key FROM matching_matchkey WHERE source_record_id = ANY(%(ids)s::bigint[])) AS mine (key)
CROSS JOIN LATERAL (
  SELECT array_agg(source_record_id) FROM (
    SELECT source_record_id FROM matching_matchkey WHERE key BETWEEN mine.key AND mine.key
    ORDER BY key LIMIT %(cap)s::int + 1
  ) AS few
) held (ids)
WHERE cardinality(held.ids) BETWEEN 2 AND %(cap)s
"""
_SHARED = """
SELECT key, max(n) FROM (
  SELECT key, count(*) AS n FROM matching_matchkey WHERE key = ANY(%s::bigint[]) GROUP BY key, source
) counted GROUP BY key HAVING max(n) > 1
"""
COUNTED = 5000  # a value shared more often is as good as worthless, however often
COUNTED_FEW = """
SELECT asked.key, max(held.n) FROM unnest(%s::bigint[]) AS asked (key) CROSS JOIN LATERAL (
  SELECT count(*) AS n FROM (
    SELECT source FROM matching_matchkey WHERE key BETWEEN asked.key AND asked.key ORDER BY key LIMIT %s
  ) few GROUP BY source
) held GROUP BY asked.key HAVING max(held.n) > 1
"""


def pairs_of(domain: Domain, ids: Collection[int], table: str = KEYS) -> set[Pair]:
    """Every pair of one of these records and another that shares a key not held by too many. One query."""
    mine = set(ids)
    pairs: set[Pair] = set()
    with prepared(len(mine)) as cursor:
        cursor.execute(_HOLDERS.replace(KEYS, table), {"ids": list(mine), "cap": domain.matching.block_cap})
        for (holders,) in cursor.fetchall():
            pairs.update(ordered(a, b) for a in mine.intersection(holders) for b in holders if a != b)
    return pairs


def load(ids: Collection[int], probes: Collection[int] = ()) -> dict[int, Known]:
    """The prepared records of these ids with their golden record, retired ones left out. One query."""
    found: dict[int, Known] = {}
    if not ids:
        return found
    with prepared(len(ids)) as cursor:
        cursor.execute(
            """
            SELECT p.source_record_id, p.features, s.system_id, s.stub, l.record_id
            FROM matching_prepared p JOIN mdm_sourcerecord s ON s.id = p.source_record_id
            LEFT JOIN mdm_link l ON l.source_record_id = s.id AND l.ended_at IS NULL
            WHERE p.source_record_id = ANY(%s::bigint[]) AND s.state <> 'retired'
            """,
            [list(ids)],
        )
        for pk, features, system, stub, golden in cursor.fetchall():
            texts = {name: tuple(values) for name, values in orjson.loads(features).items()}
            found[pk] = Known(pk, system, texts, golden, stub, pk in probes)
    return found


def members_of(golden: Collection[UUID]) -> set[int]:
    """The source records linked to these golden records."""
    if not golden:
        return set()
    with prepared(len(golden)) as cursor:
        cursor.execute(
            "SELECT s.id FROM mdm_link l JOIN mdm_sourcerecord s ON s.id = l.source_record_id AND s.part = '' "
            "WHERE l.record_id = ANY(%s::uuid[]) AND l.ended_at IS NULL",
            [list(golden)],
        )
        return {pk for (pk,) in cursor.fetchall()}


def waiting_among(ids: Collection[int]) -> set[int]:
    """Those that wait and are not linked, locked; one another transaction works on is left out."""
    # By id alone: asked for together with the state, all that waits may be read for every batch.
    with prepared(len(ids)) as cursor:
        cursor.execute(
            "SELECT id, state FROM mdm_sourcerecord WHERE id = ANY(%s::bigint[]) FOR NO KEY UPDATE SKIP LOCKED",
            [list(ids)],
        )
        return {pk for pk, state in cursor.fetchall() if state == SourceState.WAITING}


def in_other_hands(ids: Collection[int]) -> set[int]:
    """Those of these source records that another transaction works on; the others are locked now."""
    with prepared(len(ids)) as cursor:
        cursor.execute(
            "SELECT id FROM mdm_sourcerecord WHERE id = ANY(%s::bigint[]) FOR NO KEY UPDATE SKIP LOCKED", [list(ids)]
        )
        return set(ids) - {pk for (pk,) in cursor.fetchall()}


def golden_in_other_hands(ids: Collection[UUID]) -> set[UUID]:
    """Those of these golden records that another transaction works on; the others are locked now."""
    with prepared(len(ids)) as cursor:
        cursor.execute(
            "SELECT id FROM mdm_goldenrecord WHERE id = ANY(%s::uuid[]) FOR NO KEY UPDATE SKIP LOCKED", [list(ids)]
        )
        return set(ids) - {pk for (pk,) in cursor.fetchall()}


def shared_texts(domain: Domain, known: Iterable[Known], table: str = KEYS) -> dict[tuple[str, str], int]:
    """(feature, text) -> how many records of one source share it, at most; only texts shared at all. One query."""
    matching = domain.matching
    weighed = {c.feature for c in matching.comparisons if c.rarity}
    passes = {name: number for name, number in single_passes(matching).items() if name in weighed}
    asked: dict[int, tuple[str, str]] = {
        key_of(domain.name, number, (text,)): (name, text)
        for one in known
        for name, number in passes.items()
        for text in one.features.get(name, ())
    }
    if not asked:
        return {}
    with prepared(len(asked)) as cursor:
        if len(asked) <= FEW:  # a batch reads the holders of its texts together
            cursor.execute(COUNTED_FEW.replace(KEYS, table), [list(asked), COUNTED])
        else:
            cursor.execute(_SHARED.replace(KEYS, table), [list(asked)])
        return {asked[key]: count for key, count in cursor.fetchall()}


def ruled_out(ids: Sequence[int] | Mapping[int, Known]) -> set[Pair]:
    """Pairs of these records a person ruled out and did not take back."""
    if len(ids) < 2:
        return set()
    with prepared(len(ids)) as cursor:
        cursor.execute(
            "SELECT first_id, second_id FROM matching_knownnonmatch "
            "WHERE first_id = ANY(%(ids)s::bigint[]) AND second_id = ANY(%(ids)s::bigint[]) AND withdrawn_at IS NULL",
            {"ids": list(ids)},
        )
        return set(cursor.fetchall())
