"""The history of a golden record as lines: its source records, which join it, part from it and come back.

Time runs to the right in steps, one for each moment something happened, so that a busy day and a quiet year both read.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mdm.domains import BY_NAME
from mdm.models import GoldenRecord, GoldenState, Link, LinkMethod
from mdm.queries.history import versions_of
from stewardship.display import source_class
from stewardship.showing import VERBS

STEP, LEFT, TRUNK, FIRST_LANE, LANE = 44, 178, 30, 76, 30
CODE_ROOM = 84  # the code of the record a line leads to at its end
MOST_LANES, MOST_POINTS = 24, 80
LONGEST_LABEL = 24


@dataclass(frozen=True)
class Point:
    """A version on the line of the golden record."""

    version: int
    x: int
    tone: str
    title: str
    moment: datetime


@dataclass
class Lane:
    """One source record: curves where it joins and parts, lines where it stood elsewhere, and the same in words."""

    label: str
    title: str
    css: str
    y: int
    paths: list[str] = field(default_factory=list)
    elsewhere: list[tuple[str, int, str]] = field(default_factory=list)  # path, x of its name, code of the record
    words: list[tuple[datetime, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Lineage:
    """The drawing, and how much of it is left out."""

    width: int
    height: int
    trunk: int
    start: int
    stop: int
    points: Sequence[Point]
    lanes: Sequence[Lane]
    more_lanes: int
    more_points: int


def lineage_of(record: GoldenRecord) -> Lineage:
    """The lines of the source records that are or were linked to the record. Three queries."""
    versions = _versions(record)
    by_source: dict[int, list[Link]] = defaultdict(list)
    for link in _links(record):
        by_source[link.source_record_id].append(link)
    sources = sorted(
        by_source, key=lambda pk: min(one.linked_at for one in by_source[pk] if one.record_id == record.pk)
    )
    shown = sources[:MOST_LANES]
    kept = versions[-MOST_POINTS:]
    moments = {row["history_date"] for row in kept}
    moments |= {m for pk in shown for one in by_source[pk] for m in (one.linked_at, one.ended_at) if m is not None}
    if len(versions) > len(kept):
        moments = {moment for moment in moments if moment >= kept[0]["history_date"]}
    places = {moment: LEFT + STEP * (number + 1) for number, moment in enumerate(sorted(moments))}
    end = LEFT + STEP * (len(places) + 1)
    lanes = [_lane(record, by_source[pk], FIRST_LANE + LANE * number, places, end) for number, pk in enumerate(shown)]
    return Lineage(
        width=end + CODE_ROOM,
        height=FIRST_LANE + LANE * max(1, len(lanes)),
        trunk=TRUNK,
        start=LEFT + STEP // 2,
        stop=places[kept[-1]["history_date"]] if record.state == GoldenState.MERGED else end,
        points=[_point(row, places) for row in kept],
        lanes=lanes,
        more_lanes=len(sources) - len(shown),
        more_points=len(versions) - len(kept),
    )


def _versions(record: GoldenRecord) -> list[dict[str, Any]]:
    rows = versions_of(BY_NAME[record.domain], record.pk).order_by("version")
    return list(rows.values("version", "history_date", "cause", "actor", "history_change_reason"))


def _links(record: GoldenRecord) -> Iterable[Link]:
    """Every link, whenever and to whatever record, of the source records that were ever linked to this one."""
    own = Link.objects.filter(record=record, source_record__part="").values("source_record_id")
    return (
        Link.objects.filter(source_record__in=own)
        .select_related("source_record__system", "record", "merge__loser")
        .defer("explanation", "source_record__values", "source_record__parts")
        .order_by("linked_at", "pk")
    )


def _point(row: Mapping[str, Any], places: Mapping[datetime, int]) -> Point:
    title, _, tone = VERBS.get(row["cause"], (str(row["cause"]).capitalize(), "history", ""))
    reason = f": {row['history_change_reason']}" if row["history_change_reason"] else ""
    words = f"Version {row['version']}, {row['history_date']:%d %b %Y %H:%M}. {title} by {row['actor']}{reason}"
    return Point(row["version"], places[row["history_date"]], tone, words, row["history_date"])


def _lane(record: GoldenRecord, links: Sequence[Link], y: int, places: Mapping[datetime, int], end: int) -> Lane:
    source = links[0].source_record
    name = f"Edit by {source.author}" if source.system.internal else f"{source.system.name} {source.key}"
    label = name if len(name) <= LONGEST_LABEL else f"{name[: LONGEST_LABEL - 1]}…"
    lane = Lane(label, name, source_class(source.system.code), y)
    for link in links:
        start = places.get(link.linked_at, LEFT)
        stop = places.get(link.ended_at, LEFT) if link.ended_at is not None else end
        if link.record_id == record.pk:
            if start > LEFT:
                lane.paths.append(f"M{start - STEP + 6} {y} C{start - 10} {y} {start - 20} {TRUNK} {start} {TRUNK}")
            lane.words.append((link.linked_at, f"joined: {_how(link)}"))
            if link.ended_at is not None:
                lane.paths.append(f"M{stop} {TRUNK} C{stop + 20} {TRUNK} {stop + 10} {y} {stop + STEP - 6} {y}")
                why = f": {link.end_reason}" if link.end_reason else ""
                lane.words.append((link.ended_at, f"parted, by {link.ended_by}{why}"))
        elif stop > start:
            begins = start + STEP - 6 if lane.paths else start
            ends = max(stop - STEP + 6, begins + 6) if link.ended_at is not None else end + CODE_ROOM - 12
            lane.elsewhere.append((f"M{begins} {y} H{ends}", begins, link.record.code))
            lane.words.append((link.linked_at, f"stood in {link.record.code}"))
    return lane


def _how(link: Link) -> str:
    if link.merge is not None:
        return f"came with {link.merge.loser.code}, merged by {link.merge.merged_by}"
    score = f" at {link.score:.0%}" if link.score is not None else ""
    return f"{LinkMethod(link.method).label.lower()}{score}, by {link.linked_by}"
