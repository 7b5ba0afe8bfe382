"""A day down: the receiver is away for a simulated day while changes pile up, comes back, and is not flattened.

The database's clock as publishing reads it is set ahead in steps (`ALTER DATABASE ... SET assay.clock_shift`), so the
lane lives through its whole schedule of probes. The catch-up is measured where it counts: at the receiver.
"""

import signal
import time
from collections.abc import Sequence
from datetime import timedelta

from bench.chaos import gather, golden
from bench.chaos.report import Row, pace
from bench.chaos.scenarios import Stage
from bench.chaos.site import Site
from publishing.models import Notice

CAP, LEAST = 320, 200
STEPS = (timedelta(minutes=20), timedelta(hours=5), timedelta(hours=14), timedelta(hours=24))
FIRST_SECOND = 40  # at most, after a day of failures: a ramp begins low
CODE = "erp"


def run(stage: Stage) -> list[Row]:
    """Everything is delivered, the receiver goes, a day passes, it comes back."""
    changes = 5_000 if stage.quick else 20_000
    with stage.site("day") as site:
        golden.prepare(1_000)
        site.webhook(CODE, max_per_second=CAP, max_in_flight=8)
        site.start_receiver()
        site.start("sequencer", "publisher", "beat", "worker")
        site.wait(lambda: site.diary.exists() and len(site.received()) >= 1_000, 60)
        site.crew.kill("receiver", signal.SIGKILL)
        before = len(site.received())
        _write(stage, site, changes)
        probes = [_let_time_pass(site, shift) for shift in STEPS]
        site.start_receiver()
        came_back = time.time()
        _let_time_pass(site, STEPS[-1] + timedelta(hours=1, minutes=15))
        done = site.wait(lambda: len(site.received()) - before >= changes, changes / 40 + 60, every=0.5)
        site.wait(site.settled, 20)
        return _judge(site, before, changes, came_back, probes, done=done)


def _write(stage: Stage, site: Site, changes: int) -> None:
    words = ["fast", "--diary", str(site.folder / "wrote-1.jsonl"), "--threads", "8", "--pause", "0.001"]
    site.crew.rig("writer", "writers", *words, "--changes", str(changes), "--seed", str(stage.seed)).wait()
    site.wait(lambda: not site.number("SELECT count(*) FROM mdm_changeevent WHERE seq IS NULL"), 60)


def _let_time_pass(site: Site, shift: timedelta) -> int:
    """It is that much later for every session from now on; how many calls had been tried by then.

    The watch that tells owners comes round every 15 seconds: it is given the time, though a day passes in a minute.
    """
    told = Notice.objects.count()
    site.shift_clock(shift)
    with site.cluster.admin() as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND application_name LIKE "
            "'chaos-%%'", [site.database]
        )  # fmt: skip
    time.sleep(6)
    site.wait(lambda: Notice.objects.count() > told, 25)
    return site.number("SELECT count(*) FROM publishing_attempt WHERE outcome_code <> 'ACCEPTED'")


def busiest(times: Sequence[float], window: float = 1.0) -> int:
    """The most calls within any window of that many seconds."""
    most, first = 0, 0
    for last, moment in enumerate(times):
        while moment - times[first] >= window:
            first += 1
        most = max(most, last - first + 1)
    return most


def _judge(site: Site, before: int, changes: int, came_back: float, probes: Sequence[int], *, done: bool) -> list[Row]:
    calls = site.received()[before:]
    times = sorted(call["t"] for call in calls)
    taken = len({call["id"] for call in calls if call["c"] == 200})
    seconds = times[-1] - times[0] if len(times) > 1 else 0.0
    rate = taken / seconds if seconds else 0.0
    found = [] if done else [f"{taken} of {changes} were delivered in time"]
    if rate < LEAST * pace():
        found.append(f"{rate:.0f} a second, {LEAST} are promised")
    most, first = busiest(times), busiest([moment for moment in times if moment < times[0] + 1]) if times else 0
    flat = [f"{most} calls within one second, the cap is {CAP} and a tenth"] if most > CAP * 1.1 else []
    if first > FIRST_SECOND:
        flat.append(f"{first} calls in the first second after a day of failures, at most {FIRST_SECOND} are a ramp")
    waited = f"first call {times[0] - came_back:.1f} s after its return" if times else "never called"
    faults = "receiver killed, down a simulated day"
    seconds_since = [sum(1 for t in times if n <= t - times[0] < n + 1) for n in range(8)] if times else []
    notices = sorted(Notice.objects.values_list("kind", flat=True))
    owned = [] if len(set(notices)) == len(notices) else [f"owners were told {notices}"]
    if not {"failing_15m", "failing_4h", "failing_24h"} <= set(notices):
        owned.append(f"owners were told {notices}: 15 minutes, 4 hours and a day are due")
    return [
        Row("P8 a day down: catches up at 200 a second", f"{taken:,} waiting", faults,
            f"{rate:.0f}/s, {waited}, calls tried meanwhile {probes[-1]}", found),
        Row("P9 catching up does not flatten it", f"cap {CAP}/s", faults,
            f"busiest second {most}, first seconds {seconds_since}", flat),
        Row("P15 the owner is told, each once", f"{len(notices)} notices", faults, ", ".join(notices), owned),
        Row("P8 I1-I8 nothing lost, nothing out of order", f"{len(site.received()):,} calls", faults, "",
            gather.whole(site, golden=False)),
    ]  # fmt: skip
