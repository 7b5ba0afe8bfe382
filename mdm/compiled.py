"""Questions asked many times a second, put into SQL once and prepared by PostgreSQL once a session.

Django builds a question anew each time, which costs ten times what PostgreSQL needs to answer it, and PostgreSQL reads
and plans it anew: for ten lanes under way, and for a record that arrives alone, that was most of the work.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import Any, Generic, NamedTuple, TypeVar, cast
from uuid import UUID

import psycopg
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)
FEW = 400  # rows a statement is about, up to which reading and planning it costs more than running it
_PIPELINED = 20
_KEPT = 400  # statements PostgreSQL keeps prepared in one session
STANDS_FOR_A_MOMENT = datetime(1, 2, 3, 4, 5, 6, 7, tzinfo=UTC)


class _Prepared(psycopg.Cursor[Any]):
    """Values travel beside the text, which therefore is the same each time; Django's cursor puts them into it."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> "_Prepared":
        return super().execute(query, params, **{**how, "prepare": True})


def prepared(rows: int = 1) -> CursorWrapper:
    """A cursor whose statements PostgreSQL prepares once a session; Django's own where they are about many rows.

    A plan for many rows must follow the tables as they grow, one for few need not. Array parameters and those that
    stand alone in a list of columns need a cast.
    """
    if rows > FEW:
        return connection.cursor()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    raw = connection.connection
    if raw.prepare_threshold is None:  # Django's default, and then nothing is ever prepared
        raw.prepare_threshold, raw.prepared_max = 5, _KEPT
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    return wrap(cast("CursorWrapper", _Prepared(raw)))  # which needs no more than a cursor as PEP 249 has it


def unhurried() -> str:
    """What to select from beside, so that a statement of its own ends without waiting for the disk.

    For what a crash may take back and nobody misses. Within a transaction it changes nothing.
    """
    local = "1" if connection.in_atomic_block else "set_config('synchronous_commit', 'off', true)"
    return f"(SELECT {local}) unhurried"


def is_pipelined() -> bool:
    """Whether answers are not waited for now; then nothing can be copied in."""
    return connection.connection is not None and bool(connection.connection.pgconn.pipeline_status)


@contextmanager
def pipelined(rows: int = 1) -> Iterator[None]:
    """Statements about few rows go to PostgreSQL without waiting for the answer to each; the end waits for all.

    What is wrong with one of them is raised there, or where an answer is fetched.
    """
    if rows > _PIPELINED or not connection.in_atomic_block:
        yield
        return
    failed: Exception | None = None
    with connection.wrap_database_errors, connection.connection.pipeline() as pipeline:
        try:
            yield
        except Exception as error:  # raised again below, once what was under way is answered
            failed = error
            with suppress(psycopg.Error):
                pipeline.sync()
    if failed:
        raise failed


class _Text(NamedTuple):
    sql: str
    values: Sequence[Any]
    names: Sequence[str]  # of the columns asked for: the model's own, then what is annotated
    converters: Sequence[tuple[int, Callable[..., Any]]]  # by column


class _Slot(NamedTuple):
    """Where a value goes, or any number of them: {type of PostgreSQL}."""

    name: str
    many: str = ""


