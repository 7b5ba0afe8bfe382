"""Synthetic suppliers and facilities with their truth: what really is one, and what only looks like it.

Records come as systems export them: each with its own field lengths, letters, silent attributes and care. The
strangers are the hard ones: namesakes in other towns, sisters of a group in other lands, tenants of one house,
departments under the name and at the door of their hospital.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from random import Random

from matching.training import vocabulary as words
from matching.training.corruptions import careless, chance, number_slip, plain_letters, slip

Record = dict[str, str]


@dataclass(frozen=True)
class Place:
    """An address as it is."""

    land: str
    town: str
    region: str
    postcode: str
    number: str
    street: str
    way: str
    unit: str


@dataclass(frozen=True)
class Organisation:
    """What is true of one supplier or facility."""

    name: tuple[str, ...]
    form: tuple[str, ...]
    place: Place
    other_place: Place | None
    alias: tuple[str, ...]
    system: str
    phone: str
    other_phone: str
    site: str
    numbers: Mapping[str, str]


@dataclass(frozen=True)
class Export:
    """The habits of one system: how often it fills an attribute, how long its names are, how careful its clerks."""

    filled: Mapping[str, float]
    width: int
    upper: bool
    care: float


SUPPLIERS = (
    Export({"address": 0.95, "phone": 0.6, "site": 0.1, "tax_id": 0.7, "duns": 0.2}, 35, True, 1.0),
    Export({"address": 0.9, "phone": 0.7, "site": 0.3, "tax_id": 0.55, "duns": 0.1}, 60, False, 0.8),
    Export({"address": 0.3, "phone": 0.15, "site": 0.0, "tax_id": 0.2, "duns": 0.0}, 40, True, 1.5),
    Export({"address": 0.85, "phone": 0.5, "site": 0.4, "tax_id": 0.4, "duns": 0.5}, 100, False, 0.4),
    Export({"address": 0.6, "phone": 0.6, "site": 0.8, "tax_id": 0.1, "duns": 0.3}, 80, False, 0.7),
)
FACILITIES = (
    Export({"address": 1.0, "phone": 0.8, "identifier": 0.9}, 100, True, 0.5),
    Export({"address": 0.95, "phone": 0.5, "identifier": 0.4}, 60, False, 1.0),
    Export({"address": 0.97, "phone": 0.3, "identifier": 0.1}, 35, True, 1.5),
    Export({"address": 0.85, "phone": 0.85, "identifier": 0.2}, 80, False, 1.1),
)


@dataclass(frozen=True)
class Market:
    """What differs from file to file: how many look like another, are departments at its door, changed their name or
    belong to a system; how careful clerks are; which attributes no export has."""

    near: float
    units: float
    renamed: float
    systems: float
    care: float
    silent: frozenset[str]

    @classmethod
    def of(cls, random: Random) -> "Market":
        """One of many."""
        silent = {name: share for name, share in SILENT.items() if chance(random, share)}
        return cls(
            near=random.uniform(0.03, 0.3),
            units=random.uniform(0.05, 0.5),
            renamed=random.uniform(0.03, 0.25),
            systems=random.uniform(0.1, 0.6),
            care=random.uniform(0.6, 1.5),
            silent=frozenset(silent),
        )


SILENT = {"phone": 0.15, "website": 0.3, "country": 0.4, "region": 0.2, "postcode": 0.1, "duns": 0.4}


def generate(kind: str, count: int, seed: int) -> tuple[list[Record], list[int]]:
    """That many records in random order, and the number of what each of them is."""
    random = Random(f"{kind} {seed}")
    market = Market.of(random)
    invent, exports = _KINDS[kind]
    exports = tuple(replace(export, care=export.care * market.care) for export in exports)
    known = list[Organisation]()
    made = list[tuple[Record, int]]()
    while len(made) < count:
        near = random.choice(known[-2000:]) if known and chance(random, market.near) else None
        one = invent(random, market, near)
        known.append(one)
        for _ in range(min(1 + int(random.expovariate(1.1)), 8)):
            record = _exported(random, one, random.choice(exports))
            made.append(({name: text for name, text in record.items() if name not in market.silent}, len(known)))
    random.shuffle(made)
    return [record for record, _ in made[:count]], [number for _, number in made[:count]]


def _digits(random: Random, count: int) -> str:
    return "".join(random.choice("0123456789") for _ in range(count))


def _place(random: Random, land: str) -> Place:
    town, region, begin = random.choice(words.TOWNS[land])
    letters = "ABDEFHJLNPRSTUW"
    if land == "US":
        postcode = begin + _digits(random, 2)
    elif land in ("GB", "IE"):
        postcode = (
            f"{begin}{random.randrange(1, 30)} {_digits(random, 1)}{random.choice(letters)}{random.choice(letters)}"
        )
    elif land == "CA":
        middle = random.choice(letters)
        postcode = f"{begin}{middle} {_digits(random, 1)}{random.choice(letters)}{_digits(random, 1)}"
    else:
        postcode = begin + _digits(random, 3)
    street = random.choice(words.STREETS)
    if chance(random, 0.25):
        street = f"{random.choice(('North', 'South', 'East', 'West'))} {street}"
    elif chance(random, 0.15):
        street = f"{random.randrange(2, 90)}th"
    number = str(random.randrange(1, 9000 if land == "US" else 240))
    unit = f"{random.choice(('Suite', 'Floor', 'Building', 'Unit'))} {random.randrange(1, 600)}"
    way = random.choice(list(words.WAYS))
    return Place(land, town, region, postcode, number, street, way, unit if chance(random, 0.25) else "")


def _brand(random: Random) -> str:
    made = "".join(random.choice(words.SYLLABLES) for _ in range(random.choice((2, 2, 3))))
    return made.capitalize() if len(made) > 3 else made.upper()


def _company(random: Random) -> tuple[str, ...]:
    roll = random.random()
    head = (
        [random.choice(words.FAMILIES)]
        if roll < 0.3
        else [random.choice(words.BRANDS)]
        if roll < 0.6
        else [_brand(random)]
    )
    if chance(random, 0.12):
        head += ["and", random.choice(words.FAMILIES)] if roll < 0.3 else [random.choice(words.BRANDS)]
    if chance(random, 0.05):
        head = ["".join(random.choice("ABCDEFGHKLMNPRSTVW") for _ in range(random.choice((2, 3, 3))))]
    tail = [random.choice(words.TRADES)] if chance(random, 0.8) else []
    if chance(random, 0.65) or not tail:
        tail.append(random.choice(words.ENDINGS))
    return (*head, *tail)


def _supplier(random: Random, market: Market, near: Organisation | None) -> Organisation:
    land = random.choices(list(words.FORMS), (55, 8, 15, 10, 6, 3, 3))[0]
    name = _company(random)
    place = _place(random, land)
    if near:
        roll = random.random()
        if roll < 0.4:
            name = near.name
        elif roll < 0.6:
            name = (*near.name[:-1], random.choice(words.ENDINGS))
        elif roll < 0.75:
            name = (near.name[0], random.choice(words.TRADES), random.choice(words.ENDINGS))
        elif roll < 0.85:
            name = (slip(random, near.name[0]), *near.name[1:])
        else:
            place = near.place
        land = place.land
    site = "".join(c for c in "".join(name[: random.choice((1, 1, 2))]).lower() if c.isalnum() and c.isascii())
    ending = {"US": ".com", "GB": ".co.uk"}.get(land, f".{land.lower()}")
    return Organisation(
        name=name,
        form=random.choice(words.FORMS[land]),
        place=place,
        other_place=_place(random, land) if chance(random, 0.3) else None,
        alias=_company(random) if chance(random, market.renamed) else (),
        system="",
        phone=_phone(random),
        other_phone=_phone(random) if chance(random, 0.3) else "",
        site=site + random.choice(("", "", "med", "group", "inc", "online")) + ending,
        numbers={"tax_id": _digits(random, 9), "duns": _digits(random, 9)},
    )


def _facility(random: Random, market: Market, near: Organisation | None) -> Organisation:
    place = _place(random, random.choices(("US", "CA", "GB"), (75, 10, 15))[0])
    kind = random.choice(words.KINDS)
    roll = random.random()
    if roll < 0.25:
        name = ("Saint", random.choice(words.SAINTS), *kind)
    elif roll < 0.5:
        name = (*place.town.split(), *kind)
    elif roll < 0.7:
        name = (random.choice(words.FAMILIES), *kind)
    elif roll < 0.9:
        name = (random.choice(words.BRANDS), *kind)
    else:
        name = (random.choice(words.BRANDS), "Health", *place.town.split(), *kind[-1:])
    phone = _phone(random)
    if near:
        roll = random.random()
        if roll < market.units:
            name, place = (*near.name[:5], *random.choice(words.UNITS).split()), near.place
            phone = near.phone if chance(random, 0.3) else phone
        elif roll < 0.8:
            name = near.name
        elif roll < 0.9:
            name = (*near.name[:2], *kind)
        else:
            place = near.place
    return Organisation(
        name=name,
        form=("", "Inc", "LLC") if chance(random, 0.1) else ("",),
        place=place,
        other_place=_place(random, place.land) if chance(random, 0.1) else None,
        alias=_renamed(random, name, kind) if chance(random, market.renamed) else (),
        system=random.choice(words.BRANDS) if chance(random, market.systems) else "",
        phone=phone,
        other_phone=_phone(random) if chance(random, 0.2) else "",
        site="",
        numbers={"identifier": _digits(random, 8)},
    )


def _renamed(random: Random, name: tuple[str, ...], kind: Sequence[str]) -> tuple[str, ...]:
    """Half of them are called another kind of place, half by another name."""
    return (*name[: max(len(name) - 2, 1)], *kind) if chance(random, 0.5) else (random.choice(words.BRANDS), *kind)


def _phone(random: Random) -> str:
    return f"{random.randrange(201, 990)}{random.randrange(200, 999)}{_digits(random, 4)}"


_KINDS: dict[str, tuple[Callable[[Random, Market, Organisation | None], Organisation], tuple[Export, ...]]] = {
    "supplier": (_supplier, SUPPLIERS),
    "facility": (_facility, FACILITIES),
}


def _exported(random: Random, one: Organisation, export: Export) -> Record:
    care = export.care
    record = {"name": _written_name(random, one, export)}
    place = one.other_place if one.other_place and chance(random, 0.3) else one.place
    if chance(random, export.filled["address"]):
        record |= _written_place(random, place, care)
    if chance(random, export.filled["phone"]):
        number = one.other_phone if one.other_phone and chance(random, 0.3) else one.phone
        number = number_slip(random, number) if chance(random, 0.03 * care) else number
        record["phone"] = random.choice(("({0}) {1}-{2}", "{0}-{1}-{2}", "+1 {0} {1} {2}", "{0}{1}{2}")).format(
            number[:3], number[3:6], number[6:]
        )
    if chance(random, export.filled.get("site", 0)):
        record["website"] = random.choice(("www.", "https://", "info@", "")) + one.site
    for code, number in one.numbers.items():
        if chance(random, export.filled[code]):
            record[code] = number_slip(random, number) if chance(random, 0.03 * care) else number
    if export.upper:
        record = {attribute: text.upper() for attribute, text in record.items()}
    return record


def _written_name(random: Random, one: Organisation, export: Export) -> str:
    care = export.care
    base = one.alias if one.alias and chance(random, 0.3) else one.name
    name = " ".join(careless(random, base, care, words.SHORT))
    if one.system and chance(random, 0.25):
        name = random.choice(("{0} {1}", "{0} Health {1}", "{0} - {1}", "{1} - {0}")).format(one.system, name)
    form = random.choice(one.form)
    if form and chance(random, 1 - 0.25 * care):
        name += form if form.startswith(",") else f" {form}"
    if one.alias and base is one.name and chance(random, 0.2):
        name += random.choice((" dba ", " t/a ", " formerly ")) + " ".join(one.alias)
    if chance(random, 0.03 * care):
        name += random.choice((f" {one.place.town}", f" - {one.place.town}", f" ({one.place.land})"))
    if chance(random, 0.03 * care):
        name += random.choice(words.NOTES)
    if chance(random, 0.02 * care):
        name = random.choice((_digits(random, 6) + " ", f"V{_digits(random, 4)}-")) + name
    if chance(random, 0.015 * care) and len(one.name) > 2:
        name = "".join(word[0] for word in one.name).upper()
    if chance(random, 0.6 * care):
        name = plain_letters(random, name)
    return name[: export.width].strip()


def _written_place(random: Random, place: Place, care: float) -> Record:
    number = number_slip(random, place.number) if chance(random, 0.02 * care) else place.number
    street = slip(random, place.street) if chance(random, 0.04 * care) else place.street
    for long, short in (("North ", "N "), ("South ", "S "), ("East ", "E "), ("West ", "W ")):
        if street.startswith(long) and chance(random, 0.4 * care):
            street = random.choice((short, "")) + street[len(long) :]
    way = random.choice(words.WAYS[place.way]) if chance(random, 1 - 0.05 * care) else ""
    line = f"{street} {way} {number}" if place.land in ("DE", "SE") else f"{number} {street} {way}"
    if place.unit and chance(random, 1 - 0.3 * care):
        line += random.choice((", ", " ")) + place.unit.replace("Suite", random.choice(("Suite", "Ste", "#")))
    if chance(random, 0.04 * care):
        line = f"{random.choice(('PO Box', 'P.O. Box'))} {_digits(random, 4)}"
    town = place.town
    if town.startswith(("Saint ", "Mount ")) and chance(random, 0.4 * care):
        town = {"Saint": "St", "Mount": "Mt"}[town.split()[0]] + random.choice((" ", ". ")) + town.split(" ", 1)[1]
    if chance(random, 0.03 * care):
        town = slip(random, town)
    postcode = number_slip(random, place.postcode) if chance(random, 0.025 * care) else place.postcode
    if place.land == "US" and chance(random, 0.12):
        postcode = f"{postcode}-{_digits(random, 4)}"
    land = random.choice(words.LANDS[place.land]) if chance(random, 0.8) else ""
    town = plain_letters(random, town) if chance(random, 0.5 * care) else town
    if chance(random, 0.015 * care):
        return {"street": f"{line}, {town} {postcode}", "country": land}
    return {"street": line.strip(), "city": town, "region": place.region, "postcode": postcode, "country": land}
