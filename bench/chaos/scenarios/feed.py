"""The feed under sixteen writers while its sequencer is killed every second and a transaction stays open all the time.

Readers follow it meanwhile: two through the API by cursor, one that listens to the database and notes how late each
committed change becomes visible. Afterwards random cursors are read again and must give the same bytes.
"""

import hashlib
import http.client
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg

from api.clients import create_client
from bench.chaos import gather, golden, ledger
from bench.chaos.report import Row, pace
from bench.chaos.scenarios import Stage
from bench.chaos.site import Site, lines_of, quantile
from ops.place import PROJECT_DIR

MOST_MS, LEAST_PER_SECOND = 250, 1000
STANDING = 3  # sequencers at a time: one numbers, two stand by
READERS = ("reader-1", "reader-2")
PROCESSES, THREADS = 2, 8
RATE = 1150.0


@dataclass
class Run:
    """What was done to the feed."""

    site: Site
    changes: int
    killed: int = 0


def run(stage: Stage) -> list[Row]:
    """Load, kills, and then the ledger of the log and of each reader."""
    with stage.site("feed", ASSAY_DATABASE_SECONDS="600") as site:
        golden.prepare(1_000)
        _, token = create_client(name="chaos")
        site.start("web")
        warm = Warm(site)
        site.wait(lambda: not site.number("SELECT count(*) FROM mdm_changeevent WHERE seq IS NULL"), 60)
        for name in READERS:
            site.crew.rig(name, "readers", "api", "--diary", str(site.folder / f"{name}.jsonl"),
                          "--port", str(site.web_port), "--token", token)  # fmt: skip
        site.crew.rig("listener", "readers", "listen", "--diary", str(site.folder / "listener.jsonl"))
        time.sleep(1.5)
        done = Run(site, 20_000 if stage.quick else 200_000)
        with psycopg.connect(site.url) as holder:
            # An open transaction with a number and an event of its own, older than everything that follows.
            holder.execute("SELECT pg_current_xact_id()")
            holder.execute(HELD, [uuid4(), uuid4()])
            _load(stage, done, warm)
            _let_readers_finish(done)
            holder.rollback()
        warm.close()
        if stage.sabotage == "lost-event":
            _forget_a_line(site.folder / "reader-1.jsonl")
        return _judge(done, token, random.Random(stage.seed))


HELD = (
    "INSERT INTO mdm_changeevent (uid, record_id, domain, verb, version, state, outward, occurred_at, actor, "
    "correlation_id, changed, body) SELECT %s, id, domain, 'changed', 1000000, 'active', true, now(), 'held', %s, "
    "'[]', '{}' FROM mdm_goldenrecord ORDER BY id DESC LIMIT 1"
)


class Warm:
    """Sequencers forked from a program that has imported everything (bench/chaos/warm.py says why)."""

    def __init__(self, site: Site) -> None:
        self.site, self.made = site, 0
        self.pids: dict[str, int] = {}
        self.child = subprocess.Popen(
            [sys.executable, "-m", "bench.chaos.warm"], cwd=PROJECT_DIR, env=site.crew.environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=(site.folder / "warm.log").open("w"),
        )  # fmt: skip
        for _ in range(STANDING):
            self.start()

    def start(self) -> None:
        """One more."""
        self.made += 1
        name = f"sequencer-{self.made}"
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write(f"{name}\n")
        self.child.stdin.flush()
        self.pids[name] = int(self.child.stdout.readline())

    def kill_the_one_at_work(self) -> None:
        """Who holds the advisory lock of numbering is killed; another stands by."""
        rows = self.site.ask(
            "SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid WHERE "
            "l.locktype = 'advisory' AND l.granted AND a.datname = current_database() "
            "AND a.application_name LIKE 'chaos-sequencer%%'"
        )
        name = str(rows[0][0]).removeprefix("chaos-") if rows else ""
        if name not in self.pids:  # killed a moment ago, and its session has not ended yet
            name = next(iter(self.pids))
        os.kill(self.pids.pop(name), signal.SIGKILL)
        self.start()

    def close(self) -> None:
        """All of them end."""
        if self.child.stdin:
            self.child.stdin.close()
        self.child.wait(10)


def _load(stage: Stage, done: Run, warm: Warm) -> None:
    site = done.site
    each = done.changes // PROCESSES
    for number in range(PROCESSES):
        words = ["fast", "--diary", str(site.folder / f"wrote-{number}.jsonl"), "--threads", str(THREADS)]
        words += ["--changes", str(each), "--rate", str(RATE / PROCESSES), "--seed", f"{stage.seed}.{number}"]
        site.crew.rig(f"writer-{number}", "writers", *words)
    writers = [f"writer-{number}" for number in range(PROCESSES)]
    site.wait(lambda: any((site.folder / f"wrote-{n}.jsonl").exists() for n in range(PROCESSES)), 60, every=0.05)
    next_kill = time.monotonic() + 1
    while any(site.crew.alive(name) for name in writers):
        time.sleep(max(0.0, next_kill - time.monotonic()))
        next_kill += 1
        warm.kill_the_one_at_work()
        done.killed += 1


