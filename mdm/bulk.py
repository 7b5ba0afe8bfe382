"""Writing many rows of a model in one statement: the rows travel as one JSON document.

Django's bulk_create and bulk_update build an expression per value, which costs ten times the write itself.
"""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, TypeAlias

import orjson
from django.db import connection, models

from mdm.compiled import is_pipelined, prepared
from mdm.copying import copy_in

BATCH = 1000
FEW = 20  # more are copied in
Column: TypeAlias = "models.Field[Any, Any]"
Row: TypeAlias = Mapping[Any, Any]  # value by column


def _columns(model: type[models.Model]) -> list[Column]:
    """The columns a row brings along: neither automatic keys nor what the database fills in."""
    return [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField) and not field.has_db_default()
    ]


def plain(rows: Sequence[models.Model], names: Sequence[str] | None = None) -> list[Row]:
    """The rows by column: those of the named fields, else all but automatic keys and what the database fills in."""
    if not rows:
        return []
    model = type(rows[0])
    fields = _columns(model) if names is None else [model._meta.get_field(name) for name in names]
    pairs = [(field.column, field.attname) for field in fields]  # type: ignore[union-attr]
    return [{column: getattr(row, attname) for column, attname in pairs} for row in rows]


def _document(rows: Sequence[Row]) -> str:
    """The rows as a JSON array of objects by column name; decimals travel as text, so no digit is lost."""
    return orjson.dumps(rows, default=_text, option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()


def _text(value: Any) -> str:
    """Decimals, enumerated texts and whatever else orjson leaves to us."""
    return str(value)


def _record_type(fields: Sequence[Column]) -> str:
    return ", ".join(
        f'"{field.column}" {field.rel_db_type(connection) or field.db_type(connection)}' for field in fields
    )


def insert(rows: Sequence[models.Model], *, missing_only: bool = False) -> None:
    """Insert rows of one model, complete but for automatic keys. Signals are not sent, keys are not read back.

    ``missing_only`` leaves out those that are there already by any unique key.
    """
    if rows:
        insert_plain(type(rows[0]), plain(rows), missing_only=missing_only)


def insert_plain(model: type[models.Model], rows: Sequence[Row], *, missing_only: bool = False) -> None:
    """Insert rows that never were instances of their model, which cost more than their insertion: all columns named,
    values as they are or as JSON holds them."""
    if len(rows) > FEW and not missing_only and not is_pipelined():
        for start in range(0, len(rows), BATCH):
            copy_in(model._meta.db_table, _columns(model), rows[start : start + BATCH])
        return
    statement = _insertion(model) + (" ON CONFLICT DO NOTHING" if missing_only else "")
    for start in range(0, len(rows), BATCH):
        with prepared(len(rows)) as cursor:
            cursor.execute(statement, [_document(rows[start : start + BATCH])])


@cache
def _insertion(model: type[models.Model]) -> str:
    fields = _columns(model)
    names = ", ".join(f'"{field.column}"' for field in fields)
    return (
        f'INSERT INTO "{model._meta.db_table}" ({names}) '  # noqa: S608 (names of our own models)
        f"SELECT {names} FROM json_to_recordset(%s::json) AS given({_record_type(fields)})"
    )


def update(model: type[models.Model], rows: Sequence[Row], by: Sequence[str]) -> None:
    """Update existing rows, found by the columns in ``by``, in all other columns given. All rows name the same ones."""
    if not rows:
        return
    statement = _update(model, tuple(rows[0]), tuple(by))
    for start in range(0, len(rows), BATCH):
        with prepared(len(rows)) as cursor:
            cursor.execute(statement, [_document(rows[start : start + BATCH])])


@lru_cache(maxsize=200)
def _update(model: type[models.Model], columns: tuple[str, ...], by: tuple[str, ...]) -> str:
    fields = {field.column: field for field in model._meta.concrete_fields}
    assign = ", ".join(f'"{column}" = given."{column}"' for column in columns if column not in by)
    where = " AND ".join(f'own."{column}" = given."{column}"' for column in by)
    return (
        f'UPDATE "{model._meta.db_table}" AS own SET {assign} '  # noqa: S608 (names of our own models)
        f"FROM json_to_recordset(%s::json) AS given({_record_type([fields[column] for column in columns])}) "
        f"WHERE {where}"
    )
