"""Questions a lane asks many times a second, put into SQL once.

Django builds a question anew each time, which costs ten times what PostgreSQL needs to answer it: with ten lanes under
way that was most of what the worker did.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.models import Model, QuerySet

Row = TypeVar("Row", bound=Model)
STANDS_FOR_A_MOMENT = datetime(1, 2, 3, 4, 5, 6, 7, tzinfo=UTC)


class Compiled(Generic[Row]):
    """A question whose values alone change.

    ``ask`` makes it of keyword arguments; ``like`` gives for each one a value that stands for it, met nowhere else in
    the question. Whatever else ``ask`` depends on must stay the same.
    """

    def __init__(self, ask: Callable[..., QuerySet[Row, Any]], **like: Any) -> None:
        self._ask, self._like = ask, like

    @cached_property
    def _text(self) -> tuple[type[Row], str, list[Any]]:
        question = self._ask(**self._like)
        text, values = question.query.sql_with_params()
        names = {value: name for name, value in self._like.items()}
        missing = set(self._like) - {names[value] for value in values if _known(value, names)}
        if missing:
            raise TypeError(f"the question does not depend on {', '.join(sorted(missing))}")
        return question.model, text, [_Slot(names[value]) if _known(value, names) else value for value in values]

    def rows(self, **given: Any) -> list[tuple[Any, ...]]:
        """The answer as plain tuples, in the order of the question's columns."""
        _, text, values = self._text
        with connection.cursor() as cursor:
            cursor.execute(text, _filled(values, given))
            found: list[tuple[Any, ...]] = cursor.fetchall()
        return found

    def records(self, **given: Any) -> list[Row]:
        """The answer as instances, bearing what the question annotates. It must not join the columns of others."""
        model, text, values = self._text
        return list(model._default_manager.raw(text, _filled(values, given)))


class _Slot(str):
    """Where a value goes."""

    __slots__ = ()


def _known(value: Any, names: dict[Any, str]) -> bool:
    try:
        return value in names
    except TypeError:  # a list, a dictionary
        return False


def _filled(values: list[Any], given: dict[str, Any]) -> list[Any]:
    return [given[value] if isinstance(value, _Slot) else value for value in values]
