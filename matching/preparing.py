"""Features and blocking keys of source records, kept in PostgreSQL so that an arriving record makes one look-up."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction

from matching.blocking import keys
from matching.features import make_features
from matching.locking import share_preparing, wait_for_preparers
from matching.models import Prepared
from matching.rules import in_force
from matching.wordlist import learn, naming, words_of
from mdm import bulk
from mdm.compiled import prepared
from mdm.models import Link
from mdm.planning import by_index
from mdm.spec import Domain
from mdm.undisturbed import undisturbed

BATCH = 2000
FEW = 100  # more are worth plans of their own
_WAY = 2  # raised when the same declaration is prepared differently


def declaration(domain: Domain) -> str:
    """A digest of what features and keys are made of: when it changes, everything is prepared again."""
    return _told(domain.matching.features, domain.matching.blocking)


@lru_cache(maxsize=100)
def _told(*made_of: object) -> str:
    return blake2b(repr((_WAY, *made_of)).encode(), digest_size=8).hexdigest()


def prepare(
    domain: Domain, *, everything: bool = True, beyond: int = 0, call_help: Callable[[], None] | None = None
) -> int:
    """Prepare every record of the domain that is new, changed, or prepared by another declaration; how many.

    Without ``everything`` those that wait and those of another declaration, which are found without looking at all
    others: what else can be out of date is a changed record that a person's act took over before matching read it.
    Repeats without effect. Commits piece by piece; any number may prepare at once, each the next piece nobody else
    has in hand, and all return once the last of them is done. ``beyond``: only ids above that one are looked at.
    ``call_help`` is called once where there is much to do.
    """
    total = 0
    # What others had in hand is prepared by them, or, where they were stopped, found when looked for again.
    for query in (_ANYBODY if everything else _WAITING, _WAITING, _WAITING):
        missed = 0
        after: int | None = beyond
        while after is not None:
            with undisturbed(), transaction.atomic():
                share_preparing(domain)
                domain = in_force(domain)
                after, ids = _unprepared(query, domain, after)
                if len(ids) > FEW:
                    by_index()
                if query is _ANYBODY:
                    _judge_yet(ids)
                done = sum(_prepare(domain, ids[start : start + BATCH]) for start in range(0, len(ids), BATCH))
            total, missed = total + done, missed + len(ids) - done
            if call_help is not None and total >= BATCH:
                call_help()
                call_help = None
        if not missed:
            break
        with transaction.atomic():
            wait_for_preparers(domain)
    return total


# Up to which id was looked, and who of them is to be prepared. Ids are walked through in pieces whatever they are of:
# asked for the next of a domain, PostgreSQL may read and sort all of them each time.
_ANYBODY = """
WITH looked AS MATERIALIZED (
  SELECT id, system_id, domain, part, state, content_hash FROM mdm_sourcerecord
  WHERE id > %(after)s ORDER BY id LIMIT %(piece)s
)
SELECT (SELECT max(id) FROM looked), array_agg(s.id ORDER BY s.id) FROM looked s
JOIN mdm_sourcesystem system ON system.id = s.system_id AND NOT system.internal
LEFT JOIN matching_prepared p ON p.source_record_id = s.id
WHERE s.domain = %(domain)s AND s.part = '' AND s.state <> 'retired'
  AND (p.source_record_id IS NULL OR p.content_hash <> s.content_hash OR p.declaration <> %(told)s)
