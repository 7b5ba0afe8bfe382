"""The page on the quality of matching: figures in words, plots as numbers, examples with addresses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from matching.measured import NEAR, Picture
from matching.measuring import Recall, Share
from mdm.models import Link
from stewardship import drawing, evidence

# Checked links beside which an interval is narrow enough to go by: three in a hundred wrong would show.
ENOUGH = 100


@dataclass(frozen=True)
class Undone:
    """A link matching made that no longer stands: the two rows, who took it back and why, where it is explained."""

    score: float | None
    by: str
    reason: str
    titles: Sequence[str]
    href: str


def figures(found: Picture) -> list[dict[str, Any]]:
    """The four figures on top."""
    undone = found.figures.get("undone", {}).get("links", 0)
    return [
        {"label": "Links that are right", "value": _value(found.links.said), "note": _note(found.links.said)},
        {"label": "Found without a person", "value": _recall(found.found), "note": _recall_note(found.found)},
        {
            "label": "Questions that were one",
            "value": _value(found.questions.said),
            "note": _note(found.questions.said),
        },
        {
            "label": "Links later undone",
            "value": undone,
            "note": f"of {found.links.pairs + undone:,.0f} made without a person",
            "tone": "warn" if undone else "",
        },
    ]


def _value(share: Share) -> str:
    return "unknown" if share.value is None else f"{share.value:.1%}"


def _note(share: Share) -> str:
    if share.value is None:
        return "nobody has looked at any"
    return f"{share.low:.1%} to {share.high:.1%}, {share.hits:,} of {share.of:,}"


def _recall(recall: Recall | None) -> str:
    return "unknown" if recall is None else f"{recall.value:.1%}"


def _recall_note(recall: Recall | None) -> str:
    if recall is None:
        return "needs random checks"
    return f"{recall.low:.1%} to {recall.high:.1%} of pairs compared"


def bands(found: Picture) -> list[dict[str, Any]]:
    """Rows of the table of bands: what lies in each, and what people said of it."""
    rows = (
        ("Linked without a person", "from " + _percent(found.domain.matching.auto), found.links),
        ("Asked", "from " + _percent(found.domain.matching.review), found.questions),
        ("Just short of a question", f"{NEAR:.0%} to {_percent(found.domain.matching.review)}", found.near),
    )
    return [
        {
            "label": label,
            "limit": limit,
            "pairs": round(band.pairs),
            "looked_at": band.said.of,
            "value": _value(band.said),
            "range": f"{band.said.low:.1%} to {band.said.high:.1%}" if band.said.of else "",
            "true": f"{band.true[1]:,.0f} to {band.true[2]:,.0f}" if band.true else "unknown",
        }
        for label, limit, band in rows
    ]


def _percent(chance: float) -> str:
    return f"{100 * chance:g}%"


def plots(found: Picture) -> dict[str, Any]:
    """The histogram of the newest measurement and the calibration of all decisions; each None without any."""
    measured = found.figures
    return {
        "histogram": drawing.histogram(measured["histogram"], measured["review"], measured["auto"])
        if measured
        else None,
        "dots": drawing.calibration(found.bins),
        "square": drawing.SQUARE,
    }


def blocking(found: Picture) -> dict[str, Any]:
    """What each pass does and the keys held by most records, in words; empty without a measurement."""
    measured = found.figures
    if not measured:
        return {}
    cap = measured["block_cap"]
    return {
        "passes": [
            {
                "label": _named(found, one["features"]),
                "records": one["records"],
                "share": one["records"] / measured["sampled"],
                "left_out": one["left_out"],
            }
            for one in measured["passes"]
        ],
        "largest": [
            {
                "label": _named(found, one["features"]),
                "text": _texts(found, one),
                "held_by": one["held_by"],
                "left_out": one["held_by"] > cap,
            }
            for one in measured["largest_keys"]
        ],
    }


def _named(found: Picture, features: Sequence[str]) -> str:
    return " and ".join(evidence.label_of(found.domain, feature) for feature in features)


def _texts(found: Picture, key: Mapping[str, Any]) -> str:
    pairs = list(zip(key["features"], key["texts"], strict=True))
    named = evidence.titles([[{"left": text, "right": ""} for _, text in pairs]])
    return ", ".join(evidence.said(found.domain, feature, text, named) or "hidden" for feature, text in pairs)


def undone(found: Picture) -> list[Undone]:
    """The latest links that were undone, each with where it is explained. One query."""
    shown = found.figures.get("undone", {}).get("shown", [])
    sources = {pk for one in shown for pk in one["sources"]}
    links = Link.objects.filter(source_record__in=sources, ended_at__isnull=True).select_related("record")
    records = {link.source_record_id: link.record for link in links}
    rows = []
    for one in shown:
        pair = [records[pk] for pk in one["sources"] if pk in records]
        if len(pair) == 2:
            titles = [record.title or record.code for record in pair]
            href = f"{reverse('stewardship:explain')}?rows={','.join(map(str, one['sources']))}"
            rows.append(Undone(one["score"], one["by"], one["reason"], titles, href))
    return rows
