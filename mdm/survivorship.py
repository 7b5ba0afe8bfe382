"""Survivorship: which of the offered values survives, and which rule chose it. Pure; no database.

Every choice is total: ties fall to the better trusted source, then the newer value, then the smaller source key, so
the same offers always give the same answer whatever their order.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mdm.spec import Attribute, Part, Rule

STEWARDED = "approved edit"
LEFT_OUT = "left_out"  # on a row of an approved edit: the row with this key does not survive
PIN_RANK = 0  # the internal source of approved edits outranks every other


@dataclass(frozen=True)
class Offer:
    """What one linked source record offers: its values, its parts, and what trust and time say about it."""

    source_record: int
    source: str
    key: str
    rank: int
    as_of: datetime
    values: Mapping[str, Any]
    parts: Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Survivor:
    """A surviving value, the offer it came from and the rule that chose it."""

    value: Any
    offer: Offer
    rule: str


def is_blank(value: Any) -> bool:
    """Whether a source that gives this says nothing."""
    return value is None or value == "" or value == [] or value == {}


def trust_order(offer: Offer) -> tuple[int, float, str, str]:
    """Best trusted first, then newest, then smallest key."""
    return (offer.rank, -offer.as_of.timestamp(), offer.source, offer.key)


def _recency_order(offer: Offer) -> tuple[float, int, str, str]:
    return (-offer.as_of.timestamp(), offer.rank, offer.source, offer.key)


def choose(name: str, rule: Rule, offers: Sequence[Offer]) -> Survivor | None:
    """The survivor of one attribute, or None when no offer says anything. An approved edit may survive as blank."""
    stewarded = [offer for offer in offers if offer.rank == PIN_RANK and name in offer.values]
    if stewarded:  # an approved edit may also say: there is no value
        best = min(stewarded, key=_recency_order)
        return Survivor(best.values[name], best, STEWARDED)
    speaking = [offer for offer in offers if not is_blank(offer.values.get(name))]
    if not speaking:
        return None
    if rule is Rule.NEWEST:
        best = min(speaking, key=_recency_order)
    elif rule is Rule.LONGEST:
        best = min(speaking, key=lambda offer: (-len(str(offer.values[name])), *trust_order(offer)))
    elif rule is Rule.MOST_FREQUENT:
        counts = Counter(str(offer.values[name]) for offer in speaking)
        best = min(speaking, key=lambda offer: (-counts[str(offer.values[name])], *trust_order(offer)))
    else:
        best = min(speaking, key=trust_order)
    return Survivor(best.values[name], best, rule.value)


def choose_block(block: str, attributes: Sequence[Attribute], offers: Sequence[Offer]) -> dict[str, Survivor]:
    """Attributes that survive together, all from the one offer that fills the block best among the best trusted.

    An offer counts when it fills at least half of what the fullest one fills, so that a lone city never displaces a
    whole address; among those trust decides. An approved edit of a single attribute overrides just that attribute.
    """
    names = [attribute.name for attribute in attributes]
    ordinary = [offer for offer in offers if offer.rank != PIN_RANK]
    filled = {id(offer): sum(not is_blank(offer.values.get(name)) for name in names) for offer in ordinary}
    fullest = max(filled.values(), default=0)
    chosen: dict[str, Survivor] = {}
    if fullest:
        best = min((offer for offer in ordinary if filled[id(offer)] * 2 >= fullest), key=trust_order)
        for name in names:
            if not is_blank(best.values.get(name)):
                chosen[name] = Survivor(best.values[name], best, f"block {block}")
    pinned = [offer for offer in offers if offer.rank == PIN_RANK]
    for name in names:
        edit = choose(name, Rule.SOURCE_ORDER, pinned)
        if edit is not None:
            chosen[name] = edit
    return chosen


def survive(attributes: Iterable[Attribute], offers: Sequence[Offer]) -> dict[str, Survivor]:
    """The survivors of a record: {attribute: survivor}; attributes nobody speaks of are absent."""
    if len(offers) == 1 and offers[0].rank != PIN_RANK:
        return _unrivalled(attributes, offers[0])
    chosen: dict[str, Survivor] = {}
    blocks: dict[str, list[Attribute]] = {}
    for attribute in attributes:
        if attribute.block:
            blocks.setdefault(attribute.block, []).append(attribute)
            continue
        survivor = choose(attribute.name, attribute.rule, offers)
        if survivor is not None:
            chosen[attribute.name] = survivor
    for block, members in blocks.items():
        chosen.update(choose_block(block, members, offers))
    return chosen


def _unrivalled(attributes: Iterable[Attribute], offer: Offer) -> dict[str, Survivor]:
    """What ``survive`` answers where one source speaks alone, as most golden records begin: all it says."""
    said = ((attribute, offer.values.get(attribute.name)) for attribute in attributes)
    return {
        attribute.name: Survivor(value, offer, f"block {attribute.block}" if attribute.block else attribute.rule.value)
        for attribute, value in said
        if not is_blank(value)
    }


def part_key(part: Part, row: Mapping[str, Any]) -> str:
    """What makes two rows of a part the same row: its key attributes, blind to case and spacing; 300 characters."""
    return "|".join(" ".join(_text(row.get(name)).upper().split()) for name in part.key)[:300]


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return str(value.get("record") or f"{value.get('system', '')}:{value.get('key', '')}")
    return str(value)


def unite(part: Part, offers: Sequence[Offer]) -> dict[str, Survivor]:
    """The union of a part's rows by key: {part key: survivor whose value is the row}; trust decides each key.

    An approved edit may say of a key that its row does not survive.
    """
    rows: dict[str, Survivor] = {}
    for offer in sorted(offers, key=trust_order):
        for row in offer.parts.get(part.name, ()):
            kept = {name: value for name, value in row.items() if not is_blank(value)}
            if kept:
                rows.setdefault(part_key(part, row), Survivor(kept, offer, "union"))
    return {
        key: row for key, row in rows.items() if not (row.offer.rank == PIN_RANK and row.value.get(LEFT_OUT) is True)
    }
