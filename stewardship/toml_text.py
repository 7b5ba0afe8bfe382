"""A feed document as TOML text, the way people write feeds by hand. Pure; ``tomllib.loads`` gives the document back."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

BARE = re.compile(r"[A-Za-z0-9_-]+")
WIDE = 100


def toml_text(document: Mapping[str, Any], words: Sequence[str] = ()) -> str:
    """The document as text: plain settings first, then tables, then lists of tables.

    Names that are among ``words`` come in that order, everywhere; the database keeps no order of its own.
    """
    document = _ordered(document, {word: place for place, word in reversed(list(enumerate(words)))})
    lines = [f"{_key(name)} = {_value(value)}" for name, value in document.items() if not _is_table(value)]
    for name, value in document.items():
        if isinstance(value, Mapping):
            lines += _table((name,), value)
        elif _is_table(value):
            lines += _rows((name,), value)
    return "\n".join(lines).strip() + "\n"


def _ordered(value: Any, places: Mapping[str, int]) -> Any:
    if isinstance(value, Mapping):
        names = sorted(value, key=lambda name: places.get(name, len(places)))
        return {name: _ordered(value[name], places) for name in names}
    if isinstance(value, list):
        return [_ordered(one, places) for one in value]
    return value


def _is_table(value: Any) -> bool:
    return isinstance(value, Mapping) or (
        isinstance(value, list) and bool(value) and all(isinstance(one, Mapping) for one in value)
    )


def _table(place: tuple[str, ...], table: Mapping[str, Any]) -> list[str]:
    """One table; lists of tables in it follow, settings that are small tables stay on their line."""
    lists = {name: value for name, value in table.items() if not isinstance(value, Mapping) and _is_table(value)}
    own = [f"{_key(name)} = {_value(value)}" for name, value in table.items() if name not in lists]
    lines = ["", f"[{_path(place)}]", *own] if own or not lists else []
    for name, rows in lists.items():
        lines += _rows((*place, name), rows)
    return lines


def _rows(place: tuple[str, ...], rows: list[Mapping[str, Any]]) -> list[str]:
    lines = []
    for row in rows:
        lines += ["", f"[[{_path(place)}]]", *(f"{_key(name)} = {_value(value)}" for name, value in row.items())]
    return lines


def _path(place: tuple[str, ...]) -> str:
    return ".".join(_key(name) for name in place)


def _key(name: str) -> str:
    return name if BARE.fullmatch(name) else _text(name)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        return (
            "{ " + ", ".join(f"{_key(name)} = {_value(one)}" for name, one in value.items()) + " }" if value else "{}"
        )
    if isinstance(value, list | tuple):
        shown = [_value(one) for one in value]
        flat = "[" + ", ".join(shown) + "]"
        return flat if len(flat) <= WIDE else "[\n" + "".join(f"  {one},\n" for one in shown) + "]"
    return str(value)


def _text(value: str) -> str:
    # JSON's escapes are TOML's, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
