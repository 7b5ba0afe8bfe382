"""Synthetic items with their truth, as shops, catalogues and item masters write them, each source with its own habits.

The strangers are the hard ones: the next size, strength, pack, color or edition of a line under the next number, and
the same thing of another maker.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from matching.training.corruptions import chance, number_slip, slip
from matching.training.goods import LISTS, UNITS, Line, Product, Way, coined, families

Record = dict[str, str]
# How often the sources of each kind of file fill an attribute.
FILLED = {
    "shops": {"part_number": 0, "maker": 0, "gtin": 0, "trade": 0, "price": 0.7, "long": 0.8},
    "titles": {"part_number": 0, "maker": 0.4, "gtin": 0, "trade": 0, "price": 0.8, "long": 0},
    "parts": {"part_number": 0.97, "maker": 0.98, "gtin": 0, "trade": 0, "price": 0.6, "long": 0.9},
    "masters": {"part_number": 0.75, "maker": 0.8, "gtin": 0.35, "trade": 0.6, "price": 0.6, "long": 0},
}


@dataclass(frozen=True)
class Habit:
    """How one source writes. Shares are how often, 0 to 1."""

    order: str
    case: str
    width: int
    brand: float
    series: float
    value: float
    code_in_text: float
    code_first: float
    short: float
    slips: float
    note: float
    pack: float
    unit: int
    comma: str
    boilerplate: tuple[str, ...]
    bare_code: float
    filled: Mapping[str, float]
    facts: float
    currency: float
    prices: float


def habit(random: Random, kind: str) -> Habit:
    """The habits of one source: of a shop, a catalogue, an item master or a list of titles."""
    shop, pick = kind in ("shops", "titles"), random.choice
    vary = 0.35 if kind == "masters" else 0.25
    filled = {
        name: min(max(share + random.uniform(-vary, vary), 0), 1) if share else 0
        for name, share in FILLED[kind].items()
    }
    rich = ("brand noun values", "noun values", "brand values noun", "brand series noun values")
    return Habit(
        order=pick(rich if kind != "masters" else ("noun values", "noun values brand", "brand noun values")),
        case=pick(("title", "title", "as is", "upper") if shop else ("upper", "upper", "title", "lower")),
        width=pick((80, 120, 200) if shop else (30, 40, 60, 80, 200)),
        brand=random.uniform(0.8, 1) if shop else random.uniform(0.2, 0.9),
        series=random.uniform(0.2, 0.9),
        value=random.uniform(0.65, 0.98) if shop else random.uniform(0.75, 1),
        code_in_text=random.uniform(0.6, 1) if kind == "shops" else pick((0, 0.1, 0.3, 0.8)),
        code_first=pick((0, 0, 0.5, 0.9)),
        short=random.uniform(0, 0.15) if shop else random.uniform(0.05, 0.5),
        slips=random.uniform(0, 0.02) if shop else random.uniform(0, 0.08),
        note=random.uniform(0, 0.2),
        pack=0.05 if shop else pick((0, 0.1, 0.3, 0.6)),
        unit=random.randrange(6),
        comma=pick((" ", " ", ", ", " - ", ",")),
        boilerplate=tuple(random.sample(LISTS["boilerplate"], 3)) if chance(random, 0.4) else (),
        bare_code=pick((0, 0.2, 0.9)),
        filled=filled,
        facts=random.uniform(0.2, 1),
        currency=pick((1, 1, 1, 0.8, 1.3)),
        prices=pick((0.03, 0.1, 0.2, 0.4)),
    )


def generate(kind: str, sectors: Sequence[str], count: int, seed: int) -> tuple[list[Record], list[int], list[int]]:
    """About that many records, the number of what each is, and the number of its source.

    ``shops`` are two sources that name each thing once; the other kinds hold duplicates within and across sources. An
    item master counts packs as levels of one item, half of the parts catalogues sell them as items of their own.
    """
    random = Random(f"items {kind} {seed}")
    known = [family for sector in sectors for family in families(sector)]
    trades, forms = LISTS["trades"].split(), LISTS["legal"]
    makers = [
        (f"{coined(random)} {random.choice(trades)}", random.choice(forms), coined(random))
        for _ in range(random.randint(12, 60))
    ]
    sources = [habit(random, kind) for _ in range(2 if kind == "shops" else random.randint(3, 5))]
    same_pack, both = kind != "parts" or chance(random, 0.5), random.choice((0.3, 0.6, 0.9))
    sizes = (1, 1, 2, 3, 5) if kind in ("shops", "titles") else (1, 2, 3, 4, 6, 10)
    made, number = list[tuple[Record, int, int]](), 0
    while len(made) < count:
        line = Line(random, random.choice(known), random.choice(makers))
        for one in line.variants(random.choice(sizes)):
            number += 1
            for source in _copies(random, kind, len(sources), both):
                pack = random.choice((2, 5, 10, 10, 12, 50, 100)) if chance(random, sources[source].pack) else 1
                own = number if same_pack or pack == 1 else -(number * 1000 + pack)
                made.append((written(random, one, sources[source], pack), own, source))
    random.shuffle(made)
    return [record for record, _, _ in made], [own for _, own, _ in made], [source for _, _, source in made]


def _copies(random: Random, kind: str, sources: int, both: float) -> list[int]:
    if kind == "shops":
        return [0, 1] if chance(random, both) else [random.randrange(2)]
    return [random.randrange(sources) for _ in range(1 + min(int(random.expovariate(0.9)), 6))]


def written(random: Random, one: Product, source: Habit, pack: int) -> Record:
    """One record of the item as the source writes it."""
    code = _code(random, one, source)
    text = _text(random, one, source)
    if chance(random, source.code_in_text):
        own = code if chance(random, 0.8) else random.choice((one.code, *one.others))
        behind = random.choice((f"{text} - {own}", f"{text} {own}", f"{text} ({own})"))
        text = f"{own} {text}" if chance(random, source.code_first) else behind
    if source.boilerplate and chance(random, 0.8):
        text = f"{text} {random.choice(source.boilerplate)}"
    if chance(random, source.note):
        note = random.choice(LISTS["notes"])
        text = random.choice((f"{note} {text}", f"{text} {note}"))
    record = {"text": _cased(text, source.case)[: source.width].strip(" ,-")}
    if pack > 1:
        record["text"] += random.choice((" {} Pack", " ({} pack)", " {}/BX", " BX/{}", ", pack of {}")).format(pack)
    return record | _fields(random, one, source, code, pack)


def _cased(text: str, case: str) -> str:
    if case == "title":
        words = (word if any(c.isdigit() for c in word) else word[:1].upper() + word[1:] for word in text.split())
        return " ".join(words)
    return text.upper() if case == "upper" else text.lower() if case == "lower" else text


def _fields(random: Random, one: Product, source: Habit, code: str, pack: int) -> Record:
    filled, found = source.filled, Record()
    if chance(random, filled["maker"]):
        found["maker"] = _maker(random, one, source)
    if chance(random, filled["part_number"]):
        told = pack > 1 and chance(random, 0.8)
        found["part_number"] = f"{code}-{pack}{random.choice(('Pack', 'PK', 'pk'))}" if told else code
    if chance(random, filled["gtin"]):
        found["gtin"] = number_slip(random, one.gtin) if chance(random, 0.02) else one.gtin
    if chance(random, filled["trade"]):
        number = random.choice((one.trade[0], *one.trade))
        found["trade"] = number_slip(random, number) if chance(random, 0.03) else number
    if chance(random, filled["price"]):
        found["price"] = f"${one.price * source.currency * random.lognormvariate(0, source.prices) * pack**0.95:,.2f}"
    if chance(random, filled["long"]):
        found["long"] = _long(random, one, source, pack)
    return found


def _maker(random: Random, one: Product, source: Habit) -> str:
    if chance(random, 0.04):
        return f"{coined(random)} {random.choice(('Distribution', 'Supply'))}"
    maker = one.brand if chance(random, 0.3) else one.maker
    maker = slip(random, maker) if chance(random, source.slips) else maker
    return f"{maker} {one.legal}".strip() if chance(random, 0.4) else maker


def _code(random: Random, one: Product, source: Habit) -> str:
    code = one.code if chance(random, 0.9) else random.choice((one.code, *one.others))
    if chance(random, source.bare_code):
        code = code.replace("-", "")
    elif chance(random, 0.08) and len(code) > 6:
        code = f"{code[:3]}-{code[3:]}"
    if chance(random, 0.12):
        code += random.choice(LISTS["suffixes"])
    if chance(random, source.slips * 0.5):
        code = number_slip(random, code)
    return f"{'0' * random.randint(1, 3)}{code}" if chance(random, 0.03) else code


def _value(random: Random, way: Way, value: str, unit: int) -> str:
    if not way.unit:
        return value
    writings = UNITS.get(way.unit, (f" {way.unit}", way.unit))
    if chance(random, 0.85):
        return value + writings[unit % len(writings)]
    return value + (random.choice(writings) if chance(random, 0.7) else "")


def _values(random: Random, one: Product, share: float, unit: int) -> list[str]:
    each = zip(one.family.ways, one.values, strict=True)
    return [_value(random, way, value, unit) for way, value in each if chance(random, share)]


def _text(random: Random, one: Product, source: Habit) -> str:
    values = _values(random, one, source.value, source.unit)
    if chance(random, 0.15):
        random.shuffle(values)
    phrases = [fact for fact in one.facts if chance(random, (0.6 if fact.istitle() else 0.15) * source.facts)]
    if one.fits and chance(random, 0.7):
        phrases.append(random.choice(("w/{}", "for {}", "fits {}")).format(one.fits))
    noun = one.family.noun if chance(random, 0.93) else " ".join(one.family.noun.split()[-2:])
    parts = {
        "brand": [one.brand] if chance(random, source.brand) else [],
        "series": [one.series] if one.series and chance(random, source.series) else [],
        "noun": [noun],
        "values": values,
    }
    pieces = [piece for name in source.order.split() for piece in parts[name]] + phrases
    return _keyed(random, source.comma.join(pieces), source)


def _keyed(random: Random, text: str, source: Habit) -> str:
    for long, short in LISTS["short"].items():
        if long in text and chance(random, source.short):
            text = text.replace(long, random.choice(short))
    kept = [
        slip(random, word) if len(word) > 4 and word.isalpha() and chance(random, source.slips) else word
        for word in text.split(" ")
    ]
    if len(kept) > 3 and chance(random, source.slips):
        kept.pop(random.randrange(1, len(kept)))
    return " ".join(kept)


def _long(random: Random, one: Product, source: Habit, pack: int) -> str:
    told = [fact for fact in (*one.family.phrases, *one.facts[-2:]) if chance(random, source.facts)]
    told += _values(random, one, 0.7, random.randrange(6))
    random.shuffle(told)
    text = f"{one.brand if chance(random, 0.5) else ''} {one.family.noun}{random.choice((' - ', '/ ', ', '))}"
    text += random.choice(("/ ", ", ", " - ")).join(told)
    if pack > 1:
        text = f"{pack} x {text}"
    if (one.others or one.siblings) and chance(random, 0.6):
        listed = one.siblings if one.siblings and chance(random, 0.6) else (one.code, *one.others)
        text += f" Part Number(s) {' '.join(listed)}"
    if one.fits and chance(random, 0.5):
        text += f" for use with {one.fits}"
    return text.strip()
