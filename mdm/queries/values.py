"""Reading typed columns as JSON values, references with code and title, all in the query that reads the row."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import connection

from mdm.masking import masked
from mdm.models import GoldenRecord
from mdm.queries.shapes import Reference
from mdm.spec import Attribute, Kind
from mdm.values import plain

REFERENCE_COLUMNS = ("id", "code", "title", "domain", "state")


def columns(attributes: Iterable[Attribute]) -> list[str]:
    """What to name in ``.values()`` so that ``read`` finds everything it needs."""
    names: list[str] = []
    for attribute in attributes:
        if attribute.kind is Kind.REFERENCE:
            names += [f"{attribute.name}__{column}" for column in REFERENCE_COLUMNS]
        else:
            names.append(attribute.name)
    return names


def read(attributes: Iterable[Attribute], row: Mapping[str, Any], *, reveal: bool = False) -> dict[str, Any]:
    """{attribute: JSON value or Reference} of a row read with ``columns``; blanks None, restricted ones masked."""
    found: dict[str, Any] = {}
    for attribute in attributes:
        if attribute.kind is Kind.REFERENCE:
            found[attribute.name] = _reference(attribute.name, row)
        else:
            value = plain(row[attribute.name])
            found[attribute.name] = value if reveal else masked(attribute, value)
    return found


def _reference(name: str, row: Mapping[str, Any]) -> Reference | None:
    values = [row[f"{name}__{column}"] for column in REFERENCE_COLUMNS]
    return Reference(*values) if values[0] else None


def reference_to(record: GoldenRecord) -> Reference:
    """The record as one shows it elsewhere."""
    return Reference(record.pk, record.code, record.title, record.domain, record.state)


def references_to(record_ids: Iterable[UUID]) -> dict[UUID, Reference]:
    """{id: reference} in one query; unknown ids are absent."""
    wanted = set(record_ids)
    if not wanted:
        return {}
    rows = GoldenRecord.objects.filter(pk__in=wanted).values_list(*REFERENCE_COLUMNS)
    return {row[0]: Reference(*row) for row in rows}


def holders(record_ids: Iterable[UUID]) -> dict[UUID, Reference]:
    """{asked id: the record that holds its facts now}, through any number of merges, in one query."""
    wanted = list(set(record_ids))
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH RECURSIVE road (asked, id, onward) AS (
                SELECT id, id, merged_into_id FROM mdm_goldenrecord WHERE id = ANY(%s)
                UNION
                SELECT road.asked, next.id, next.merged_into_id
                FROM road JOIN mdm_goldenrecord next ON next.id = road.onward
            )
            SELECT road.asked, golden.id, golden.code, golden.title, golden.domain, golden.state
            FROM road JOIN mdm_goldenrecord golden ON golden.id = road.id WHERE road.onward IS NULL
            """,
            [wanted],
        )
        return {row[0]: Reference(*row[1:]) for row in cursor.fetchall()}
