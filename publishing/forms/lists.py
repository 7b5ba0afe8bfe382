"""Values typed as lists, and conditions given as rows of a form."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict

from publishing.conditions import Operator

SPLIT = ("\n", ";")


class NumberList(forms.CharField):
    """Whole numbers separated by commas: seconds of a schedule."""

    def to_python(self, value: Any) -> Any:
        texts = [text.strip() for text in str(value or "").split(",") if text.strip()]
        if any(not text.isascii() or not text.isdigit() or len(text) > 9 for text in texts):
            raise forms.ValidationError("Give whole numbers of seconds, separated by commas.")
        return tuple(int(text) for text in texts)

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(str(one) for one in value) if isinstance(value, list | tuple) else value


def words_of(text: str) -> list[str]:
    """The values of a condition: one each between commas, semicolons or lines."""
    for mark in SPLIT:
        text = text.replace(mark, ",")
    return [word.strip() for word in text.split(",") if word.strip()]


def conditions_of(given: QueryDict) -> dict[str, list[dict[str, Any]]]:
    """The `attributes` of a selection out of the rows of the form: where, how, with what. Blank rows ask nothing."""
    found: dict[str, list[dict[str, Any]]] = {}
    rows = zip(
        given.getlist("condition_where"),
        given.getlist("condition_how"),
        given.getlist("condition_what"),
        strict=False,
    )
    for where, how, what in rows:
        domain, _, path = where.partition(":")
        if path:
            found.setdefault(domain, []).append({"attribute": path, how: _wanted(how, what)})
    return found


def _wanted(how: str, what: str) -> Any:
    if how == Operator.PRESENT:
        return what.strip().casefold() not in ("no", "false")
    if how in (Operator.AT_LEAST, Operator.AT_MOST):
        return what.strip()
    return words_of(what)


def rows_of(attributes: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[tuple[str, str, str]]:
    """(where, how, what) of stored conditions, for the rows of the form."""
    rows = []
    for domain, conditions in attributes.items():
        for condition in conditions:
            how = next((name for name in condition if name != "attribute"), "")
            what = condition.get(how)
            shown = ", ".join(str(one) for one in what) if isinstance(what, list) else what
            if isinstance(shown, bool):
                shown = "yes" if shown else "no"
            rows.append((f"{domain}:{condition.get('attribute', '')}", how, "" if shown is None else str(shown)))
    return rows


def read_json(text: str) -> Any:
    """JSON as typed. Raises ValueError with the line where it goes wrong."""
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("That is nested too deeply.") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"This is no JSON from line {error.lineno}, column {error.colno} on: {error.msg}.") from error
