"""Every program killed, frozen past its lease, restarted and cut off under load; then the books are compared.

Writers make real changes through the verbs all the time, two sequencers and two publishers run, a reader follows the
feed through the API, and four targets take what they are sent: two webhooks for every version, one for the latest
state, one REST push. Answers take 10 to 60 ms and one in fifty is a 500, so that kills meet calls on their way.
"""

import contextlib
import random
import signal
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import orjson

from api.clients import create_client
from bench.chaos import crew, gather, golden, ledger
from bench.chaos.faults import Cell, Faults, plan
from bench.chaos.proxy import Proxy
from bench.chaos.report import Row
from bench.chaos.scenarios import Stage
from bench.chaos.site import Site, lines_of
from publishing.models import Mode

LEASE = 6
MOST_SECONDS = 60  # until deliveries flow again after a fault
PROMISES = {
    "publisher": "P3 P18 P21 worker", "postgres": "P1 P2 PostgreSQL", "broker": "P2 J3 broker",
    "receiver": "P3 P5 receiver", "sequencer": "F1 F2 sequencer", "beat": "J3 beat", "web": "F5 web server",
    "writer": "P1 P2 writer",
}  # fmt: skip
TARGETS = ("all-1", "all-2", "latest", "push")
CHAOS = {"kind": "ok", "seconds": 0.01, "jitter": 0.05, "broken": 0.02}


BUSY = (
    "SELECT pid, application_name, state, wait_event, pg_blocking_pids(pid)::text, left(query, 80) "
    "FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()"
)


@dataclass
class Course:
    """What happened: each fault with the seconds until the first delivery after it."""

    healed: list[tuple[Cell, float]] = field(default_factory=list)
    found: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))


def run(stage: Stage) -> list[Row]:
    """Load, the plan of faults, and the ledger."""
    with_redis = crew.redis() is not None
    with stage.site("kills", broker="redis" if with_redis else "filesystem") as site, _lines(stage, site) as lines:
        _set_up(site, lines)
        course = Course()
        dice = random.Random(stage.seed)
        faults = Faults(site, lines, LEASE, lambda: _write(stage, site, dice.randrange(10**6)), dice)
        faults.restart_writer()
        time.sleep(4)
        for cell in plan(stage.seed, quick=stage.quick, with_redis=with_redis):
            _one(site, faults, cell, course)
        site.crew.kill("writer", signal.SIGTERM)
        calm = site.wait(site.settled, 120, every=0.5)
        site.wait(lambda: _reader_is_through(site), 30)
        site.crew.kill("reader", signal.SIGTERM)
        if stage.sabotage == "reorder":
            _swap_two_calls(site)
        return _judge(site, course, calm=calm)


