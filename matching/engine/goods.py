"""Items: descriptions, model codes, measures and packs, makers, prices, identifiers."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from matching.engine.candidates import Pairs
from matching.engine.columns import Column, Numbers, Shares, compare
from matching.engine.evidence import (
    WORDED,
    Blend,
    Compare,
    Doubt,
    Group,
    Pass,
    Prepared,
    texts_by,
    worded,
)  # fmt: skip
from matching.engine.item_codes import codes, part_numbers, relations
from matching.engine.item_evidence import (
    makers_agree,
    mentioned,
    numbers_plain,
    packs_agree,
    prices_agree,
    rarity,
    related_codes,
    same_kind,
    shared_numbers,
    telling,
    trade_numbers,
    without_series,
)  # fmt: skip
from matching.engine.spelling import Spelling
from matching.engine.words import Words
from mdm.standardise.companies import split_legal_form
from mdm.standardise.folding import name_tokens
from mdm.standardise.measures import measures
from mdm.standardise.wording import item_words, variants

Rows = Mapping[str, Sequence[str]]
IDENTIFIERS = {"gtin": "GTIN", "ndc": "NDC", "vendor_item_no": "Vendor's item number"}
DESCRIPTIONS = Blend(0.4, 0.15, 0.2, 0.0, 0.25)
HARD = frozenset({"gtin", "ndc"})
LONGEST = 400  # characters of a description that are read
LONGEST_FIELD = 200  # of any other value
ANOTHER_NUMBER = 0.5  # how part numbers relate that are not written differently but others
CODE_START = 6  # characters two codes of one item share where one of them goes on


@lru_cache(maxsize=65536)
def _words(raw: str) -> str:
    return " ".join(dict.fromkeys(item_words(raw[:LONGEST])))


@lru_cache(maxsize=65536)
def _maker(raw: str) -> str:
    return " ".join(name_tokens(split_legal_form(raw[:LONGEST_FIELD])[0])) if raw.strip() else ""


def _packs(*texts: str) -> Iterator[str]:
    """Counts of more than one piece, as texts and part numbers name them."""
    for text in texts:
        yield from (str(count) for count in sorted(measures(text).packs) if count > 1)


def _bare(raw: str) -> Iterator[str]:
    """Part numbers without their packs."""
    return (number.partition("*")[0] for number in part_numbers(raw))


def _counted(raw: str) -> Iterator[str]:
    if raw.replace(".", "", 1).isdigit() and len(raw) < 9:
        yield str(int(float(raw)))


def _numbers(raw: str) -> list[str]:
    return [word for word in dict.fromkeys(item_words(raw)) if word[0].isdigit()]


def _kind(text: str) -> str:
    """``color`` of ``color:blue``, ``ml`` of ``5ml``."""
    return text.partition(":")[0] if ":" in text else text.lstrip("0123456789.")


def _columns(rows: Rows) -> dict[str, Column]:
    size = len(next(iter(rows.values())))
    nothing = [""] * size
    names, described = rows.get("name", nothing), rows.get("description", nothing)
    text = [(name if name.strip() else other)[:LONGEST] for name, other in zip(names, described, strict=True)]
    longer = [other[:LONGEST] if name.strip() else "" for name, other in zip(names, described, strict=True)]
    numbers = [raw[:LONGEST_FIELD] for raw in rows.get("manufacturer_part_number", nothing)]
    made = {
        "description": ([_words(raw)] for raw in text),
        "long text": ([_words(raw)] for raw in longer),
        "code": (dict.fromkeys((*_bare(number), *codes(raw))) for raw, number in zip(text, numbers, strict=True)),
        "any code": (
            dict.fromkeys((*_bare(number), *codes(raw), *codes(more))) if more else ()
            for raw, number, more in zip(text, numbers, longer, strict=True)
        ),
        "part number": (part_numbers(raw) for raw in numbers),
        "maker": ([_maker(raw)] for raw in rows.get("manufacturer", nothing)),
        "number": (_numbers(raw) for raw in text),
        "measure": (sorted(measures(raw).amounts) for raw in text),
        "variant": (sorted(variants(raw)) for raw in text),
        "pack": (
            dict.fromkeys((*_counted(own), *_packs(raw, number)))
            for raw, number, own in zip(text, numbers, rows.get("pack_quantity", nothing), strict=True)
        ),
    }
    columns = {name: Column.of([list(texts) for texts in lists]) for name, lists in made.items()}
    columns["part number"] = without_series(columns["part number"])
    columns |= {code: Column.of([[numbers_plain(raw)] for raw in rows.get(code, nothing)]) for code in IDENTIFIERS}
    return {name: column for name, column in columns.items() if name == "description" or column.share_filled() > 0}


def prepare(rows: Rows) -> Prepared:
    """Columns, passes and evidence of items whose attributes come as lists of raw texts, all equally long."""
    columns = _columns(rows)
    described = columns["description"]
    words, spelling = Words(described.texts, described.bearers), Spelling(described.texts)
    columns["rare words"] = described.made(words.rare(2))
    columns["word pairs"] = described.made(words.rare_pairs(4))
    if "code" in columns:
        columns["beginning of code"] = columns["code"].made(
            Column.of([text[:CODE_START]] for text in columns["code"].texts)
        )
    return Prepared(
        size=len(described),
        columns=columns,
        passes=[one for one in _PASSES if all(column in columns for column in one.columns)],
        groups=_groups(columns, rows, worded(described, words, spelling, DESCRIPTIONS)),
        spelt=[("description", 8, 0.15)],
        spellings={"description": spelling},
        settles=True,
        doubt=_doubt(columns),
    )


_PASSES = (
    *(Pass((code,), 60) for code in IDENTIFIERS),
    Pass(("part number",), budget=3),
    Pass(("code",), budget=4),
    Pass(("beginning of code",), 8, budget=1),
    Pass(("description",)),
    Pass(("rare words",)),
    Pass(("word pairs",), budget=4),
)


def _groups(columns: Mapping[str, Column], rows: Rows, described: Compare) -> dict[str, Group]:
    of = columns
    made: dict[str, Callable[[], Group]] = {
        "code": lambda: Group("Model code", 8, 0.6, related_codes(of["code"], telling(of["code"]))),
        "part number": lambda: Group(
            "Part number", 3, 0.6, related_codes(number := of["part number"], telling(number))
        ),
        "maker": lambda: Group("Manufacturer", 2, 0.6, makers_agree(of["maker"])),
        "number": lambda: Group("Numbers", 2.5, 0.5, shared_numbers(of["number"], rarity(of["number"]))),
        "measure": lambda: Group("Measures", 2, 0.6, _same_kind(of["measure"])),
        "variant": lambda: Group("Size, color, kind", 2, 0.6, _same_kind(of["variant"])),
        "pack": lambda: Group("Pack", 2, 0.6, packs_agree(of["pack"])),
        "long text": lambda: Group("Long text", 5, 0.4, _long(of["long text"])),
        "any code": lambda: Group(
            "Codes in texts", 3, 0.5, mentioned(of["any code"], telling(of["any code"])), parts=("share", "much")
        ),
    }
    found = {"description": Group("Description", 14, 0.62, described, parts=WORDED)}
    found |= {name: make() for name, make in made.items() if name in columns}
    if any(raw.strip() for raw in rows.get("price", ())):
        found["price"] = Group("Price", 2, 0.6, prices_agree(rows["price"]))
    for name, label in IDENTIFIERS.items():
        if name in columns:
            measure = trade_numbers if name == "gtin" else relations
            found[name] = Group(label, 10, 0.5, texts_by(columns[name], measure), hard=name in HARD)
    return found


def _same_kind(column: Column) -> Compare:
    return same_kind(column, [_kind(text) for text in column.texts])


def _doubt(columns: Mapping[str, Column]) -> Doubt:
    """Items whose part numbers or packs differ, and numbers of packs, which are a seller's own and not the maker's."""
    number = columns.get("part number")
    of_pack = np.zeros(len(columns["description"]), dtype=bool)
    if number is not None:
        starred = np.array(["*" in text for text in number.texts], dtype=bool)
        of_pack[number.owners[starred[number.codes]]] = True

    def doubted(pairs: Pairs, evidence: Mapping[str, Shares]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = of_pack[pairs.left] | of_pack[pairs.right]
        if "part number" in evidence:
            found |= evidence["part number"] < ANOTHER_NUMBER
        if "pack" in evidence:
            found |= evidence["pack"] == 0
        return found

    return doubted


def _long(column: Column) -> Compare:
    words = Words(column.texts, column.bearers)

    def shares(one: Numbers, other: Numbers) -> Shares:
        return words.shares(one, other)[0]

    return lambda pairs: compare(column, pairs.left, pairs.right, shares)
