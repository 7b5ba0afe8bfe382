"""Writing many rows of a model in one statement: the rows travel as one JSON document.

Django's bulk_create and bulk_update build an expression per value, which costs ten times the write itself.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import orjson
from django.db import connection, models

BATCH = 1000
Column: TypeAlias = "models.Field[Any, Any]"


def _columns(model: type[models.Model]) -> list[Column]:
    """The columns a row brings along: neither automatic keys nor what the database fills in."""
    return [
        field
        for field in model._meta.concrete_fields
        if not isinstance(field, models.AutoField | models.BigAutoField) and not field.has_db_default()
    ]


def _document(rows: Sequence[models.Model], fields: Sequence[Column]) -> str:
    """The rows as a JSON array of objects by column name; decimals travel as text, so no digit is lost."""
    names = [(field.column, field.attname) for field in fields]
    plain = [{column: getattr(row, attname) for column, attname in names} for row in rows]
    return orjson.dumps(plain, default=_text, option=orjson.OPT_PASSTHROUGH_SUBCLASS).decode()


def _text(value: Any) -> str:
    """Decimals, enumerated texts and whatever else orjson leaves to us."""
    return str(value)


def _record_type(fields: Sequence[Column]) -> str:
    return ", ".join(
        f'"{field.column}" {field.rel_db_type(connection) or field.db_type(connection)}' for field in fields
    )


def insert(rows: Sequence[models.Model]) -> None:
    """Insert rows of one model, complete but for automatic keys. Signals are not sent, keys are not read back."""
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        fields = _columns(type(batch[0]))
        names = ", ".join(f'"{field.column}"' for field in fields)
        with connection.cursor() as cursor:
            cursor.execute(
                f'INSERT INTO "{type(batch[0])._meta.db_table}" ({names}) '  # noqa: S608 (names of our own models)
                f"SELECT {names} FROM json_to_recordset(%s::json) AS given({_record_type(fields)})",
                [_document(batch, fields)],
            )


def update(rows: Sequence[models.Model], names: Sequence[str], by: Sequence[str] = ()) -> None:
    """Update the named fields of existing rows of one model, found by primary key or by the fields in ``by``."""
    for start in range(0, len(rows), BATCH):
        batch = rows[start : start + BATCH]
        meta = type(batch[0])._meta
        key = [meta.get_field(name) for name in by] or [meta.pk]
        fields = [meta.get_field(name) for name in names]
        assign = ", ".join(f'"{f.column}" = given."{f.column}"' for f in fields)  # type: ignore[union-attr]
        where = " AND ".join(f'own."{f.column}" = given."{f.column}"' for f in key)  # type: ignore[union-attr]
        with connection.cursor() as cursor:
            cursor.execute(
                f'UPDATE "{meta.db_table}" AS own SET {assign} '  # noqa: S608 (names of our own models)
                f"FROM json_to_recordset(%s::json) AS given({_record_type([*key, *fields])}) WHERE {where}",  # type: ignore[list-item]
                [_document(batch, [*key, *fields])],  # type: ignore[list-item]
            )
