"""One attribute of a feed document -> a cell of the plan, or every reason why not."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db import models

from mdm.domains import BY_NAME
from mdm.intake.plan import Cell, Place, Reference
from mdm.intake.reasons import Ground, Reasons
from mdm.intake.surroundings import Surroundings
from mdm.quality import Limit
from mdm.spec import Attribute
from mdm.standardise import STANDARDISERS, Doubt, Style, Unreadable, Value, standardise
from mdm.standardise.translations import Translations

OWN = ("column", "columns", "joined_by", "constant", "standardise", "by", "source")
OPTIONS = ("map", "alike", "decimal", "formats", "pad", "strict", "casing", "choices", "true", "false")
PLACED = frozenset({"phone", "postcode", "region", "tax_id", "vat"})
LONGEST_KEY = 300
INTEGER = 2**31 - 1


def compile_cell(
    ground: Ground, place: str, given: Any, attribute: Attribute | None, model: type[models.Model] | None
) -> Cell | None:
    """The cell that `given` (a column's name, or a table) describes. None when the reasons say why."""
    reasons = ground.reasons
    table = {"column": given} if isinstance(given, str) else given
    if not isinstance(table, Mapping):
        reasons.add(place, "Give a column's name or a table.")
        return None
    for word in table:
        if word not in OWN + OPTIONS:
            reasons.unknown(f"{place}.{word}", "setting of a column", word, OWN + OPTIONS)
    columns = _columns(reasons, place, table)
    if attribute is None:
        return None
    word = str(table.get("standardise", attribute.standardise))
    if word not in STANDARDISERS:
        reasons.unknown(f"{place}.standardise", "standardiser", word, STANDARDISERS)
        return None
    options = {name: table[name] for name in OPTIONS if name in table}
    translated = table.get("map")
    if isinstance(translated, Mapping):
        written = {str(text): str(to) for text, to in translated.items()}
        options["map"] = Translations(written, alike=options.pop("alike", False) is True)
    if attribute.choices:
        options.setdefault("choices", attribute.choices)
    return Cell(
        attribute=attribute.name,
        label=attribute.label,
        kind=attribute.kind,
        word=word,
        columns=columns,
        joined_by=str(table.get("joined_by", " ")),
        constant=_constant(reasons, place, table, word, options, ground.style),
        options=options,
        placed=word in PLACED,
        limit=_limit(attribute, model, ground.around, by_name=table.get("by") == "name"),
        reference=_reference(ground, place, table, attribute),
    )


def _columns(reasons: Reasons, place: str, table: Mapping[str, Any]) -> tuple[str, ...]:
    ways = [way for way in ("column", "columns", "constant") if way in table]
    if len(ways) != 1:
        reasons.add(place, "Give exactly one of column, columns and constant.")
        return ()
    if ways == ["constant"]:
        return ()
    given = [table["column"]] if ways == ["column"] else table["columns"]
    if not isinstance(given, list) or not given or not all(isinstance(one, str) and one for one in given):
        reasons.add(f"{place}.{ways[0]}", "Name a column of the file.")
        return ()
    return tuple(given)


def _constant(
    reasons: Reasons, place: str, table: Mapping[str, Any], word: str, options: Mapping[str, Any], style: Style
) -> Value | None:
    if "constant" not in table:
        return None
    try:
        answer = standardise(word, str(table["constant"]), style, **options)
    except Unreadable as error:
        reasons.add(f"{place}.constant", str(error))
        return None
    if answer is None or isinstance(answer, Doubt):
        reasons.add(f"{place}.constant", answer.message if isinstance(answer, Doubt) else "The constant is blank.")
        return None
    return answer


def _reference(ground: Ground, place: str, table: Mapping[str, Any], attribute: Attribute) -> Reference | None:
    reasons, source, around = ground.reasons, ground.source, ground.around
    by = str(table.get("by", "key"))
    system = str(table.get("source", source))
    if not attribute.references:
        if "by" in table or "source" in table:
            reasons.add(place, f"{attribute.label} refers to no other record: leave out by and source.")
        return None
    if by not in ("key", "name"):
        reasons.unknown(f"{place}.by", "way to refer", by, ("key", "name"))
    if system != source and system not in around.systems:
        reasons.unknown(f"{place}.source", "source system", system, around.systems)
    domain = BY_NAME[attribute.references]
    return Reference(domain=domain.name, system=system, by_name=by == "name", title=domain.title)


def _limit(attribute: Attribute, model: type[models.Model] | None, around: Surroundings, *, by_name: bool) -> Limit:
    codes = around.codes.get(attribute.code_set) if attribute.code_set else None
    if attribute.references:
        named = BY_NAME[attribute.references]
        title = named.model._meta.get_field(named.title) if by_name else None
        return Limit(characters=min(LONGEST_KEY, getattr(title, "max_length", None) or LONGEST_KEY))
    try:
        column = model._meta.get_field(attribute.name) if model is not None else None
    except FieldDoesNotExist:
        column = None
    if isinstance(column, models.CharField):
        return Limit(characters=column.max_length, codes=codes)
    if isinstance(column, models.DecimalField):
        return Limit(whole_digits=column.max_digits - column.decimal_places, places=column.decimal_places)
    if isinstance(column, models.IntegerField):
        return Limit(lowest=-INTEGER - 1, highest=INTEGER)
    return Limit(codes=codes)


def place_of(cells: Sequence[Cell], fallback: Sequence[Cell] = ()) -> Place:
    """Where country and region of these cells stand; where they say nothing, the fallback's first."""
    country = next((cell for cell in (*cells, *fallback) if cell.attribute == "country"), None)
    region = next((cell for cell in (*cells, *fallback) if cell.attribute == "region"), None)
    return Place(
        country_column=country.columns[0] if country and country.columns else "",
        country=str(country.constant) if country and country.constant is not None else "",
        region_column=region.columns[0] if region and region.columns else "",
    )
