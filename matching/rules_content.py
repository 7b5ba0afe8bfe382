"""What a rule set says, as JSON: thresholds, weights per level and blocking of one domain. Pure.

Features, measures, labels and groups stay declared in code: a rule set weighs what the code can compare.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from mdm import canonical
from mdm.spec import Comparison, Domain, Level, Matching

Content = Mapping[str, Any]

# Numbers and switches of the whole set; labels as people read them.
THRESHOLDS = {
    "auto": "Linked without a person from",
    "review": "Asked from",
    "margin": "Lead over a rival",
    "prior": "Before any evidence",
    "same_source": "Both of one source",
    "block_cap": "Most records of a key",
    "largest": "Most source records of a group",
    "one_per_source": "Each source lists a thing once",
}


def content_of(matching: Matching) -> dict[str, Any]:
    """The declaration as the content of a rule set; ``matching_of`` turns it back."""
    return {
        **{name: getattr(matching, name) for name in THRESHOLDS},
        "anchors": list(matching.anchors),
        "blocking": [list(names) for names in matching.blocking],
        "comparisons": {
            one.feature: {
                "levels": [[level.at_least, level.weight] for level in one.levels],
                "otherwise": one.otherwise,
                "rarity": one.rarity,
                "veto": one.veto,
            }
            for one in matching.comparisons
        },
    }


def matching_of(domain: Domain, content: Content) -> Matching:
    """The domain's declaration with thresholds, weights and blocking of the content, which has no fault.

    What the content does not compare is not compared.
    """
    weighed = content["comparisons"]
    return replace(
        domain.matching,
        **{name: content[name] for name in THRESHOLDS},
        anchors=tuple(content["anchors"]),
        blocking=tuple(tuple(names) for names in content["blocking"]),
        comparisons=tuple(
            _weighed(one, weighed[one.feature]) for one in domain.matching.comparisons if one.feature in weighed
        ),
    )


def _weighed(declared: Comparison, given: Mapping[str, Any]) -> Comparison:
    return replace(
        declared,
        levels=tuple(Level(float(at_least), float(weight)) for at_least, weight in given["levels"]),
        otherwise=float(given["otherwise"]),
        rarity=float(given["rarity"]),
        veto=given["veto"],
    )


def digest(content: Content) -> str:
    """Two contents that say the same have the same digest."""
    return canonical.digest(_plain(content))


def _plain(value: Any) -> Any:
    """Numbers as floats, so that 3 and 3.0 say the same."""
    if isinstance(value, Mapping):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


# What features that are never compared are called, by how they are made; others go by their own name.
_MADE = {
    "company_lead": "First word of the name",
    "company_skeleton": "Name without vowels",
    "house": "House number",
}


def labels(domain: Domain) -> dict[str, str]:
    """{feature: what people call it}."""
    compared = {one.feature: one.label for one in domain.matching.comparisons}
    return {
        feature.name: compared.get(feature.name)
        or _MADE.get(feature.make)
        or feature.name.replace("_", " ").capitalize()
        for feature in domain.matching.features
    }


def differences(domain: Domain, before: Content, after: Content) -> list[dict[str, str]]:
    """Everything the two say otherwise, in words: {label, before, after}."""
    old, new = dict(_lines(domain, before)), dict(_lines(domain, after))
    return [
        {"label": label, "before": old.get(label, ""), "after": new.get(label, "")}
        for label in {**old, **new}
        if old.get(label, "") != new.get(label, "")
    ]


def _lines(domain: Domain, content: Content) -> Iterable[tuple[str, str]]:
    named = labels(domain)
    for name, label in THRESHOLDS.items():
        yield label, _worded(content[name])
    for names in content["blocking"]:
        yield f"Records that share {pass_words(named, names)}", "are compared"
    for feature, one in content["comparisons"].items():
        label = named.get(feature, feature)
        yield f"{label}: levels", ", ".join(f"{at:g} gives {_signed(weight)}" for at, weight in one["levels"])
        yield f"{label}: disagreement", _signed(one["otherwise"])
        yield f"{label}: loss by commonness", _worded(one["rarity"])
        yield f"{label}: disagreement forbids", _worded(one["veto"])
        yield f"{label}: telling", _worded(feature in content["anchors"])


def pass_words(named: Mapping[str, str], names: Iterable[str]) -> str:
    """A blocking pass as people read it."""
    return " and ".join(named.get(name, name).lower() if not named.get(name, name).isupper() else named[name]
                        for name in names)  # fmt: skip


def _worded(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}"


def _signed(weight: float) -> str:
    return f"{weight:+g}".replace("-", "\N{MINUS SIGN}")
