"""Items: descriptions, model codes, measures and packs, makers, prices, identifiers."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice, repeat

import numpy as np
from numpy.typing import NDArray

from matching.engine.candidates import Pairs
from matching.engine.columns import Column, Making, Numbers, Shares, compare
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
    SHARED,
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
from matching.engine.texts import AT_ONCE
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
ANOTHER_CODE = 0.5  # of what the codes of descriptions tell, shared at least by two that are called alike
CODE_START = 6  # characters two codes of one item share where one of them goes on


@lru_cache(maxsize=8192)
def _words(raw: str) -> str:
    return " ".join(dict.fromkeys(item_words(raw[:LONGEST])))


@lru_cache(maxsize=8192)
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
    remaining = {attribute: iter(rows.get(attribute) or repeat("", size)) for attribute in (*_READ, *IDENTIFIERS)}
    making = {name: Making() for name in (*_MADE, *IDENTIFIERS)}
    # What is read of one text serves several columns, and is remembered for so long.
    for _ in range(0, size, AT_ONCE):
        part = {attribute: list(islice(texts, AT_ONCE)) for attribute, texts in remaining.items()}
        for name, lists in _made(part).items():
            making[name].add(lists)
    columns = {name: made.column() for name, made in making.items()}
    columns["part number"] = without_series(columns["part number"])
    return {name: column for name, column in columns.items() if name == "description" or column.share_filled() > 0}


_READ = ("name", "description", "manufacturer", "manufacturer_part_number", "pack_quantity")
_MADE = (
    "description", "long text", "code", "any code", "part number", "maker", "number", "measure", "variant", "pack"
)  # fmt: skip


def _made(rows: Mapping[str, list[str]]) -> dict[str, list[Collection[str]]]:
    """By the name of a column what each of these records bears there."""
    both = list(zip(rows["name"], rows["description"], strict=True))
    text = [(name if name.strip() else other)[:LONGEST] for name, other in both]
    longer = [other[:LONGEST] if name.strip() else "" for name, other in both]
    numbers = [raw[:LONGEST_FIELD] for raw in rows["manufacturer_part_number"]]
    own = [dict.fromkeys((*_bare(number), *codes(raw))) for raw, number in zip(text, numbers, strict=True)]
    packs = zip(text, numbers, rows["pack_quantity"], strict=True)
    return {
        "description": [[_words(raw)] for raw in text],
        "long text": [[_words(raw)] for raw in longer],
        "code": list(own),
        "any code": [
            ({**of, **dict.fromkeys(codes(more))} if more else ()) for of, more in zip(own, longer, strict=True)
        ],
        "part number": [part_numbers(raw) for raw in numbers],
        "maker": [[_maker(raw)] for raw in rows["manufacturer"]],
        "number": [_numbers(raw) for raw in text],
        "measure": [sorted(measures(raw).amounts) for raw in text],
        "variant": [sorted(variants(raw)) for raw in text],
        "pack": [dict.fromkeys((*_counted(told), *_packs(raw, number))) for raw, number, told in packs],
        **{code: [[numbers_plain(raw)] for raw in rows[code]] for code in IDENTIFIERS},
    }


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
    """Items whose part numbers or packs differ, and numbers of packs, which are a seller's own and not the maker's.

    Where nobody gives part numbers, items of which each is called by a code that the other is not.
    """
    number = columns.get("part number")
    called = mentioned(code, telling(code)) if number is None and (code := columns.get("code")) else None
    of_pack = np.zeros(len(columns["description"]), dtype=bool)
    if number is not None:
        starred = np.array(["*" in text for text in number.texts], dtype=bool)
        of_pack[number.owners[starred[number.codes]]] = True

    def doubted(pairs: Pairs, evidence: Mapping[str, Shares]) -> NDArray[np.bool_]:
        found: NDArray[np.bool_] = of_pack[pairs.left] | of_pack[pairs.right]
        if "part number" in evidence:
            found |= evidence["part number"] < ANOTHER_NUMBER
        elif called is not None:
            unshared = called(pairs)[:, 0] < ANOTHER_CODE
            related = (evidence["code"] >= ANOTHER_NUMBER * SHARED) & (evidence["code"] < SHARED)
            found |= unshared & ~related
        if "pack" in evidence:
            found |= evidence["pack"] == 0
        return found

    return doubted


def _long(column: Column) -> Compare:
    words = Words(column.texts, column.bearers)

    def shares(one: Numbers, other: Numbers) -> Shares:
        return words.shares(one, other)[0]

    return lambda pairs: compare(column, pairs.left, pairs.right, shares)
