"""Lists of names alone, of our own making: organisations as ledgers write them, and as two registers do."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from matching.training.corruptions import careless, chance, slip

_WORDS: Mapping[str, Any] = json.loads((Path(__file__).parent / "name_words.json").read_text(encoding="utf-8"))
LIMITS = (20, 25, 30, 30, 35, 40)  # characters a field holds
MOST = 60  # ways one organisation is written
_BLANK = re.compile(r"\{(\w+)\}")
_KINDS: tuple[str, ...] = tuple(_WORDS["alike"])  # of practices, taken for each other
_LANDS = frozenset(_WORDS["land"])

Names = tuple[list[str], list[int]]


def _name(random: Random, kinds: Sequence[str], places: Sequence[str]) -> str:
    template = random.choice(_WORDS["kinds"][random.choice(kinds)])
    return _BLANK.sub(lambda at: random.choice(places if at[1] == "place" else _WORDS[at[1]]), template).strip()


def _place(random: Random) -> str:
    return str(random.choice(_WORDS["begin"])) + str(random.choice(_WORDS["end"]))


def _code(random: Random) -> str:
    letters = random.choice("ABHNRST") + random.choice("ABCDT") if chance(random, 1 / 3) else ""
    return letters + str(random.randrange(100, 10 ** random.randrange(4, 8)))


def _kept_by_a_ledger(random: Random, name: str) -> str:
    """As one clerk typed it and one system kept it."""
    for long, short in _WORDS["initials"].items():
        if long in name and chance(random, 0.25):
            name = name.replace(long, short)
    if name.endswith(_KINDS) and chance(random, 0.15):
        old = max((kind for kind in _KINDS if name.endswith(kind)), key=len)
        name = name.removesuffix(old) + random.choice(_KINDS)
    words = careless(random, name.split(), random.choice((0.2, 0.7, 1.2)), _WORDS["short"])
    if len(words) > 3 and chance(random, 0.15):
        words = words[: random.randrange(2, len(words))]
    words = _with_notes(random, words)
    if chance(random, 0.05) and len(words) > 1:
        at = random.randrange(len(words) - 1)
        words[at : at + 2] = [words[at] + words[at + 1]]
    text = " ".join(words).upper()
    return text[: random.choice(LIMITS)].strip() if chance(random, 0.3) else text


def _with_notes(random: Random, words: list[str]) -> list[str]:
    """A department, a place, an account or a remark behind; what was left in the field, or an account, before."""
    if chance(random, 0.12):
        words += random.choice((random.choice(_WORDS["tail"]), _place(random), _code(random), _code(random))).split()
    if chance(random, 0.04):
        words += random.choice(_WORDS["remark"]).format(code=_code(random)).split()
    if chance(random, 0.06):
        words = [*random.choice((random.choice(_WORDS["left_behind"]), _code(random))).split(), *words]
    return words


def _kept_by_a_register(random: Random, name: str) -> str:
    """As an editor wrote it: complete, but in an order, spelling and detail of the editor's own."""
    words, roll = name.split(), random.random()
    if roll < 0.15 and words[-1] in _LANDS:
        words = [words[-1], *words[:-1]]
    elif roll < 0.3 and words[-1] in _LANDS:
        words[-1] = f"({words[-1]})"
    elif roll < 0.4 and words[0] in _LANDS:
        words = [*words[1:], "of", words[0]]
    elif roll < 0.5:
        where = (f"({_place(random)})", f", {_place(random)}", "Campus", f"({random.choice(_WORDS['land'])})")
        words += random.choice(where).split()
    elif roll < 0.58 and len(words) > 2:
        words.pop(random.randrange(1, len(words)))
    elif roll < 0.64:
        more = random.choice(("Regional", "National", "General", "Memorial", "and"))
        words.insert(random.randrange(len(words)), more)
    words = careless(random, words, random.choice((0, 0, 0.5)), _WORDS["short"])
    return " ".join(["The", *words] if chance(random, 0.06) else words)


def ledger(kinds: str, size: int, seed: int) -> Names:
    """About ``size`` names and the number of the organisation each belongs to: many come once, some very often."""
    random = Random(seed)

    def kept(name: str) -> set[str]:
        times = 1 if chance(random, 0.55) else min(int(random.paretovariate(0.9)) + 1, MOST)
        found = {_kept_by_a_ledger(random, name) for _ in range(times)}
        return found | {name.upper()} if chance(random, 0.6) else found

    return _listed(random, kinds, size, kept)


def register(kinds: str, size: int, seed: int) -> Names:
    """Two lists of one kind of thing in one, as two editors wrote them; a third of it is in one of them only."""
    random = Random(seed)

    def kept(name: str) -> set[str]:
        found = {name, _kept_by_a_register(random, name)} if chance(random, 0.65) else {name}
        return found | {slip(random, name)} if chance(random, 0.1) else found

    return _listed(random, kinds, size, kept)


def _listed(random: Random, kinds: str, size: int, kept: Any) -> Names:
    names, owners, seen = list[str](), list[int](), set[str]()
    places = [_place(random) for _ in range(max(size // 20, 40))]
    while len(names) < size:
        name = _name(random, _WORDS["lists"][kinds], places)
        if name in seen:
            continue
        seen.add(name)
        found = sorted(kept(name))
        names += found
        owners += [len(seen)] * len(found)
    return names, owners