class Compiled(Generic[Row]):
    """A question whose values alone change.

    ``ask`` makes it of keyword arguments; ``like`` gives for each one a value that stands for it, met nowhere else in
    the question; a list of one value stands for any number of them, asked with ``__in``. Whatever else ``ask`` depends
    on must stay the same. ``records`` is for questions that join no columns of other models.
    """

    def __init__(self, ask: Callable[..., QuerySet[Row, Any]], **like: Any) -> None:
        self._ask, self._like = ask, like

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        """The answer as plain tuples, in the order of the question's columns."""
        values = [given[value.name] if isinstance(value, _Slot) else value for value in self._text.values]
        many = [len(given[value.name]) for value in self._text.values if isinstance(value, _Slot) and value.many]
        if 0 in many:  # nothing is in nothing
            return []
        with prepared(max(many, default=1)) as cursor:
            cursor.execute(self._text.sql, values)
            return list(cursor.fetchall())

    def values(self, **given: Any) -> list[dict[str, Any]]:
        """The answer of a question that names its columns (``.values()``), as Django gives it."""
        names, converters = self._columns
        found = []
        for row in self.rows(**given):
            told = list(row)
            for place, convert in converters:
                told[place] = convert(told[place], connection)
            found.append(dict(zip(names, told, strict=True)))
        return found

    def records(self, **given: Any) -> list[Row]:
        """The answer as instances, bearing what the question annotates."""
        names = self._text.names
        own = len(self._model._meta.concrete_fields)
        found = []
        for row in self.rows(**given):
            one = _instance(self._model, names[:own], self._text.converters, row[:own])
            vars(one).update(zip(names[own:], row[own:], strict=True))
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
        slots = dict(_slot(name, value) for name, value in self._like.items())
        values = [slots.get(value, value) if isinstance(value, _likes(slots)) else value for value in given]
        if missing := set(slots.values()) - {value for value in values if isinstance(value, _Slot)}:
            raise TypeError(f"the question does not depend on {', '.join(slot.name for slot in missing)}")
        names = [*_names(self._model), *self._question.query.annotation_select]
        return _Text(_with_arrays(sql, values), values, names, _converters(self._model))

    @cached_property
    def _columns(self) -> tuple[Sequence[str], Sequence[tuple[int, Callable[..., Any]]]]:
        """Names of the columns a question asks for by name, and what makes Python values of them."""
        query = self._question.query
        compiler = query.get_compiler(connection.alias)
        compiler.as_sql()
        found = compiler.get_converters([column[0] for column in compiler.select])
        converters = [(place, _converting(*found[place])) for place in found]
        return [*query.extra_select, *query.values_select, *query.annotation_select], converters


def _slot(name: str, value: Any) -> tuple[Any, _Slot]:
    """The value that is met in the text, and what goes there."""
    if isinstance(value, list):
        return value[0], _Slot(name, _ARRAYS[type(value[0])])
    return value, _Slot(name)


_ARRAYS: Mapping[type, str] = {UUID: "uuid", int: "bigint", str: "text"}


def _with_arrays(sql: str, values: Sequence[Any]) -> str:
    """The text with ``IN`` of one value where many may go as equality with any of an array."""
    texts = sql.split("%s")
    for place, value in enumerate(values):
        if isinstance(value, _Slot) and value.many:
            if not (texts[place].endswith(" IN (") and texts[place + 1].startswith(")")):
                raise TypeError(f"{value.name} is a list, so the question must ask with __in")
            texts[place] = texts[place].removesuffix(" IN (") + " = ANY("
            texts[place + 1] = f"::{value.many}[]{texts[place + 1]}"
    return "%s".join(texts)


def _converting(steps: Sequence[Callable[..., Any]], expression: Any) -> Callable[..., Any]:
    def convert(value: Any, through: Any) -> Any:
        for step in steps:
            value = step(value, expression, through)
        return value

    return convert


def found_by(model: type[Row], column: str, values: Sequence[Any], then: str = "") -> list[Row]:
    """The instances that have one of the values in this column; ``then`` orders and locks them."""
    return asked_by(model, column, values, then)()


def asked_by(model: type[Row], column: str, values: Sequence[Any], then: str = "") -> Callable[[], list[Row]]:
    """The same, asked now; the answer is fetched when it is called for, so that several are under way at once."""
    cursor = prepared(len(values))
    cursor.execute(f"{_found_by(model, column)} {then}", [list(values)])

    def answer() -> list[Row]:
        names, converters = _names(model), _converters(model)
        with cursor:
            return [_instance(model, names, converters, row) for row in cursor.fetchall()]

    return answer


@cache
def _found_by(model: type[Model], column: str) -> str:
    named = {field.column: field for field in model._meta.concrete_fields}
    columns = ", ".join(f'"{name}"' for name in named)
    kind = named[column].rel_db_type(connection)
    return f'SELECT {columns} FROM "{model._meta.db_table}" WHERE "{column}" = ANY(%s::{kind}[])'  # noqa: S608 (our own)


@cache
def _names(model: type[Model]) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields]


@cache
def _converters(model: type[Model]) -> list[tuple[int, Callable[..., Any]]]:
    fields = enumerate(model._meta.concrete_fields)
    return [(place, one) for place, field in fields for one in field.get_db_converters(connection)]


def _instance(
    model: type[Row], names: Sequence[str], converters: Sequence[tuple[int, Callable[..., Any]]], row: Sequence[Any]
) -> Row:
    values = list(row)
    for place, convert in converters:
        values[place] = convert(values[place], None, connection)
    return model.from_db(connection.alias, names, values)


def _likes(slots: dict[Any, _Slot]) -> tuple[type, ...]:
    return tuple({type(value) for value in slots})
