"""One endpoint alone: how many deliveries a second the hub makes, with a receiver that verifies every signature."""

from itertools import pairwise

from bench.chaos import gather, golden
from bench.chaos.report import Row, pace
from bench.chaos.scenarios import Stage
from bench.chaos.site import quantile

LEAST_PER_SECOND = 300


def run(stage: Stage) -> list[Row]:
    """Suppliers are made, numbered, and only then the worker starts."""
    count = 3_000 if stage.quick else 10_000
    with stage.site("alone") as site:
        golden.prepare(count)
        site.start("sequencer")
        site.wait(lambda: not site.number("SELECT count(*) FROM mdm_changeevent WHERE seq IS NULL"), 60)
        site.webhook("only")
        site.start_receiver()
        site.start("publisher", "beat")
        done = site.wait(site.settled, count / 50 + 30)
        times = sorted(call["t"] for call in site.received())
        # The first and last tenth are start and end; between them the lane runs.
        middle = times[len(times) // 10 : -len(times) // 10]
        seconds = middle[-1] - middle[0] if len(middle) > 1 else 0.0
        rate = len(middle) / seconds if seconds else 0.0
        found = [] if done else [f"{len(times)} of {count} delivered in time"]
        if rate < LEAST_PER_SECOND * pace():
            found.append(f"{rate:.0f} deliveries a second, {LEAST_PER_SECOND} are promised")
        found += gather.whole(site, golden=False)
        gaps = [later - earlier for earlier, later in pairwise(times)]
        figure = f"{rate:.0f}/s over {len(times):,} deliveries, longest gap {quantile(gaps, 1) * 1000:.0f} ms"
        return [Row("one endpoint: 300 deliveries a second", f"{count:,} records", "none", figure, found)]
