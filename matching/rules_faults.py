"""Everything that keeps a rule set from working, found at once and told in business words. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from itertools import pairwise
from typing import Any

from matching.rules_content import THRESHOLDS, Content, labels, matching_of, pass_words
from matching.scoring import probability
from mdm.spec import Domain, Matching

# (where: the name of the field it is about, a sentence)
Fault = tuple[str, str]

MOST_BITS = 60.0
_BEYOND = 1e9  # no number of a rule set comes near; neither infinity nor what is no number is below it
MOST_PASSES, WIDEST_PASS, MOST_LEVELS = 24, 5, 6
_WORDS = (*THRESHOLDS, "anchors", "blocking", "comparisons")


def faults(domain: Domain, content: Any) -> list[Fault]:
    """Every (field, sentence) that speaks against these rules; none where they can be used."""
    if not isinstance(content, Mapping):
        return [("", "A rule set is thresholds, weights and blocking; this is none.")]
    found: list[Fault] = [("", f'A rule set says nothing of "{name}".') for name in content if name not in _WORDS]
    missing = [name for name in _WORDS if name not in content]
    found += [(name, f"{THRESHOLDS.get(name, name.capitalize())}: this is missing.") for name in missing]
    for name, judge in _JUDGES.items():
        if name not in missing:
            found += judge(domain, content)
    found += _thresholds(content)
    return found or list(_together(domain, matching_of(domain, content)))


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _BEYOND


def _thresholds(content: Content) -> Iterator[Fault]:
    for name in ("auto", "review"):
        if name in content and not (_number(content[name]) and 0 < content[name] < 1):
            yield name, f"{THRESHOLDS[name]}: give a probability between 0 and 1."
    for name in ("prior", "same_source"):
        if name in content and not (_number(content[name]) and abs(content[name]) <= MOST_BITS):
            yield name, f"{THRESHOLDS[name]}: give a weight from -{MOST_BITS:g} to {MOST_BITS:g}."
    if "margin" in content and not (_number(content["margin"]) and 0 <= content["margin"] <= MOST_BITS):
        yield "margin", f"{THRESHOLDS['margin']}: give a weight from 0 to {MOST_BITS:g}."
    for name, most in (("block_cap", 2000), ("largest", 500)):
        value = content.get(name, 2)
        if not isinstance(value, int) or isinstance(value, bool) or not 2 <= value <= most:
            yield name, f"{THRESHOLDS[name]}: give a whole number from 2 to {most:,}."
    if not isinstance(content.get("one_per_source", False), bool):
        yield "one_per_source", f"{THRESHOLDS['one_per_source']}: say yes or no."
    both = content.get("auto"), content.get("review")
    if all(_number(one) and 0 < one < 1 for one in both) and both[1] >= both[0]:  # type: ignore[operator]
        yield (
            "review",
            (
                "People are asked below what is linked without them: the limit for asking must be lower than the limit "
                "for linking."
            ),
        )


def _unknown(domain: Domain, name: object) -> str:
    """A sentence about an attribute matching does not know, with what was probably meant."""
    known = [feature.name for feature in domain.matching.features]
    near = get_close_matches(str(name).lower(), known, n=1, cutoff=0.6)
    hint = f'Did you mean "{near[0]}"?' if near else f"There are {', '.join(known)}."
    return f'Matching knows no attribute "{str(name)[:60]}" of {domain.plural.lower()}. {hint}'


def _named(domain: Domain, name: object) -> bool:
    return any(feature.name == name for feature in domain.matching.features)


def _blocking(domain: Domain, content: Content) -> Iterator[Fault]:
    passes = content["blocking"]
    if not isinstance(passes, Sequence) or isinstance(passes, str) or not passes:
        yield "blocking", "No pass says which records are compared, so nothing would ever match. Give at least one."
        return
    if len(passes) > MOST_PASSES:
        yield "blocking", f"{len(passes)} passes are more than the {MOST_PASSES} that can be kept up with."
    seen: list[Any] = []
    for number, names in enumerate(passes, 1):
        if not isinstance(names, Sequence) or isinstance(names, str) or not names:
            yield "blocking", f"Pass {number} names no attribute."
            continue
        yield from (("blocking", f"Pass {number}: {_unknown(domain, n)}") for n in names if not _named(domain, n))
        if len(names) > WIDEST_PASS:
            yield "blocking", f"Pass {number} joins {len(names)} attributes; at most {WIDEST_PASS} make a key."
        if names in seen:
            yield "blocking", f"Pass {number} is there twice."
        seen.append(names)


def _comparisons(domain: Domain, content: Content) -> Iterator[Fault]:
    given = content["comparisons"]
    if not isinstance(given, Mapping) or not given:
        yield "comparisons", "No attribute is compared, so nothing would ever match. Give at least one."
        return
    declared = {one.feature for one in domain.matching.comparisons}
    for feature, one in given.items():
        if feature not in declared:
            known = _named(domain, feature)
            yield feature, f'"{feature}" is never compared.' if known else _unknown(domain, feature)
        elif not isinstance(one, Mapping) or one.keys() != {"levels", "otherwise", "rarity", "veto"}:
            yield feature, f"{labels(domain)[feature]}: levels, disagreement, commonness and forbidding are needed."
        else:
            yield from _comparison(labels(domain)[feature], feature, one)


def _comparison(label: str, feature: str, one: Mapping[str, Any]) -> Iterator[Fault]:
    if not _number(one["otherwise"]) or abs(one["otherwise"]) > MOST_BITS:
        yield f"{feature}.otherwise", f"{label}: disagreement weighs from -{MOST_BITS:g} to {MOST_BITS:g}."
    if not _number(one["rarity"]) or not 0 <= one["rarity"] <= MOST_BITS:
        yield f"{feature}.rarity", f"{label}: the loss by commonness is a weight from 0 to {MOST_BITS:g}."
    if not isinstance(one["veto"], bool):
        yield f"{feature}.veto", f"{label}: say yes or no to whether disagreement forbids linking."
    levels = one["levels"]
    if not isinstance(levels, Sequence) or isinstance(levels, str) or not 1 <= len(levels) <= MOST_LEVELS:
        yield f"{feature}.levels", f"{label}: give one to {MOST_LEVELS} levels of agreement."
        return
    if not all(_level(level) for level in levels):
        limit = f"above 0 and at most 1, its weight from -{MOST_BITS:g} to {MOST_BITS:g}"
        yield f"{feature}.levels", f"{label}: the similarity of a level is {limit}."
        return
    if any(a[0] <= b[0] or a[1] < b[1] for a, b in pairwise(levels)):
        yield f"{feature}.levels", f"{label}: levels fall, in similarity and in weight: more alike never counts less."
    if _number(one["otherwise"]) and levels[-1][1] < one["otherwise"] <= MOST_BITS:
        yield f"{feature}.otherwise", f"{label}: disagreement weighs more than the lowest level of agreement."


def _level(level: Any) -> bool:
    if not isinstance(level, Sequence) or isinstance(level, str) or len(level) != 2:
        return False
    at_least, weight = level
    return _number(at_least) and _number(weight) and 0 < at_least <= 1 and abs(weight) <= MOST_BITS


def _anchors(domain: Domain, content: Content) -> Iterator[Fault]:
    given = content["anchors"]
    if not isinstance(given, Sequence) or isinstance(given, str):
        yield "anchors", "Telling attributes are a list."
        return
    if not given:
        yield (
            "anchors",
            "No attribute is telling, so nothing would be linked without a person. Choose at least one.",
        )
    for name in given:
        if not _named(domain, name):
            yield "anchors", _unknown(domain, name)
        elif isinstance(content.get("comparisons"), Mapping) and name not in content["comparisons"]:
            yield f"{name}.anchor", f"{labels(domain)[name]} is telling but not compared: compare it too."


_JUDGES: Mapping[str, Callable[[Domain, Content], Iterable[Fault]]] = {
    "blocking": _blocking,
    "comparisons": _comparisons,
    "anchors": _anchors,
}


def _together(domain: Domain, matching: Matching) -> Iterator[Fault]:
    """What only shows once everything can be read: counts that nothing counts, limits that nothing reaches."""
    named = labels(domain)
    alone = {names[0] for names in matching.blocking if len(names) == 1}
    if matching.names and matching.names not in alone:
        yield (
            "blocking",
            (
                f"A pass of {pass_words(named, [matching.names])} alone is missing: records known by name only would "
                "find nobody."
            ),
        )
    for one in matching.comparisons:
        if one.rarity and one.feature not in alone:
            yield (
                f"{one.feature}.rarity",
                f"{one.label}: how common a value is can only be counted with a pass of {one.label} alone.",
            )
    best = matching.prior + _best(matching)
    reached = probability(best)
    if reached < matching.auto:
        yield (
            "auto",
            (
                f"Records that agree in everything reach {reached:.3f}: nothing would ever be linked. Lower the limit, "
                "or let agreement weigh more."
            ),
        )
    worst = matching.prior + _worst(matching)
    if probability(worst) >= matching.review:
        yield (
            "prior",
            (
                f"Records that disagree in everything still reach {probability(worst):.3f}: everything would be asked. "
                "Raise the limit, or let disagreement weigh more."
            ),
        )


def _best(matching: Matching) -> float:
    """The sum where everything agrees; of a group only the strongest counts."""
    groups: dict[str, float] = {}
    for one in matching.comparisons:
        key = one.group or one.feature
        groups[key] = max(groups.get(key, 0.0), one.levels[0].weight)
    return sum(groups.values())


def _worst(matching: Matching) -> float:
    groups: dict[str, float] = {}
    for one in matching.comparisons:
        key = one.group or one.feature
        groups[key] = min(groups.get(key, 0.0), one.otherwise)
    return sum(groups.values())