@contextlib.contextmanager
def _lines(stage: Stage, site: Site) -> Iterator[dict[str, Proxy]]:
    """A proxy in front of the receiver, and one in front of the broker where that listens on a port."""
    with Proxy(site.receiver_port, seed=stage.seed) as receiver, Proxy(site.broker_port, seed=stage.seed) as broker:
        if site.broker == "redis":
            site.crew.environment["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{broker.port}/0"
        yield {"receiver": receiver, "broker": broker}


def _set_up(site: Site, lines: dict[str, Proxy]) -> None:
    golden.prepare(300, 60)
    given = {"timeout_seconds": 3, "backoff_seconds": (1, 2, 3), "retry_seconds": (1, 2, 3)}
    port = lines["receiver"].port
    site.webhook("all-1", port=port, **given)
    site.webhook("all-2", port=port, **given)
    site.webhook("latest", port=port, mode=Mode.LATEST_STATE, **given)
    site.push("push", port=port, **given)
    site.start_receiver(dict.fromkeys(TARGETS, CHAOS))
    if site.broker == "redis":
        site.start("redis")
    site.start("sequencer-1", "sequencer-2", "publisher-1", "publisher-2", "beat", "web")
    _, token = create_client(name="chaos")
    site.crew.rig("reader", "readers", "api", "--diary", str(site.folder / "reader.jsonl"),
                  "--port", str(site.web_port), "--token", token)  # fmt: skip
    site.wait(lambda: site.diary.exists() and len(site.received()) > 500, 60)


def _write(stage: Stage, site: Site, seed: int) -> None:
    """Writers go on, under a new seed; what a killed one did stays in its own diary."""
    number = len(list(site.folder.glob("wrote-*.jsonl")))
    words = ["golden", "--diary", str(site.folder / f"wrote-{number}.jsonl"), "--threads", "4", "--rate", "15"]
    site.crew.rig("writer", "writers", *words, "--seed", str(seed))


def _one(site: Site, faults: Faults, cell: Cell, course: Course) -> None:
    began = time.monotonic()
    faults.inject(cell)
    offset = site.diary.stat().st_size
    healed = time.monotonic()
    flowing = site.wait(lambda: _took_something(site, offset), MOST_SECONDS, every=0.1)
    seconds = time.monotonic() - healed
    course.healed.append((cell, seconds))
    clock = time.strftime("%H:%M:%S")
    print(f"   {clock} {cell}: {healed - began:.1f} s, flowing again after {seconds:.1f} s", flush=True)
    if not flowing:
        waits = "; ".join(" ".join(map(str, row)) for row in site.ask(BUSY)) or "nobody is at work"
        course.found[cell.target].append(f"after {cell} nothing was delivered for {MOST_SECONDS} s: {waits}")
    for name in ("sequencer-1", "sequencer-2", "publisher-1", "publisher-2", "beat", "web"):
        if not site.crew.alive(name):
            course.found[cell.target].append(f"after {cell} the program {name} had ended by itself")
            site.crew.start(name)
    time.sleep(2)


def _took_something(site: Site, offset: int) -> bool:
    """Whether a target took anything since its diary was that long."""
    with site.diary.open("rb") as stream:
        stream.seek(offset)
        return b'"c":200' in stream.read()


def _reader_is_through(site: Site) -> bool:
    head = site.number("SELECT max(seq) FROM mdm_loghead")
    return max((line["s"] for line in lines_of(site.folder / "reader.jsonl") if "s" in line), default=0) >= head


def _swap_two_calls(site: Site) -> None:
    """The first two versions of a record change places in the diary."""
    lines = site.diary.read_bytes().splitlines(keepends=True)
    found: dict[tuple[str, str], tuple[int, int]] = {}
    for place, line in enumerate(lines):
        call = orjson.loads(line)
        key = (call["e"], call["rec"])
        if call["c"] == 200 and call["rec"] and key in found and found[key][1] < call["v"]:
            lines[found[key][0]], lines[place] = line, lines[found[key][0]]
            break
        if call["c"] == 200:
            found[key] = (place, call["v"])
    site.diary.write_bytes(b"".join(lines))


def _judge(site: Site, course: Course, *, calm: bool) -> list[Row]:
    log = gather.events(site)
    lanes = gather.lanes(site)
    acts = list(gather.acts(site))
    found = [] if calm else ["the lanes did not come to rest within 120 s"]
    found += ledger.judge(log, lanes, acts)
    found += gather.verify_log(site)
    reader = list(ledger.feed(lines_of(site.folder / "reader.jsonl"), log))
    calls = [call for lane in lanes for call in lane.calls]
    again = len(calls) - len({(call["e"], call["id"]) for call in calls})
    ends: dict[str, int] = defaultdict(int)
    for act in acts:
        ends[act["end"]] += 1
    faults = f"{len(course.healed)} faults"
    rows = [_row(target, course) for target in PROMISES if any(cell.target == target for cell, _ in course.healed)]
    rows.append(
        Row("P1-P5 P18 P21 I1-I8 ledger of everything", f"{len(log):,} events, {len(calls):,} calls", faults,
            f"{again} calls repeated; acts: {', '.join(f'{n} {end}' for end, n in sorted(ends.items()))}", found)
    )  # fmt: skip
    rows.append(Row("F1 F2 the feed through all of it", f"{len(log):,} events", faults, "GET /api/v1/changes", reader))
    return rows


def _row(target: str, course: Course) -> Row:
    cells = [(cell.fault, seconds) for cell, seconds in course.healed if cell.target == target]
    worst = max(seconds for _, seconds in cells)
    faults = ", ".join(sorted({fault for fault, _ in cells}))
    figure = f"flowing again after {worst:.1f} s at worst"
    return Row(f"{PROMISES[target]} hurt under load", f"{len(cells)} times", faults, figure, course.found[target])
