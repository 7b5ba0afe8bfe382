"""What a trial counts: golden records that would join, split or stay, and a few examples of each. Pure but for one
second look at those that change, by the rules in force."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, islice
from typing import Any
from uuid import UUID

from matching.rematch_looking import Judged, Piece, View, between, judge, look
from matching.scoring import Score, sentence
from mdm.spec import Domain

BINS = 10
EXAMPLES = 12  # of each kind
_MOST_SHOWN = 8  # source records of one example


@dataclass
class Tally:
    """Counts by name, pairs by score (``bins``: before, after) and examples."""

    figures: dict[str, int] = field(default_factory=dict)
    bins: list[list[int]] = field(default_factory=lambda: [[0] * BINS, [0] * BINS])
    examples: list[dict[str, Any]] = field(default_factory=list)

    def count(self, name: str, number: int = 1) -> None:
        """So many more of these."""
        self.figures[name] = self.figures.get(name, 0) + number

    def show(
        self,
        kind: str,
        groups: Sequence[Sequence[int]],
        goldens: Collection[UUID],
        found: Score,
        chance: float | None = None,
    ) -> None:
        """One more example, none twice; ``chance`` is that of the whole groups, where it is not that of a pair."""
        example = {
            "kind": kind,
            "groups": [list(group[:_MOST_SHOWN]) for group in groups[:_MOST_SHOWN]],
            "records": sorted(str(golden) for golden in goldens),
            "score": found.probability if chance is None else chance,
            "sentence": sentence(found)[:300],
        }
        if not any(_same(example, one) for one in self.examples):
            self.examples.append(example)

    def added_to(
        self, figures: Mapping[str, Any], examples: Sequence[Mapping[str, Any]]
    ) -> tuple[dict[str, Any], list[Mapping[str, Any]]]:
        """Figures and examples counted so far and these together, as a trial keeps them."""
        counted = {name: value for name, value in figures.items() if name != "bins"}
        for name, number in self.figures.items():
            counted[name] = counted.get(name, 0) + number
        old = figures.get("bins") or [[0] * BINS, [0] * BINS]
        bins = [[a + b for a, b in zip(*both, strict=True)] for both in zip(old, self.bins, strict=True)]
        kept = list(examples)
        for one in self.examples:
            alike = [other for other in kept if other["kind"] == one["kind"]]
            if len(alike) < EXAMPLES and not any(_same(one, other) for other in alike):
                kept.append(one)
        return {**counted, "bins": bins}, kept


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return bool(one["kind"] == other["kind"] and one["records"] == other["records"])


def tally(view: View, seeds: Sequence[UUID], present: Domain) -> Tally:
    """Count what would become of these golden records."""
    judged, found = judge(view, seeds), Tally()
    changed = [golden for golden in seeds if golden in judged.at and (judged.splits(golden) or judged.joins(golden))]
    anyway = judge(look(present, present.matching, changed), changed) if changed else Judged()
    for golden in seeds:
        if golden not in judged.at:
            found.count("left alone")
            continue
        _count(view, judged, anyway, golden, found)
    for kept in judged.kept:
        found.count(kept.kind)
        others = {home for pk in kept.records if (home := view.scored.known[pk].golden)}
        found.show(kept.kind, [[pk] for pk in kept.records], others, kept.score)
    for doubt in judged.doubts:
        ours = {piece.golden for piece in judged.groups[doubt.left]}
        theirs = {piece.golden for piece in judged.groups[doubt.right]}
        if min(ours | theirs) in seeds:
            found.count("doubted" if doubt.left == doubt.right else "asked")
            a, b, best = doubt.pairs[0]
            found.show("doubted" if doubt.left == doubt.right else "asked", [[a], [b]], ours | theirs, best)
    found.count("verified", sum(len(one) for one in view.together if _home(view, one) in seeds))
    found.count("large", judged.large)
    _bins(view, seeds, found)
    return found


def _home(view: View, records: frozenset[int]) -> UUID | None:
    return view.scored.known[min(records)].golden


def _count(view: View, judged: Judged, anyway: Judged, golden: UUID, found: Tally) -> None:
    kind = "split" if judged.splits(golden) else "join" if judged.joins(golden) else "stay"
    found.count(kind)
    if kind == "stay":
        return
    today = anyway.at.get(golden) and (anyway.splits(golden) if kind == "split" else anyway.joins(golden))
    found.count(f"{kind} today", int(bool(today)))
    groups = [judged.groups[number] for number in judged.at[golden]]
    if kind == "split":
        parts = [[pk for piece in group if piece.golden == golden for pk in piece.records] for group in groups]
        found.count("more", len(parts) - 1)
        found.show("split", parts, [golden], *_likest(view, parts, weakest=True))
    else:
        together = _by_golden(groups[0])
        if golden == min(together):
            found.count("fewer", len(together) - 1)
        found.show("join", list(together.values()), together, *_likest(view, list(together.values()), weakest=False))


def _by_golden(group: Sequence[Piece]) -> dict[UUID, list[int]]:
    together: dict[UUID, list[int]] = {}
    for piece in group:
        together.setdefault(piece.golden, []).extend(piece.records)
    return together


def _likest(view: View, parts: Sequence[Sequence[int]], *, weakest: bool) -> tuple[Score, float]:
    """Of the two parts most alike, one pair (what speaks against them, or for them) and how likely they are one."""
    pairs = islice(combinations(parts, 2), _MOST_SHOWN)
    found = [between(view.scored, left[:_MOST_SHOWN], right[:_MOST_SHOWN], weakest=weakest) for left, right in pairs]
    chance, pair = max(found, key=lambda one: one[0])
    return pair, chance


def _bins(view: View, seeds: Collection[UUID], found: Tally) -> None:
    """Every compared pair by its score, before and after; a pair counts with the golden record of its smaller id."""
    for a, b in view.pairs:
        if view.scored.known[a].golden in seeds:
            for series, scored in zip(found.bins, (view.before, view.scored), strict=True):
                series[min(BINS - 1, int(scored.score(a, b).probability * BINS))] += 1
