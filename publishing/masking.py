"""What a reader outside may see of a value: restricted attributes show their tail only.

Whatever the declaration does not name is treated as restricted, so a forgotten attribute stays in the house.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from mdm.spec import Attribute, Domain, Exposure

DOTS = "••••"
SHORTEST_WITH_TAIL = 8


def mask(value: Any) -> Any:
    """The value with at most its last four characters; blanks stay blank, what is a mask already stays as it is."""
    if value is None or value == "":
        return value
    text = value if isinstance(value, str) else ""
    if text.startswith(DOTS):
        return text
    return DOTS + text[-4:] if len(text) >= SHORTEST_WITH_TAIL else DOTS


def mask_values(attributes: Iterable[Attribute], values: Mapping[str, Any]) -> dict[str, Any]:
    """{attribute: value}, masked where the declaration says so or says nothing."""
    open_names = {attribute.name for attribute in attributes if attribute.exposure is not Exposure.RESTRICTED}
    return {name: value if name in open_names else mask(value) for name, value in values.items()}


def mask_parts(domain: Domain, parts: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """{part: [row]}, each value masked by the declaration of its part."""
    declared = {part.name: part.attributes for part in domain.parts}
    return {name: [mask_values(declared.get(name, ()), row) for row in rows] for name, rows in parts.items()}


def mask_changes(domain: Domain, changes: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The list of changes of an event with every value before and after masked alike; who said it stays inside."""
    return [_mask_change(domain, change) for change in changes]


def _mask_change(domain: Domain, change: Mapping[str, Any]) -> dict[str, Any]:
    if "part" in change:
        name = change["part"]
        rows = {side: mask_parts(domain, {name: change.get(side) or []})[name] for side in ("added", "removed")}
        return {"part": name, **rows}
    name = change["attribute"]
    sides = {side: mask_values(domain.attributes, {name: change.get(side)})[name] for side in ("before", "after")}
    return {"attribute": name, **sides}
