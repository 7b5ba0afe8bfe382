"""A rule set as a form: numbers typed by hand, read back with whatever was typed, so that every fault shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from matching.rules_content import THRESHOLDS, Content, labels
from matching.rules_faults import MOST_LEVELS, Fault
from mdm.spec import Domain

WHOLE = ("block_cap", "largest")
HELP = {
    "auto": "A probability. What scores as much, and agrees in something telling, is linked without a person.",
    "review": "A probability. From here a person is asked; below, a record is new.",
    "margin": "Points. Nothing is linked while another group is as near as this.",
    "prior": "Points any two records start with: the rarer duplicates are, the lower.",
    "same_source": "Points added when both records come from one source.",
    "block_cap": "A value shared by more records than this compares nobody: it tells nothing.",
    "largest": "Groups of more source records than this are never made without a person.",
    "one_per_source": "Two records of one source are then never linked without a person.",
}


def read(domain: Domain, data: Mapping[str, str]) -> dict[str, Any]:
    """The content a form was sent with. What is no number stays the text it is, and is judged as such."""
    content: dict[str, Any] = {name: _number(data.get(name, "")) for name in THRESHOLDS}
    content |= {name: _whole(data.get(name, "")) for name in WHOLE}
    content["one_per_source"] = data.get("one_per_source") == "on"
    features = [one.feature for one in domain.matching.comparisons if data.get(f"{one.feature}.used") == "on"]
    known = {label.lower(): name for name, label in labels(domain).items()}
    lines = [line for line in data.get("blocking", "").splitlines() if line.strip()]
    return {
        **content,
        "blocking": [[_feature(known, word) for word in line.split("+")] for line in lines],
        "anchors": [feature for feature in features if data.get(f"{feature}.anchor") == "on"],
        "comparisons": {feature: _comparison(feature, data) for feature in features},
    }


def _comparison(feature: str, data: Mapping[str, str]) -> dict[str, Any]:
    levels = [
        (data.get(f"{feature}.{number}.at", "").strip(), data.get(f"{feature}.{number}.weight", "").strip())
        for number in range(MOST_LEVELS + 1)
    ]
    return {
        "levels": [[_number(at), _number(weight)] for at, weight in levels if at or weight],
        "otherwise": _number(data.get(f"{feature}.otherwise", "")),
        "rarity": _number(data.get(f"{feature}.rarity", "") or "0"),
        "veto": data.get(f"{feature}.veto") == "on",
    }


def _feature(known: Mapping[str, str], word: str) -> str:
    """An attribute by the name matching has for it, or by what people call it."""
    text = word.strip().lower()
    return known.get(text, text)


def _number(text: str) -> Any:
    plain = text.strip().replace("\N{MINUS SIGN}", "-").replace(",", ".")
    try:
        return float(plain)
    except ValueError:
        return text.strip()


def _whole(text: str) -> Any:
    found = _number(text)
    return int(found) if isinstance(found, float) and found.is_integer() else found


def shown(domain: Domain, content: Content, faults: Sequence[Fault] = ()) -> dict[str, Any]:
    """What the form and the read-only page show: thresholds, one line per comparison, passes, all with their faults."""
    wrong: dict[str, list[str]] = {}
    for place, sentence in faults:
        wrong.setdefault(place, []).append(sentence)
    named = labels(domain)
    return {
        "thresholds": [
            {
                "name": name,
                "label": label,
                "value": _text(content.get(name, "")),
                "help": HELP[name],
                "whole": name in WHOLE,
                "wrong": wrong.get(name, []),
            }
            for name, label in THRESHOLDS.items()
            if name != "one_per_source"
        ],
        "one_per_source": bool(content.get("one_per_source")),
        "comparisons": [_line(one.feature, one.label, content, wrong) for one in domain.matching.comparisons],
        "blocking": "\n".join(" + ".join(map(str, names)) for names in content.get("blocking") or ()),
        "passes": [[named.get(name, str(name)) for name in names] for names in content.get("blocking") or ()],
        "blocking_wrong": wrong.get("blocking", []),
        "names": [(feature.name, named[feature.name]) for feature in domain.matching.features],
        "faults": [{"place": _field(place, content), "text": sentence} for place, sentence in faults],
    }


def _line(feature: str, label: str, content: Content, wrong: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    given = (content.get("comparisons") or {}).get(feature)
    levels = list((given or {}).get("levels") or ())
    spare = [["", ""]] * (len(levels) < MOST_LEVELS)
    mine = [text for place, texts in wrong.items() if place.split(".")[0] == feature for text in texts]
    return {
        "feature": feature,
        "label": label,
        "used": given is not None,
        "levels": [
            {"number": number, "at": _text(at), "weight": _text(weight), "kept": at != ""}
            for number, (at, weight) in enumerate([*levels, *spare])
        ],
        "otherwise": _text((given or {}).get("otherwise", "")),
        "rarity": _text((given or {}).get("rarity", 0)),
        "veto": bool((given or {}).get("veto")),
        "anchor": feature in (content.get("anchors") or ()),
        "wrong": mine,
    }


def _field(place: str, content: Content) -> str:
    """The id of the field a fault is about; "" where none is."""
    feature, _, part = place.partition(".")
    if feature in (content.get("comparisons") or {}):
        return f"id-{feature}-{part if part in ('otherwise', 'rarity') else 'used'}"
    if place in ("anchors", "comparisons"):
        return "weights"
    return f"id-{place}" if place else ""


def _text(value: Any) -> str:
    """A number as one types it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, int | float) else str(value)
