"""Writers flat out, without pauses: more than the sequencer can number at once, so that batches are cut and pile up."""

import time

from bench.chaos import gather, golden, ledger
from bench.chaos.report import Row
from bench.chaos.scenarios import Stage

PROCESSES, THREADS = 2, 8


def run(stage: Stage) -> list[Row]:
    """Sixteen writers as fast as they can; the log is judged, and how fast it was written and numbered."""
    changes = 10_000 if stage.quick else 60_000
    with stage.site("flat") as site:
        golden.prepare(400)
        site.start("sequencer-1", "sequencer-2")
        site.wait(lambda: not site.number("SELECT count(*) FROM mdm_changeevent WHERE seq IS NULL"), 60)
        for number in range(PROCESSES):
            words = ["fast", "--diary", str(site.folder / f"wrote-{number}.jsonl"), "--threads", str(THREADS)]
            words += ["--changes", str(changes // PROCESSES), "--pause", "0.001", "--seed", f"{stage.seed}.{number}"]
            site.crew.rig(f"writer-{number}", "writers", *words)
        for number in range(PROCESSES):
            site.crew.running[f"writer-{number}"].wait()
        ended = time.time()
        behind = site.number("SELECT count(*) FROM mdm_changeevent WHERE seq IS NULL")
        calm = site.wait(lambda: not site.number("SELECT count(*) FROM mdm_changeevent WHERE seq IS NULL"), 60)
        caught_up = time.time() - ended
        log, acts = gather.events(site, content=False), list(gather.acts(site))
        moments = [act["t"] for act in acts if act["end"] == "committed"]
        rate = len(log) / max(max(moments) - min(moments), 0.001)
        found = [] if calm else ["some events were never numbered"]
        found += [*ledger.log_is_whole(log), *ledger.acts_and_events(log, acts)]
        figure = f"{rate:.0f} written a second, {behind:,} behind at the end, numbered {caught_up:.1f} s later"
        return [
            Row(
                "F2 F4 flat out: gapless, in order", f"{len(log):,} changes", "16 writers without pauses", figure, found
            )
        ]