def _let_readers_finish(done: Run) -> None:
    site = done.site
    site.wait(lambda: not site.number("SELECT count(*) FROM mdm_changeevent WHERE seq IS NULL"), 30)
    head = site.number("SELECT max(seq) FROM mdm_loghead")
    files = [site.folder / f"{name}.jsonl" for name in (*READERS, "listener")]
    site.wait(lambda: all(_last(file) >= head for file in files), max(60, done.changes / 1000), every=0.5)
    for name in (*READERS, "listener"):
        site.crew.kill(name, signal.SIGTERM)


def _last(file: Path) -> int:
    """The last number a reader noted."""
    if not file.exists():
        return 0
    with file.open("rb") as stream:
        stream.seek(max(0, file.stat().st_size - 4000))
        lines = stream.read().splitlines()
    numbers = [int(line.split(b'"s":')[1].split(b",")[0]) for line in lines if b'"s":' in line and line.endswith(b"}")]
    return max(numbers, default=0)


def _forget_a_line(file: Path) -> None:
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:500] + lines[501:]))


# ---- judging ----------------------------------------------------------------------------------------------


def _judge(done: Run, token: str, dice: random.Random) -> list[Row]:
    site = done.site
    log = gather.events(site, content=False)
    acts = list(gather.acts(site))
    committed = sum(len(act.get("uids", ())) for act in acts if act["end"] == "committed")
    rolled = sum(act["end"] == "rolled back" for act in acts)
    moments = [act["t"] for act in acts if act["end"] == "committed"]
    rate = committed / max(max(moments) - min(moments), 0.001)
    late = lateness(site)
    p50, p99 = quantile(late, 0.5) * 1000, quantile(late, 0.99) * 1000
    faults = f"{done.killed} sequencers killed, {rolled} rollbacks, one transaction held open"
    slow = []
    if rate < LEAST_PER_SECOND * pace():
        slow.append(f"{rate:.0f} changes a second, {LEAST_PER_SECOND} are promised")
    if p99 > MOST_MS / pace():
        slow.append(f"p99 from commit to visible is {p99:.0f} ms, {MOST_MS} are promised")
    whole = [*ledger.log_is_whole(log), *ledger.acts_and_events(log, acts)]
    return [
        Row("F1 F2 F4 every commit in the log, gapless, in order", f"{committed:,} changes, 16 writers", faults,
            f"{len(log):,} numbered 1..{max((one.seq for one in log), default=0):,}", whole),
        Row("F3 1,000 changes a second, visible within 250 ms", f"{len(late):,} timed", faults,
            f"{rate:.0f}/s, p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {quantile(late, 1):.2f} s", slow),
        *_readers(done, log, faults),
        _again(done, token, dice),
    ]  # fmt: skip


def _readers(done: Run, log: Sequence[ledger.Event], faults: str) -> list[Row]:
    rows = []
    for name in (*READERS, "listener"):
        lines = list(lines_of(done.site.folder / f"{name}.jsonl"))
        refused = [str(line) for line in lines if "refused" in line]
        found = [*ledger.feed(lines, log), *refused]
        what = "by SQL" if name == "listener" else "GET /api/v1/changes"
        rows.append(
            Row(f"F1 F2 F15 {name} sees 1..n", f"{sum('s' in one for one in lines):,} events", faults, what, found)
        )
    return rows


def lateness(site: Site) -> list[float]:
    """Seconds from the return of COMMIT until a reader on the database saw the event."""
    ended = {
        uid: act["t"] for act in gather.acts(site) if act["end"] == "committed" for uid in act.get("uids", ())
    }  # fmt: skip
    return [
        max(0.0, line["t"] - ended[line["id"]])
        for line in lines_of(site.folder / "listener.jsonl")
        if line.get("id") in ended
    ]


def _again(done: Run, token: str, dice: random.Random) -> Row:
    """F5: pages read twice, with the web server started anew in between, are the same bytes."""
    site = done.site
    head = site.number("SELECT max(seq) FROM mdm_loghead")
    places = [dice.randrange(0, max(head - 100, 1)) for _ in range(100)]
    before = [_page(site, token, place) for place in places]
    site.crew.kill("web", signal.SIGTERM)
    site.start("web")
    after = [_page(site, token, place) for place in places]
    found = [f"the page after {place} changed" for place, *two in zip(places, before, after, strict=True)
             if two[0] != two[1]]  # fmt: skip
    return Row("F5 the same cursor gives the same page", "100 pages twice", "web server restarted", "", found)


def _page(site: Site, token: str, after: int) -> str:
    """A hash of the items of a page that is full, so that the head does not show in it."""
    connection = http.client.HTTPConnection("127.0.0.1", site.web_port, timeout=30)
    connection.request(
        "GET", f"/api/v1/changes?after_sequence={after}&limit=50", headers={"authorization": f"Bearer {token}"}
    )
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    items = raw.partition(b'"items":')[2].partition(b'"next_cursor"')[0] if answer.status == 200 else raw
    return f"{answer.status} {hashlib.sha256(items).hexdigest()}"
