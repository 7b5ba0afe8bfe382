"""What a batch of records is compared with: set-based look-ups by blocking key."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from uuid import UUID

from django.db import connection

from matching.blocking import key_of, single_passes
from matching.known import Known, Pair, ordered
from matching.models import KnownNonMatch, Prepared
from mdm.models import Link, SourceRecord, SourceState
from mdm.spec import Domain


# Where keys are kept. Those of a draft that is tried have a table of their own, with the same columns.
KEYS = "matching_matchkey"

_PAIRS = """
WITH mine AS MATERIALIZED (
  SELECT key, source_record_id FROM matching_matchkey WHERE source_record_id = ANY(%(ids)s)
), usable AS MATERIALIZED (
  SELECT k.key FROM matching_matchkey k WHERE k.key IN (SELECT key FROM mine)
  GROUP BY k.key HAVING count(*) BETWEEN 2 AND %(cap)s
)
SELECT DISTINCT mine.source_record_id, other.source_record_id
FROM mine JOIN usable USING (key) JOIN matching_matchkey other USING (key)
WHERE other.source_record_id <> mine.source_record_id
"""
_SHARED = """
SELECT key, max(n) FROM (
  SELECT key, count(*) AS n FROM matching_matchkey WHERE key = ANY(%s) GROUP BY key, source
) counted GROUP BY key HAVING max(n) > 1
"""


def pairs_of(domain: Domain, ids: Collection[int], table: str = KEYS) -> set[Pair]:
    """Every pair of one of these records and another that shares a key not held by too many. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_PAIRS.replace(KEYS, table), {"ids": list(ids), "cap": domain.matching.block_cap})
        return {ordered(a, b) for a, b in cursor.fetchall()}


def load(ids: Collection[int], probes: Collection[int] = ()) -> dict[int, Known]:
    """The prepared records of these ids with their golden record, retired ones left out. Two queries."""
    golden: dict[int, UUID] = dict(
        Link.objects.filter(source_record_id__in=ids, ended_at__isnull=True).values_list(
            "source_record_id", "record_id"
        )
    )
    rows = (
        Prepared.objects.filter(source_record_id__in=ids)
        .exclude(source_record__state=SourceState.RETIRED)
        .values_list("source_record_id", "features", "source_record__system_id", "source_record__stub")
    )
    found = {}
    for pk, features, system, stub in rows:
        texts = {name: tuple(values) for name, values in features.items()}
        found[pk] = Known(pk, system, texts, golden.get(pk), stub, pk in probes)
    return found


def members_of(golden: Collection[UUID]) -> set[int]:
    """The source records linked to these golden records."""
    links = Link.objects.filter(record_id__in=golden, ended_at__isnull=True, source_record__part="")
    return set(links.values_list("source_record_id", flat=True))


def waiting_among(ids: Collection[int]) -> set[int]:
    """Those that wait and are not linked, locked; one another transaction works on is left out."""
    records = SourceRecord.objects.select_for_update(skip_locked=True, no_key=True, of=("self",)).filter(
        pk__in=ids, state=SourceState.WAITING
    )
    return set(records.values_list("pk", flat=True))


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
    with connection.cursor() as cursor:
        cursor.execute(_SHARED.replace(KEYS, table), [list(asked)])
        return {asked[key]: count for key, count in cursor.fetchall()}


def ruled_out(ids: Sequence[int] | Mapping[int, Known]) -> set[Pair]:
    """Pairs of these records a person ruled out and did not take back."""
    found = KnownNonMatch.objects.filter(first__in=list(ids), second__in=list(ids), withdrawn_at__isnull=True)
    return set(found.values_list("first_id", "second_id"))
