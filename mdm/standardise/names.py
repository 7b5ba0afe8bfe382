"""Names of companies, facilities and people, kept as written."""

from typing import Any

from mdm.standardise.style import Answer, Style
from mdm.standardise.text import text


def name(raw: str, style: Style, options: dict[str, Any]) -> Answer:
    """As `text`, without quotes around the whole and without a separator left at either end.

    Nothing else is taken away: what looks like a note may tell two companies apart.
    """
    value = text(raw, style, options)
    while isinstance(value, str):
        shorter = value.strip(" ,;|")
        if len(shorter) > 1 and shorter[0] == shorter[-1] == '"' and '"' not in shorter[1:-1]:
            shorter = shorter[1:-1]
        if shorter == value:
            break
        value = shorter
    return value or None
