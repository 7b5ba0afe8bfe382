"""Questions a lane asks many times a second, put into SQL once and prepared by PostgreSQL once a session.

Django builds a question anew each time, which costs ten times what PostgreSQL needs to answer it, and PostgreSQL plans
it anew: with ten lanes under way that was most of what the worker did.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Generic, NamedTuple, TypeVar

import psycopg
from django.db import connection
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)
STANDS_FOR_A_MOMENT = datetime(1, 2, 3, 4, 5, 6, 7, tzinfo=UTC)


class _Text(NamedTuple):
    sql: str
    values: Sequence[Any]
    names: Sequence[str]  # of the columns asked for: the model's own, then what is annotated
    converters: Sequence[tuple[int, Callable[..., Any]]]  # by column


class _Slot(NamedTuple):
    """Where a value goes."""

    name: str


class Compiled(Generic[Row]):
    """A question whose values alone change.

    ``ask`` makes it of keyword arguments; ``like`` gives for each one a value that stands for it, met nowhere else in
    the question. Whatever else ``ask`` depends on must stay the same, and it must join no columns of other models.
    """

    def __init__(self, ask: Callable[..., QuerySet[Row, Any]], **like: Any) -> None:
        self._ask, self._like = ask, like

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        """The answer as plain tuples, in the order of the question's columns."""
        connection.ensure_connection()
        # A cursor of psycopg's own kind: Django's puts values into the text, which then is another one each time.
        with psycopg.Cursor(connection.connection) as cursor:
            values = [given[value.name] if isinstance(value, _Slot) else value for value in self._text.values]
            with connection.wrap_database_errors:
                return cursor.execute(self._text.sql, values, prepare=True).fetchall()

    def records(self, **given: Any) -> list[Row]:
        """The answer as instances, bearing what the question annotates."""
        model, names, converters = self._model, self._text.names, self._text.converters
        own = len(model._meta.concrete_fields)
        found = []
        for row in self.rows(**given):
            values = list(row)
            for place, convert in converters:
                values[place] = convert(values[place], None, connection)
            one = model.from_db(connection.alias, names[:own], values[:own])
            vars(one).update(zip(names[own:], values[own:], strict=True))
            found.append(one)
        return found

    @cached_property
    def _question(self) -> QuerySet[Row, Any]:
        return self._ask(**self._like)

    @property
    def _model(self) -> type[Row]:
        return self._question.model

    @cached_property
    def _text(self) -> _Text:
        sql, given = self._question.query.sql_with_params()
        slots = {value: _Slot(name) for name, value in self._like.items()}
        values = [slots.get(value, value) if isinstance(value, _likes(slots)) else value for value in given]
        if missing := set(slots.values()) - {value for value in values if isinstance(value, _Slot)}:
            raise TypeError(f"the question does not depend on {', '.join(slot.name for slot in missing)}")
        fields = self._model._meta.concrete_fields
        names = [*(field.attname for field in fields), *self._question.query.annotation_select]
        converters = [(n, one) for n, field in enumerate(fields) for one in field.get_db_converters(connection)]
        return _Text(sql, values, names, converters)


def _likes(slots: dict[Any, _Slot]) -> tuple[type, ...]:
    return tuple({type(value) for value in slots})
