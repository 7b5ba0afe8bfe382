"""Features and blocking keys of source records, kept in PostgreSQL so that an arriving record makes one look-up."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

import orjson
from django.db import connection, transaction

from matching.blocking import keys
from matching.features import make_features
from matching.locking import hold
from matching.models import Prepared
from matching.rules import in_force
from matching.wordlist import learn, naming, words_of
from mdm import bulk
from mdm.models import Link
from mdm.spec import Domain
from mdm.undisturbed import undisturbed

BATCH = 2000
_WAY = 2  # raised when the same declaration is prepared differently


def declaration(domain: Domain) -> str:
    """A digest of what features and keys are made of: when it changes, everything is prepared again."""
    told = repr((_WAY, domain.matching.features, domain.matching.blocking)).encode()
    return blake2b(told, digest_size=8).hexdigest()


def prepare(domain: Domain, *, everything: bool = True) -> int:
    """Prepare every record of the domain that is new, changed, or prepared by another declaration; how many.

    Without ``everything`` those that wait and those of another declaration, which are found without looking at all
    others: what else can be out of date is a changed record that a person's act took over before matching read it.
    Repeats without effect. Commits batch by batch, each under the domain's lock.
    """
    total = 0
    after: int | None = 0
    while after is not None:
        with undisturbed(), transaction.atomic():
            hold(domain)
            domain = in_force(domain)
            after, ids = _unprepared(_ANYBODY if everything else _WAITING, domain, after)
            for start in range(0, len(ids), BATCH):
                _prepare(domain, ids[start : start + BATCH])
        total += len(ids)
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


class _Record(NamedTuple):
    """What is read of a source record."""

    pk: int
    system_id: int
    stub: bool
    content_hash: str
    values: Mapping[str, Any]
    parts: Mapping[str, Any]


def _read(ids: Sequence[int]) -> list[_Record]:
    with connection.cursor() as cursor:
        cursor.execute(
            'SELECT id, system_id, stub, content_hash, "values", parts FROM mdm_sourcerecord '
            "WHERE id = ANY(%s) ORDER BY id",
            [list(ids)],
        )
        return [
            _Record(pk, system, stub, content, orjson.loads(values), orjson.loads(parts))
            for pk, system, stub, content, values, parts in cursor.fetchall()
        ]


def _prepare(domain: Domain, ids: Sequence[int]) -> None:
    records = _read(ids)
    golden = _references(records)
    made = [(record, _features(domain, record, golden)) for record in records]
    told, names = declaration(domain), naming(domain, domain.matching)
    rows: list[dict[str, Any]] = [
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
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM matching_prepared WHERE source_record_id = ANY(%s)", [list(ids)])
    bulk.insert_plain(Prepared, rows)
    learn(domain, (word for row in rows for word in row["words"]))
    _store_keys(domain, made)


def _features(
    domain: Domain, record: _Record, golden: Mapping[tuple[str, str, str], str]
) -> dict[str, tuple[str, ...]]:
    def resolve(reference: Mapping[str, Any]) -> str | None:
        if "record" in reference:
            return str(reference["record"])
        return golden.get((reference.get("system", ""), reference["domain"], reference["key"]))

    return make_features(domain.matching, record.values, record.parts, resolve)


def _references(records: Sequence[_Record]) -> dict[tuple[str, str, str], str]:
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


def _store_keys(domain: Domain, made: Sequence[tuple[_Record, dict[str, tuple[str, ...]]]]) -> None:
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
