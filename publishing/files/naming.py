"""What files are called: a pattern of the operator's own, filled in, that can never lead out of its folder."""

import re
from collections.abc import Sequence
from datetime import datetime

PLACES = ("code", "domain", "number", "date", "time", "kind")
SAFE = re.compile(r"[A-Za-z0-9._+=-]+")
PLACE = re.compile(r"\{([^{}]*)\}")
LONGEST = 120
CONTROL = ".ctl"
PART = ".part"


def problems_of(pattern: str, tables: Sequence[str]) -> list[str]:
    """Every sentence that speaks against the pattern for an endpoint that writes these tables."""
    found = []
    unknown = sorted(set(PLACE.findall(pattern)) - set(PLACES))
    if unknown:
        known = ", ".join("{" + name + "}" for name in PLACES)
        found.append(f"Nothing fills {', '.join('{' + name + '}' for name in unknown)}; known are {known}.")
    plain = PLACE.sub("x", pattern)
    if not SAFE.fullmatch(plain) or plain.startswith("."):
        found.append("A file name has letters, digits and . _ + = - only, and does not begin with a dot.")
    if plain.lower().endswith((CONTROL, PART)):
        found.append(f"{CONTROL} and {PART} are used beside the file itself: choose another ending.")
    if len(tables) > 1 and "{domain}" not in pattern:
        found.append("Several files are written at a time: put {domain} into the name, or they overwrite each other.")
    if len(pattern) > LONGEST:
        found.append(f"A file name pattern has at most {LONGEST} characters.")
    return found


def file_name(pattern: str, *, code: str, table: str, number: int, moment: datetime, kind: str) -> str:
    """The name of one file. Raises ValueError where the result would be no plain file name."""
    filled = {
        "code": code,
        "domain": table.replace(".", "_"),
        "number": f"{number:06d}",
        "date": f"{moment:%Y%m%d}",
        "time": f"{moment:%H%M%S}",
        "kind": kind,
    }
    name = PLACE.sub(lambda found: filled[found[1]] if found[1] in filled else found[0], pattern)
    if not SAFE.fullmatch(name) or name.startswith("."):
        raise ValueError(f"{name!r} is no file name.")
    return name
