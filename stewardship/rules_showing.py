"""What a trial found, for people: figures and what they mean for the whole, a plot of scores, examples side by side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from matching.measuring import share
from matching.models import RuleTrial
from mdm.domains import BY_NAME
from mdm.mastering import follow_merges
from mdm.models import GoldenRecord, SourceRecord
from mdm.queries import masked
from mdm.spec import Attribute, Domain
from stewardship import showing

BAR, STEP, HEIGHT = 16, 44, 96
_LEAST = 1.5  # a single pair must still be seen

KINDS: Mapping[str, tuple[str, str]] = {
    "join": ("Would become one", "Records that are two today and one under the draft."),
    "split": ("Would fall apart", "Records linked by the hub that the draft no longer holds together."),
    "asked": ("People would be asked", "New questions: too alike to pass over, too unlike to link."),
    "doubted": ("Held together by people, doubted by the draft", "Only asked about; nothing is split."),
    "together": ("Kept together: a person said so", "The draft alone would split these. It does not."),
    "apart": ("Kept apart: a person said so", "The draft alone would link these. It does not."),
}


@dataclass(frozen=True)
class Bar:
    """One tenth of the scores: how many pairs before and after, as heights from the ground of the plot."""

    low: int
    before: int
    after: int
    x: int
    before_height: float
    after_height: float


def figures(trial: RuleTrial) -> list[dict[str, Any]]:
    """Join, split, stay, asked and no longer asked; of a sample with what that means for all."""
    told = trial.figures
    of = sum(told.get(name, 0) for name in ("join", "split", "stay"))

    def line(name: str, label: str, tone: str = "") -> dict[str, Any]:
        count = told.get(name, 0)
        notes = [_of_all(trial, count, of)] if trial.sample and name in ("join", "split", "stay") else []
        if today := told.get(f"{name} today", 0):
            notes.append(f"{today:,} of them by the rules in force too, on a fresh look")
        return {"label": label, "value": count, "tone": tone if count else "", "note": "; ".join(filter(None, notes))}

    return [
        line("join", "Join another"),
        line("split", "Fall apart", "warn"),
        line("stay", "Stay as they are"),
        line("asked", "New questions"),
        line("no longer asked", "Questions no longer asked"),
    ]


def _of_all(trial: RuleTrial, count: int, of: int) -> str:
    found = share(count, of)
    low, high = (round(limit * trial.population) for limit in (found.low, found.high))
    return f"of all {trial.population:,}: {low:,} to {high:,}"


def respected(trial: RuleTrial) -> list[str]:
    """Which human decisions stand against the draft, in sentences."""
    told = trial.figures
    lines = []
    if number := told.get("verified", 0):
        lines.append(f"{number:,} source records are held together by people; none of them is taken apart.")
    if number := told.get("together", 0):
        lines.append(f"{number:,} groups the draft alone would split stay together, because a person merged them.")
    if number := told.get("apart", 0):
        lines.append(f"{number:,} records the draft alone would link stay apart, because a person said no.")
    if number := told.get("large", 0):
        lines.append(f"{number:,} records hold too many source records to be taken apart, and are left as they are.")
    if number := told.get("left alone", 0):
        lines.append(f"{number:,} records were left alone: retired, known by name only, or not read by matching yet.")
    return lines or ["No decision of a person stands against the draft in what was looked at."]


def plot(trial: RuleTrial) -> dict[str, Any] | None:
    """Compared pairs by tenths of the score under the rules in force and under the draft; None without any."""
    before, after = trial.figures.get("bins") or ((), ())
    highest = max([*before, *after], default=0)
    if not highest:
        return None
    bars = [
        Bar(number * 10, ours, theirs, number * STEP, _height(ours, highest), _height(theirs, highest))
        for number, (ours, theirs) in enumerate(zip(before, after, strict=True))
    ]
    return {"bars": bars, "width": STEP * len(bars), "height": HEIGHT, "highest": highest, "bar": BAR}


def _height(count: int, highest: int) -> float:
    return max(round(count / highest * HEIGHT, 1), _LEAST) if count else 0


def examples(trial: RuleTrial) -> list[dict[str, Any]]:
    """The examples by kind, records side by side. Four queries, however many."""
    domain = BY_NAME[trial.domain]
    ids = {pk for one in trial.examples for group in one["groups"] for pk in group}
    sources = SourceRecord.objects.select_related("system").in_bulk(sorted(ids))
    wanted = {UUID(record) for one in trial.examples for record in one["records"]}
    now = follow_merges(wanted)
    goldens = GoldenRecord.objects.in_bulk(set(now.values()))
    shown: dict[str, list[dict[str, Any]]] = {}
    for one in trial.examples:
        held = [goldens[now[UUID(record)]] for record in one["records"] if UUID(record) in now]
        shown.setdefault(one["kind"], []).append(
            {
                **_side_by_side(domain, one["groups"], sources),
                "score": one["score"],
                "sentence": one["sentence"],
                "records": [{"code": g.code, "href": showing.record_address(domain.name, g.code)} for g in held],
            }
        )
    return [
        {"kind": kind, "title": title, "text": text, "cases": shown[kind]}
        for kind, (title, text) in KINDS.items()
        if kind in shown
    ]


def _side_by_side(
    domain: Domain, groups: Sequence[Sequence[int]], sources: Mapping[int, SourceRecord]
) -> dict[str, Any]:
    """Members and rows as ``partials/compare.html`` takes them; the groups are told by a letter."""
    members = [
        (chr(ord("A") + number), sources[pk]) for number, group in enumerate(groups) for pk in group if pk in sources
    ]
    rows = []
    for attribute in domain.attributes:
        cells = [_worded(attribute, one.values.get(attribute.name)) for _, one in members]
        told = [cell for cell in cells if cell]
        if told:
            differs = len(set(told)) > 1
            rows.append(
                {
                    "label": attribute.label,
                    "state": "differs" if differs else "alike",
                    "reference": told[0],
                    "cells": [{"value": cell} for cell in cells],
                }
            )
    return {
        "members": [
            {"title": f"{letter} · {one.values.get(domain.title) or one.key}", "source": one.system, "key": one.key}
            for letter, one in members
        ],
        "rows": rows,
    }


def _worded(attribute: Attribute, value: Any) -> str:
    if isinstance(value, Mapping):
        return str(value.get("key", ""))
    return showing.shown(attribute, masked(attribute, value)) if value not in (None, "") else ""
