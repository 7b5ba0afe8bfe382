"""What synthetic items are: families of products, and lines of one maker whose variants differ in a value or two."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from matching.training.corruptions import chance

LISTS: Mapping[str, Any] = json.loads((Path(__file__).parent / "items.json").read_text(encoding="utf-8"))
UNITS: Mapping[str, Sequence[str]] = LISTS["units"]  # how each unit is written by different hands
LETTERS = "ABCDEFGHKLMNPRSTVWXZ"
COLORS = frozenset(LISTS["colors"].split())
_SURNAMES, _SYLLABLES = LISTS["surnames"].split(), LISTS["syllables"].split()
_ENDINGS = [*LISTS["endings"].split(), "", ""]


@dataclass(frozen=True)
class Way:
    """One way in which products of a family differ."""

    unit: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Family:
    """A kind of product: its noun, the ways its variants differ, phrases descriptions use."""

    noun: str
    ways: tuple[Way, ...]
    phrases: tuple[str, ...]


@dataclass(frozen=True)
class Product:
    """What is true of one item."""

    family: Family
    maker: str
    legal: str
    brand: str
    series: str
    values: tuple[str, ...]
    code: str
    others: tuple[str, ...]  # other numbers of the same thing
    siblings: tuple[str, ...]  # numbers of its neighbours, which texts list too
    fits: str  # the number of what it is used with
    gtin: str
    trade: tuple[str, ...]  # numbers of vendors
    price: float
    facts: tuple[str, ...]


def families(sector: str) -> list[Family]:
    """The families of one sector: ``noun;way=value|value unit;way=from..to+step unit!phrase, phrase`` each."""
    found = []
    for line in LISTS["sectors"][sector]:
        told, _, phrases = line.partition("!")
        noun, *ways = told.split(";")
        found.append(Family(noun, tuple(map(_way, ways)), tuple(p.strip() for p in phrases.split(",") if p)))
    return found


def _way(text: str) -> Way:
    told = text.partition("=")[2]
    if ".." in told:
        low, _, rest = told.partition("..")
        high, _, rest = rest.partition("+")
        step, _, unit = rest.partition(" ")
        count = int((float(high) - float(low)) / float(step)) + 1
        return Way(unit, tuple(f"{float(low) + float(step) * n:g}" for n in range(count)))
    unit = next((known for known in UNITS if told.endswith(f" {known}")), "")
    return Way(unit, tuple((told.removesuffix(f" {unit}") if unit else told).split("|")))


def coined(random: Random) -> str:
    """A name nobody bears."""
    if chance(random, 0.3):
        return str(random.choice(_SURNAMES))
    return "".join((random.choice(_SYLLABLES), random.choice(_SYLLABLES), random.choice(_ENDINGS))).capitalize()


def digits(random: Random, count: int) -> str:
    """That many."""
    return "".join(random.choice("0123456789") for _ in range(count))


def _letters(random: Random, low: int, high: int) -> str:
    return "".join(random.choice(LETTERS) for _ in range(random.randint(low, high)))


class Line:
    """A line of products: one family, maker and brand, and how its numbers are made."""

    def __init__(self, random: Random, family: Family, maker: tuple[str, str, str]) -> None:
        self.random, self.family, self.maker = random, family, maker
        self.brand = maker[2] if chance(random, 0.7) else coined(random)
        self.series = coined(random) if chance(random, 0.6) else ""
        self.pattern = random.choice(("values", "values", "next", "next", "digits", "segments", "suffix"))
        self.prefix, self.tail = _letters(random, 1, 4), _letters(random, 0, 3)
        self.number = random.randrange(10 ** random.randint(3, 5))
        self.bare = chance(random, 0.3)
        self.price = 2.718 ** (random.random() * 6)
        self.facts = tuple(random.sample(family.phrases, min(len(family.phrases), 3)))
        fits = f"{_letters(random, 1, 2)}{random.randrange(100, 9999)}{_letters(random, 0, 1)}"
        self.fits = fits if chance(random, 0.15) else ""
        self.lists_siblings, self.has_models = chance(random, 0.5), chance(random, 0.7)
        self.words = tuple(coined(random) for _ in range(random.choice((0, 0, 1, 2))))
        self.siblings = list[str]()

    def code(self, values: Sequence[str]) -> str:
        """The number of the next variant: made of its values, or one after the other."""
        random = self.random
        self.number += random.choice((1, 1, 2, 5, 10, random.randrange(1, 90)))
        if self.pattern == "values":
            size = "".join(c for value in values[:2] for c in value if c.isdigit())[:4]
            color = "".join(value[0].upper() for value in values if value in COLORS)
            return f"{self.prefix}{size or self.number % 100}{self.tail}{self.number % 10000}{color}"
        if self.pattern == "suffix":
            return f"{self.prefix}{self.number}{''.join(value[0].upper() for value in values if value[0].isalpha())}"
        if self.pattern == "segments":
            return f"{self.number + 100_000}-{self.prefix[:1]}{random.choice(('21', '01', '001', '22'))}"
        if self.pattern == "digits":
            return f"{self.number + 10_000}" + (digits(random, 3) if self.bare else "")
        return f"{'' if self.bare else self.prefix + random.choice(('', '-'))}{self.number:05d}{self.tail[:1]}"

    def product(self, values: tuple[str, ...]) -> Product:
        """The item of those values."""
        random = self.random
        code, others = self.code(values), tuple(self.code(values) for _ in range(random.choice((0, 0, 1, 2))))
        self.siblings = [*self.siblings, code, *others][-4:] if self.lists_siblings else []
        series = self.series
        if self.has_models:
            series = f"{series or _letters(random, 1, 3)}{random.choice((' ', '-', ''))}{self.number % 1000}"
        return Product(
            family=self.family, maker=self.maker[0], legal=self.maker[1], brand=self.brand, series=series,
            values=values, code=code, others=others, siblings=tuple(self.siblings), fits=self.fits,
            gtin=random.choice("01") + digits(random, 12),
            trade=tuple(digits(random, random.choice((6, 7, 8))) for _ in range(3)),
            price=self.price * (0.7 + random.random() * 0.6), facts=self.facts + self.words,
        )  # fmt: skip

    def variants(self, count: int) -> list[Product]:
        """One item and its nearest: one or two values different."""
        random = self.random
        first = tuple(random.choice(way.values) for way in self.family.ways)
        found = {first: self.product(first)}
        for _ in range(count * 2):
            if len(found) >= count:
                break
            values = list(random.choice(list(found)))
            for _ in range(random.choice((1, 1, 1, 2))):
                at = random.randrange(len(values))
                values[at] = random.choice(self.family.ways[at].values)
            if tuple(values) not in found:
                found[tuple(values)] = self.product(tuple(values))
        return list(found.values())
