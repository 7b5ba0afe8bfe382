"""A random sample of records, and what it says about blocking, scores and links that were undone."""

import random
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import islice
from math import floor
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Count
from django.utils import timezone

from matching import lookup
from matching.asking import Drawn
from matching.blocking import texts_of_keys
from matching.known import Known, Pair, Scored
from matching.measured import MADE, NEAR
from matching.models import MatchKey, Measurement, Prepared
from matching.rules import in_force
from matching.scoring import Score, shares
from mdm.errors import Refused
from mdm.spec import Domain

SAMPLE = 400
# Enough for every figure here, and scored in about a second.
MOST_PAIRS = 20_000
CHUNK = 50
LARGEST_KEYS = 8
UNDONE_SHOWN = 8
# The histogram counts in points, two to a bar; what lies beyond stands in the outermost bars.
BAR = 2
LOWEST, HIGHEST = -14, 24


@dataclass
class Sample:
    """Random records with every pair blocking finds for them, scored."""

    domain: Domain
    records: list[int] = field(default_factory=list)
    scored: dict[Pair, Score] = field(default_factory=dict)
    known: dict[int, Known] = field(default_factory=dict)

    def near(self) -> dict[frozenset[UUID], Drawn]:
        """Two golden records whose likest pair scores from NEAR up to a question, and that pair."""
        best: dict[frozenset[UUID], Drawn] = {}
        for (a, b), score in self.scored.items():
            left, right = self.known[a].golden, self.known[b].golden
            if left is None or right is None or left == right:
                continue
            both = frozenset((left, right))
            if both not in best or score.bits > best[both].score.bits:
                best[both] = Drawn((left, right), (a, b), score)
        review = self.domain.matching.review
        return {both: found for both, found in best.items() if NEAR <= found.score.probability < review}


def measure(*, domain: Domain, by: str, seed: int | None = None, size: int = SAMPLE) -> Measurement:
    """Measure a random sample and keep the figures. Bounded: at most MOST_PAIRS pairs are scored.

    Raises Refused where no record has been read by matching yet.
    """
    started = time.perf_counter()
    domain = in_force(domain)
    sample = take(domain, seed=seed, size=size)
    if not sample.records:
        raise Refused("There is nothing to measure yet.", "Import a file first; matching reads it by itself.")
    total = Prepared.objects.filter(domain=domain.name).count()
    figures = {
        "records": total,
        "sampled": len(sample.records),
        **_pair_counts(sample),
        "near_pairs": round(len(sample.near()) * total / len(sample.records) / 2, 1),
        "histogram": _histogram(sample),
        "review": domain.matching.review,
        "auto": domain.matching.auto,
        "block_cap": domain.matching.block_cap,
        **_blocking(sample),
        "undone": _undone(domain),
        "seconds": round(time.perf_counter() - started, 2),
    }
    return Measurement.objects.create(domain=domain.name, at=timezone.now(), by=by, figures=figures)


def take(domain: Domain, *, seed: int | None = None, size: int = SAMPLE) -> Sample:
    """Random records and their pairs; fewer records where these have so many pairs that scoring would take long."""
    sample = Sample(domain)
    ids = _random(domain, size, random.randrange(2**31) if seed is None else seed)  # noqa: S311 - a sample, no secret
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        pairs = lookup.pairs_of(domain, chunk)
        known = lookup.load({pk for pair in pairs for pk in pair} | set(chunk))
        shared = shares(lookup.shared_texts(domain, known.values())) if known else shares({})
        scored = Scored(domain.matching, known, shared)
        found = islice((pair for pair in sorted(pairs) if pair[0] in known and pair[1] in known), MOST_PAIRS)
        sample.scored |= {pair: scored.score(*pair) for pair in found}
        sample.known |= known
        sample.records += chunk
        if len(sample.scored) >= MOST_PAIRS:
            break
    return sample


