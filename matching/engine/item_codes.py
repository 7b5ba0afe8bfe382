"""Part numbers and model codes of items: read from fields and texts, and how two of them relate."""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from matching.comparisons import slip_shares
from matching.engine.columns import Shares

SHORTEST = 4  # characters of a code
SHORTEST_DIGITS = 5  # of one of digits alone
SHORTEST_WITHIN = 5  # of one that counts when another holds it
SHORTEST_SERIES = 4  # the common beginning of codes of one series
LONGEST = 40
MOST = 12  # codes read from one text

# How two codes relate; EQUAL is 1.
SAME_LOOKS = 0.9  # the same after O is 0 and I is 1, or without zeros in front
PACKS = 0.95  # the same but for how many are in the pack
GOES_ON = 0.85  # one goes on for three characters at most, as colour and country codes do
SLIP = 0.7  # a character too many, or two swapped
WITHIN = 0.6
WRONG = 0.4  # one character another one: a slip of the pen, or the next of a series

_BREAKS = re.compile(r"[\s,;()\[\]|\"]+")
_NOT_ALNUM = re.compile(r"[^A-Z0-9]+")
_PACK_SUFFIX = re.compile(r"[-_/ ]+(?:(\d{1,4})[-_ ]?)?(?:PACK|PK|PCS?|EA|BX|CS|CA|BOX|CASE|CT|DZ)$")
_UNITS = (
    "GB|TB|MB|KB|GBPS|MBPS|MM|CM|IN|INCH|ML|CC|MG|MCG|GM|GHZ|MHZ|KHZ|HZ|RPM|FT|FEET|OZ|LB|LBS|KG|KW|WATTS?|VOLTS?|MAH|AH|"
    "DPI|PPM|FPS|BTU|MP|MEGAPIXEL|PORTS?|PACK|PK|CT|EA|BX|FR|GA|GAUGE|YDS?|MS|BIT|WAY|PIN|SHEETS?|USERS?|CORE|ST|ND|RD|TH|"
    "PLY|HR|HRS|MEQ|UNITS?|IU|DEG|BASET|BASETX|[GLXWVKPIFNTMDAS]"
)
_MEASURED = re.compile(rf"\d+(?:{_UNITS})?(?:X\d+(?:{_UNITS})?)*")
_LOOKS = str.maketrans("OILSBZ", "011582")


def plain(raw: str) -> str:
    """Letters and digits, without zeros in front: ``0165-SI16`` -> ``165SI16``."""
    return _NOT_ALNUM.sub("", raw.upper()).lstrip("0")


@lru_cache(maxsize=8192)
def codes(text: str) -> tuple[str, ...]:
    """Words of a text that hold digits and are no measure: part numbers, model names. At most ``MOST``."""
    found: dict[str, None] = {}
    for word in _BREAKS.split(text.upper()):
        parts = word.split("/")
        ratio = len(parts) > 1 and all(part.isdigit() for part in parts)  # 10/100, 1/2
        for one in parts if ratio else dict.fromkeys((word, *parts)):
            code = plain(_PACK_SUFFIX.sub("", one))
            if _is_code(code):
                found[code] = None
        if len(found) >= MOST:
            break
    return tuple(found)


def _is_code(word: str) -> bool:
    if word.isdigit():
        return SHORTEST_DIGITS <= len(word) <= LONGEST
    return SHORTEST <= len(word) <= LONGEST and any(c.isdigit() for c in word) and not _MEASURED.fullmatch(word)


@lru_cache(maxsize=8192)
def part_numbers(raw: str) -> tuple[str, ...]:
    """The numbers a field of part numbers holds, what tells the pack behind a star: ``HP 652611-B21-5Pack`` ->
    652611B21*5."""
    found: dict[str, None] = {}
    for part in re.split(r"[,;|]", raw.upper()):
        told = _PACK_SUFFIX.search(part.strip())
        bare = part.strip()[: told.start()] if told else part.strip()
        pack = f"*{told.group(1)}" if told and told.group(1) not in (None, "1") else ""
        whole = plain(bare)
        words = [plain(word) for word in bare.split()] if " " in bare else []
        numbered = [word for word in words if len(word) >= SHORTEST_WITHIN and any(c.isdigit() for c in word)]
        if len(whole) >= 3 and len(whole) <= LONGEST and any(c.isdigit() for c in whole):
            found |= dict.fromkeys(f"{number}{pack}" for number in numbered or [whole])
    return tuple(found)[:MOST]


def relations(left: Sequence[str], right: Sequence[str]) -> Shares:
    """How two codes each relate: 1 the same, the levels above, 0 nothing in common."""
    ours, theirs = ([text.partition("*")[0] if "*" in text else text for text in side] for side in (left, right))
    slips = slip_shares(ours, theirs)
    looks = {text: text.translate(_LOOKS) for text in {*ours, *theirs}}
    found = np.zeros(len(left), dtype=np.float32)
    for at, (a, b, slip) in enumerate(zip(ours, theirs, slips.tolist(), strict=True)):
        if slip or a in b or b in a or looks[a] == looks[b]:  # of most two nothing is alike
            found[at] = PACKS if slip == 1 and left[at] != right[at] else _relation(a, b, slip)
    return found


def _relation(left: str, right: str, slip: float) -> float:
    if slip == 1:
        return 1.0
    short, long = (left, right) if len(left) <= len(right) else (right, left)
    if slip > 0:
        if len(short) == len(long):
            return _one_slip(short, long)
        return GOES_ON if long.startswith(short) and len(short) >= SHORTEST else SLIP
    if len(short) < SHORTEST_WITHIN:
        return 0.0
    if long.startswith(short):
        return GOES_ON if len(long) - len(short) <= 3 else WITHIN
    if short in long:
        return WITHIN
    same_looks = len(short) == len(long) and short.translate(_LOOKS) == long.translate(_LOOKS)
    return SAME_LOOKS if same_looks else 0.0


def _one_slip(left: str, right: str) -> float:
    if left.translate(_LOOKS) == right.translate(_LOOKS):
        return SAME_LOOKS
    return SLIP if sorted(left) == sorted(right) else WRONG