"""
_WAITING = """
SELECT max(id), array_agg(id ORDER BY id) FROM (
(SELECT s.id FROM mdm_sourcerecord s LEFT JOIN matching_prepared p ON p.source_record_id = s.id
 WHERE s.domain = %(domain)s AND s.id > %(after)s AND s.part = '' AND s.state = 'waiting'
   AND (p.source_record_id IS NULL OR p.content_hash <> s.content_hash)
 ORDER BY s.id LIMIT %(batch)s)
UNION
(SELECT source_record_id FROM matching_prepared
 WHERE domain = %(domain)s AND source_record_id > %(after)s AND (declaration < %(told)s OR declaration > %(told)s)
 ORDER BY source_record_id LIMIT %(batch)s)
ORDER BY 1 LIMIT %(batch)s
) due (id)
"""


def _unprepared(query: str, domain: Domain, after: int) -> tuple[int | None, list[int]]:
    """The id up to which was looked, none where nothing is left, and the next ids to prepare.

    To begin anew each time would read all that is prepared again and again.
    """
    asked: dict[str, Any] = {
        "domain": domain.name, "after": after, "told": declaration(domain), "batch": BATCH, "piece": 5 * BATCH,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(query, asked)
        last, ids = cursor.fetchone()
        return last, ids or []


# What was linked and changed, and a person's act took over before matching read it: it is still to be judged.
_UNREAD = """
UPDATE mdm_sourcerecord SET state = 'waiting' WHERE id IN (
  SELECT s.id FROM mdm_sourcerecord s JOIN matching_prepared p ON p.source_record_id = s.id
  WHERE s.id = ANY(%s::bigint[]) AND s.state = 'linked' AND p.content_hash <> s.content_hash
  FOR NO KEY UPDATE OF s SKIP LOCKED
)
"""


def _judge_yet(ids: Sequence[int]) -> None:
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(_UNREAD, [list(ids)])


class Content(NamedTuple):
    """What is read of a source record."""

    pk: int
    system_id: int
    stub: bool
    content_hash: str
    values: Mapping[str, Any]
    parts: Mapping[str, Any]


def _read(domain: Domain, ids: Sequence[int]) -> list[Content]:
    """Those of them that are still to be prepared and nobody else has in hand, locked."""
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT id, system_id, stub, content_hash, "values", parts FROM mdm_sourcerecord s '
            "WHERE id = ANY(%s) AND NOT EXISTS (SELECT FROM matching_prepared p WHERE p.source_record_id = s.id "
            "AND p.content_hash = s.content_hash AND p.declaration = %s) ORDER BY id FOR NO KEY UPDATE SKIP LOCKED",
            [list(ids), declaration(domain)],
        )
        return [
            Content(pk, system, stub, content, orjson.loads(values), orjson.loads(parts))
            for pk, system, stub, content, values, parts in cursor.fetchall()
        ]


def _prepare(domain: Domain, ids: Sequence[int]) -> int:
    records = _read(domain, ids)
    made = _make(domain, records)
    rows = _rows(domain, made)
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM matching_prepared WHERE source_record_id = ANY(%s)", [[record.pk for record in records]]
        )
    bulk.insert_plain(Prepared, rows)
    _store_keys(domain, made)
    # Last, as whoever learns the same word waits for the end of this transaction.
    learn(domain, (word for row in rows for word in row["words"]))
    return len(records)


def prepare_few(domain: Domain, records: Sequence[Content]) -> None:
    """Prepare the records that were just read, as ``prepare`` would, in one statement. Callers hold the lock."""
    if not records:
        return
    made = _make(domain, records)
    rows = _rows(domain, made)
    lines = [
        (record.pk, number, key, -record.system_id if record.stub else record.system_id)
        for record, features in made
        for number, key in set(keys(domain, features))
    ]
    asked: dict[str, Any] = {
        "ids": [record.pk for record in records],
        "domain": domain.name,
        "words": sorted({word for row in rows for word in row["words"]}),
        "rows": orjson.dumps(rows).decode(),
    }
    columns = ("owners", "numbers", "keys", "sources")
    with prepared() as cursor:
        cursor.execute(_FEW, asked | {name: [line[place] for line in lines] for place, name in enumerate(columns)})


_FEW = """
WITH gone AS (DELETE FROM matching_matchkey WHERE source_record_id = ANY(%(ids)s::bigint[])),
learnt AS (
  INSERT INTO matching_nameword (domain, word) SELECT %(domain)s, unnest(%(words)s::text[]) ON CONFLICT DO NOTHING
),
kept AS (
  INSERT INTO matching_prepared (source_record_id, domain, declaration, content_hash, features, words)
  SELECT source_record_id, domain, declaration, content_hash, features, words
  FROM json_to_recordset(%(rows)s::json) AS given
    (source_record_id bigint, domain text, declaration text, content_hash text, features jsonb, words text[])
  ON CONFLICT (source_record_id) DO UPDATE SET declaration = excluded.declaration,
    content_hash = excluded.content_hash, features = excluded.features, words = excluded.words
)
INSERT INTO matching_matchkey (source_record_id, pass_number, key, source)
SELECT * FROM unnest(%(owners)s::bigint[], %(numbers)s::smallint[], %(keys)s::bigint[], %(sources)s::int[])
"""


def features_of(domain: Domain, records: Sequence[Content]) -> dict[int, dict[str, tuple[str, ...]]]:
    """{source record: its comparable texts}, of content that need not be what is stored. One query at most."""
    return {record.pk: features for record, features in _make(domain, records)}


def _make(domain: Domain, records: Sequence[Content]) -> list[tuple[Content, dict[str, tuple[str, ...]]]]:
    golden = _references(records)
    return [(record, _features(domain, record, golden)) for record in records]


def _rows(domain: Domain, made: Sequence[tuple[Content, dict[str, tuple[str, ...]]]]) -> list[dict[str, Any]]:
    told, names = declaration(domain), naming(domain, domain.matching)
    return [
        {
            "source_record_id": record.pk,
            "domain": domain.name,
            "declaration": told,
            "content_hash": record.content_hash,
            "features": features,
            "words": words_of(names, features),
        }
        for record, features in made
    ]


def _features(
    domain: Domain, record: Content, golden: Mapping[tuple[str, str, str], str]
) -> dict[str, tuple[str, ...]]:
    def resolve(reference: Mapping[str, Any]) -> str | None:
        if "record" in reference:
            return str(reference["record"])
        return golden.get((reference.get("system", ""), reference["domain"], reference["key"]))

    return make_features(domain.matching, record.values, record.parts, resolve)


def _references(records: Sequence[Content]) -> dict[tuple[str, str, str], str]:
    """(system, domain, key) -> golden record, of every top-level reference these records make. One query."""
    wanted = {
        (value.get("system", ""), value["domain"], value["key"])
        for record in records
        for value in record.values.values()
        if isinstance(value, Mapping) and "key" in value
    }
    if not wanted:
        return {}
    systems, domains, texts = (list(column) for column in zip(*sorted(wanted), strict=True))
    links = Link.objects.filter(
        ended_at__isnull=True,
        source_record__system__code__in=set(systems),
        source_record__domain__in=set(domains),
        source_record__part="",
        source_record__key__in=set(texts),
    ).values_list("source_record__system__code", "source_record__domain", "source_record__key", "record_id")
    return {(system, domain, key): str(golden) for system, domain, key, golden in links}


def _store_keys(domain: Domain, made: Sequence[tuple[Content, dict[str, tuple[str, ...]]]]) -> None:
    lines = [
        f"{record.pk}\t{number}\t{key}\t{-record.system_id if record.stub else record.system_id}\n"
        for record, features in made
        for number, key in set(keys(domain, features))
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM matching_matchkey WHERE source_record_id = ANY(%s)", [[record.pk for record, _ in made]]
        )
        columns = "COPY matching_matchkey (source_record_id, pass_number, key, source) FROM STDIN"
        with cursor.copy(columns) as copy:
            copy.write("".join(lines))