def _random(domain: Domain, size: int, seed: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT source_record_id FROM matching_prepared WHERE domain = %s
            ORDER BY hashint8extended(source_record_id, %s), source_record_id LIMIT %s
            """,
            [domain.name, seed, size],
        )
        return [row[0] for row in cursor.fetchall()]


def _pair_counts(sample: Sample) -> dict[str, Any]:
    drawn = set(sample.records)
    counted = Counter(pk for pair in sample.scored for pk in pair if pk in drawn)
    return {
        "pairs_per_record": round(sum(counted.values()) / len(drawn), 2),
        "most_pairs": max(counted.values(), default=0),
        "without_pair": len(drawn) - len(counted),
    }


def _histogram(sample: Sample) -> list[dict[str, Any]]:
    """Bars of BAR points: pairs that are one golden record today, and pairs that are two."""
    bars: dict[int, Counter[str]] = defaultdict(Counter)
    for (a, b), score in sample.scored.items():
        place = max(LOWEST, min(HIGHEST - BAR, floor(score.bits / BAR) * BAR))
        golden = sample.known[a].golden
        bars[place]["one" if golden and golden == sample.known[b].golden else "two"] += 1
    return [{"from": at, "one": bars[at]["one"], "two": bars[at]["two"]} for at in range(LOWEST, HIGHEST, BAR)]


def _blocking(sample: Sample) -> dict[str, Any]:
    """What every pass does for the sampled records, and the keys held by most records."""
    domain = sample.domain
    held: dict[tuple[int, int], tuple[str, ...]] = {}
    by_record: dict[int, set[tuple[int, int]]] = {}
    for pk in sample.records:
        if pk in sample.known:
            named = texts_of_keys(domain, sample.known[pk].features)
            held |= named
            by_record[pk] = set(named)
    counts = dict(
        MatchKey.objects.filter(key__in={key for _, key in held}).values_list("key").annotate(n=Count("source_record"))
    )
    cap = domain.matching.block_cap
    passes = []
    for number, features in enumerate(domain.matching.blocking):
        mine = [{key for at, key in keys if at == number} for keys in by_record.values()]
        speaking = [keys for keys in mine if keys]
        left_out = [keys for keys in speaking if all(counts.get(key, 0) > cap for key in keys)]
        passes.append({"features": list(features), "records": len(speaking), "left_out": len(left_out)})
    largest = sorted(held, key=lambda one: -counts.get(one[1], 0))[:LARGEST_KEYS]
    return {
        "passes": passes,
        "largest_keys": [
            {
                "features": list(domain.matching.blocking[number]),
                "texts": list(held[number, key]),
                "held_by": counts.get(key, 0),
            }
            for number, key in largest
            if counts.get(key, 0) > 1
        ],
    }


def _undone(domain: Domain) -> dict[str, Any]:
    """Links matching made by itself whose two rows are in two golden records today: how many, how long they stood."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            {MADE}
            SELECT made.one, made.other, made.score, made.ended_by, made.end_reason,
                   extract(epoch FROM coalesce(made.ended_at, b.linked_at) - made.linked_at) / 86400,
                   count(*) OVER ()
            FROM made
            JOIN mdm_link a ON a.source_record_id = made.one AND a.ended_at IS NULL
            JOIN mdm_link b ON b.source_record_id = made.other AND b.ended_at IS NULL
            WHERE a.record_id <> b.record_id
            ORDER BY coalesce(made.ended_at, b.linked_at) DESC LIMIT 1000
            """,  # noqa: S608 - the statement is ours
            [domain.name],
        )
        rows = cursor.fetchall()
    days = sorted(float(row[5]) for row in rows)
    return {
        "links": rows[0][6] if rows else 0,
        "median_days": round(days[len(days) // 2], 1) if days else None,
        "shown": [
            {"sources": [row[0], row[1]], "score": row[2], "by": row[3], "reason": row[4]}
            for row in rows[:UNDONE_SHOWN]
        ],
    }
