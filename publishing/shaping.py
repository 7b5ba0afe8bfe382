"""A record in the target's own fields and codes: what a mapping makes of it. Pure: codes are looked up by a function.

Every fault of a record is found at once and says which field of the target, which value, and the way out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from mdm.masking import MASK
from publishing.paths import WITHOUT_VALUES, Path

Word = Callable[[str, str], str | None]  # code set, code -> the target's word
DATE_TOKENS = (("YYYY", "%Y"), ("YY", "%y"), ("MM", "%m"), ("DD", "%d"))
SHOWN = 60


class Unfit(Exception):
    """The record cannot be written as this endpoint wants it. ``faults`` are (field of the target, sentence)."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__(" ".join(f"{field}: {sentence}" for field, sentence in faults))
        self.faults = tuple(faults)


class NoTranslation(Unfit):
    """A code has no word at the target. ``missing`` are (code set, code), each once."""

    def __init__(self, faults: Sequence[tuple[str, str]], missing: Sequence[tuple[str, str]]) -> None:
        super().__init__(faults)
        self.missing = tuple(dict.fromkeys(missing))


@dataclass(frozen=True)
class Field:
    """One field of the target: where its value comes from and how it is written.

    Exactly one of ``sources`` (several are joined by ``by``), ``constant`` and ``rows``; ``rows`` gives a list with
    ``fields`` of its own.
    """

    to: tuple[str, ...]
    sources: tuple[Path, ...] = ()
    by: str = " "
    constant: Any = None
    rows: Path | None = None
    fields: tuple["Field", ...] = ()
    translate: str = ""
    words: Mapping[str, str] | None = None
    date: str = ""
    decimals: int | None = None
    case: str = ""
    longest: int | None = None
    cut: bool = False
    default: Any = None
    required: bool = False
    omit_blank: bool = False

    @property
    def name(self) -> str:
        """The field as the target calls it."""
        return ".".join(self.to)


@dataclass
class _Shaping:
    """One record being shaped, and what is wrong with it so far."""

    record: Mapping[str, Any]
    word: Word
    bare: bool
    faults: list[tuple[str, str]]
    missing: list[tuple[str, str]]

    def fields(self, fields: Sequence[Field], row: Mapping[str, Any] | None, place: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for field in fields:
            if self.bare and _has_values(field):
                continue
            value = self.value(field, row, place + field.name)
            if value in (None, "", []) and field.omit_blank:
                continue
            at = made
            for name in field.to[:-1]:
                at = at.setdefault(name, {})
            at[field.to[-1]] = value
        return made

    def value(self, field: Field, row: Mapping[str, Any] | None, place: str) -> Any:
        if field.rows is not None:
            rows = field.rows.rows(self.record)
            if not rows and field.required and not self.bare:
                self.faults.append((place, "The record has no such row, and the target needs one."))
            return [self.fields(field.fields, one, f"{place}[{number}].") for number, one in enumerate(rows, 1)]
        if not field.sources:
            return field.constant
        values = [source.read(self.record, row) for source in field.sources]
        value = values[0] if len(values) == 1 else field.by.join(_text(one) for one in values if not _blank(one))
        if _blank(value):
            if field.default is None and field.required and not self.bare:
                self.faults.append((place, f"{_called(field)} is blank, and the target needs it."))
            return field.default
        return self.written(field, value, place)

    def written(self, field: Field, value: Any, place: str) -> Any:
        if not (isinstance(value, str) and value.startswith(MASK)):  # dots are no code, date or number
            try:
                value = self.translated(field, value, place)
            except (ValueError, InvalidOperation):
                self.faults.append((place, f"{_shown(value)} is not what {_called(field)} should be."))
                return None
        if isinstance(value, str):
            value = _fit(field, value)
            if field.longest is not None and len(value) > field.longest:
                words = f"{_shown(value)} has {len(value)} characters, the target takes {field.longest}."
                self.faults.append((place, words))
        return value

    def translated(self, field: Field, value: Any, place: str) -> Any:
        if field.translate:
            theirs = self.word(field.translate, str(value))
            if theirs is None:
                self.missing.append((field.translate, str(value)))
                code = f"The code {_shown(value)} of {_set_name(field.translate)}"
                self.faults.append((place, f"{code} has no word at this target: add it to its translations."))
            return theirs
        if field.words is not None:
            key = str(value).lower() if isinstance(value, bool) else str(value)
            if key not in field.words and field.default is None:
                self.faults.append((place, f"The mapping has no word for {_shown(key)}."))
            return field.words.get(key, field.default)
        if field.date:
            return _moment(str(value)).strftime(date_pattern(field.date))
        if field.decimals is not None:
            return str(Decimal(str(value)).quantize(Decimal(1).scaleb(-field.decimals), ROUND_HALF_UP))
        return value


def shape(fields: Sequence[Field], record: Mapping[str, Any], *, word: Word, bare: bool = False) -> dict[str, Any]:
    """The record in the target's fields. ``bare`` gives only what is known of a record without its values.

    Raises NoTranslation where a code has no word, Unfit for anything else the target could not take; with every fault.
    """
    shaping = _Shaping(record, word, bare, [], [])
    made = shaping.fields(fields, None, "")
    if shaping.missing:
        raise NoTranslation(shaping.faults, shaping.missing)
    if shaping.faults:
        raise Unfit(shaping.faults)
    return made


def date_pattern(words: str) -> str:
    """YYYYMMDD and the like as the standard library writes it."""
    for token, code in DATE_TOKENS:
        words = words.replace(token, code)
    return words


def _moment(text: str) -> date:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)


def _has_values(field: Field) -> bool:
    paths = (*field.sources, *([field.rows] if field.rows else []))
    return any(path.root not in WITHOUT_VALUES or path.root == "title" for path in paths)


def _fit(field: Field, value: str) -> str:
    if field.case:
        value = value.upper() if field.case == "upper" else value.lower()
    if field.cut and field.longest is not None:
        value = value[: field.longest].rstrip()
    return value


def _called(field: Field) -> str:
    attribute = field.sources[0].attribute
    return attribute.label if attribute and len(field.sources) == 1 else " and ".join(p.text for p in field.sources)


def _set_name(code_set: str) -> str:
    return code_set.replace("_", " ")


def _blank(value: Any) -> bool:
    return value is None or value == "" or value == [] or value == {}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _shown(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."
