"""Ten endpoints, five of them dead in five ways: the others hear of every change at once, the dead on their schedule.

Also: no transaction is held open while a target keeps a call waiting.
"""

import socket
import threading
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import psycopg

from bench.chaos import crew, gather, golden
from bench.chaos.proxy import Proxy
from bench.chaos.report import Row, pace
from bench.chaos.scenarios import Stage
from bench.chaos.site import Site, lines_of, quantile

MOST_MS = 250
HEALTHY = [f"well-{n}" for n in range(5)]
DEAD = ("refuses", "hangs", "breaks", "swallows", "too-many")
BACKOFF = (5, 30, 120)
TIMEOUT = 5
RATE = 12
RETRY_AFTER = 7


class IdleWatch:
    """Counts connections of the publisher that sit idle inside a transaction, ten times a second."""

    def __init__(self, url: str) -> None:
        self.url, self.seen, self.samples, self.most = url, 0, 0, 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _watch(self) -> None:
        question = (
            "SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%' "
            "AND state_change < clock_timestamp() - interval '2 s'), count(*) "
            "FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'chaos-publisher%'"
        )
        with psycopg.connect(self.url, autocommit=True) as connection:
            while not self.over.wait(0.1):
                idle, everyone = connection.execute(question).fetchone() or (0, 0)
                self.samples += 1
                self.seen += idle
                self.most = max(self.most, everyone)

    def end(self) -> None:
        """Stop watching."""
        self.over.set()
        self.thread.join(5)


def run(stage: Stage) -> list[Row]:
    """Real edits at a steady pace; each commit is timed to its arrival at each healthy target."""
    rows = []
    brokers = ["filesystem", "redis"] if crew.redis() and not stage.quick else ["filesystem"]
    for broker in brokers:
        with stage.site(f"lanes_{broker}", broker=broker) as site:
            rows += _one(stage, site)
    return rows


def _one(stage: Stage, site: Site) -> list[Row]:
    seconds = 30 if stage.quick else 75
    golden.prepare(300, 30)
    deaf = socket.create_server(("127.0.0.1", 0))
    with deaf, Proxy(site.receiver_port) as hole:
        hole.set(state="black_hole")
        for code in HEALTHY:
            site.webhook(code)
        for code in DEAD:
            port = {"refuses": crew.free_port(), "swallows": hole.port}.get(code, 0)
            site.webhook(code, port=port, timeout_seconds=TIMEOUT, backoff_seconds=BACKOFF)
        site.start_receiver(
            {
                "hangs": {"kind": "hang"},
                "breaks": {"kind": "500"},
                "too-many": {"kind": "429", "retry_after": RETRY_AFTER},
            }
        )
        if site.broker == "redis":
            site.start("redis")
        site.start("sequencer", "sequencer-2", "publisher", "beat")
        quiet = site.wait(lambda: _caught_up(site), 90)
        watch = IdleWatch(site.url)
        began = time.time()
        rate = str(max(1.0, RATE * pace()))
        words = ["golden", "--diary", str(site.folder / "wrote-1.jsonl"), "--threads", "3", "--rate", rate]
        site.crew.rig("writer", "writers", *words, "--seconds", str(seconds), "--seed", str(stage.seed)).wait()
        site.wait(lambda: _caught_up(site), 30)
        watch.end()
        if stage.sabotage == "duplicate-body":
            site.diary.write_bytes(site.diary.read_bytes().replace(b'"h":"', b'"h":"f', 1))
        return _judge(site, began, watch, quiet=quiet)


def _caught_up(site: Site) -> bool:
    return not site.number(
        "SELECT count(*) FROM publishing_lane l JOIN publishing_endpoint e ON e.id = l.endpoint_id "
        "WHERE e.code LIKE 'well-%' AND (l.cursor_low < (SELECT count(*) FROM mdm_changeevent) OR EXISTS "
        "(SELECT FROM publishing_delivery d WHERE d.endpoint_id = e.id AND d.state IN ('waiting', 'in_flight')))"
    )


def _judge(site: Site, began: float, watch: IdleWatch, *, quiet: bool) -> list[Row]:
    late = latencies(site, began)
    p50, p99 = quantile(late, 0.5) * 1000, quantile(late, 0.99) * 1000
    found = [] if quiet else ["the healthy lanes did not catch up before the load began"]
    if not late or p99 > MOST_MS / pace():
        found.append(f"p99 from commit to arrival is {p99:.0f} ms over {len(late)} deliveries, {MOST_MS} are promised")
    calls, words = dead_calls(site)
    faults = "5 of 10 dead: refused, hanging, 500, black hole, 429"
    runs = f"{len(late):,} deliveries, {site.broker} broker"
    figure = f"p50 {p50:.0f} ms, p99 {p99:.0f} ms, worst {quantile(late, 1) * 1000:.0f} ms"
    idle = [f"a transaction stood idle in {watch.seen} samples"] if watch.seen else []
    return [
        Row("P6 a dead endpoint delays no other", runs, faults, figure, found),
        Row("P6 dead ones are called on the probe schedule", runs, faults, calls, words),
        Row("P22 no transaction waits for a target", f"{watch.samples} samples", "hanging targets",
            f"2 s idle in transaction: {watch.seen}; at most {watch.most} connections", idle),
        Row("I1-I8 ledger of ten lanes", f"{len(site.received()):,} calls", faults, "",
            gather.whole(site, without=DEAD)),
    ]  # fmt: skip


def latencies(site: Site, began: float) -> list[float]:
    """Seconds from the end of a committed act to the first arrival of each of its events at each healthy target."""
    ended = {act["act"]: act["t"] for act in lines_of(site.folder / "wrote-1.jsonl") if act["end"] == "committed"}
    of_event = dict(site.ask("SELECT uid::text, correlation_id::text FROM mdm_changeevent"))
    first: dict[tuple[str, str], float] = {}
    for call in site.received():
        if call["e"] in HEALTHY and call["c"] == 200:
            first.setdefault((call["e"], call["id"]), call["t"])
    return [
        max(0.0, moment - ended[act])
        for (_, uid), moment in first.items()
        if (act := of_event.get(uid, "")) in ended and ended[act] >= began
    ]


def dead_calls(site: Site) -> tuple[str, list[str]]:
    """How often dead targets were called; each pause shorter than the schedule allows is a violation."""
    rows = site.ask(
        "SELECT e.code, extract(epoch FROM a.at)::float, a.duration_ms / 1000.0, a.outcome_code "
        "FROM publishing_attempt a JOIN publishing_endpoint e ON e.id = a.endpoint_id "
        "WHERE e.code = ANY(%s) ORDER BY a.at",
        list(DEAD),
    )  # fmt: skip
    calls: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
    for code, at, lasted, outcome in rows:
        calls[code].append((at, float(lasted), outcome))
    found = [words for code, made in calls.items() for words in too_early(code, made)]
    return ", ".join(f"{code} {len(calls[code])}" for code in DEAD), found


def too_early(code: str, made: Sequence[tuple[float, float, str]], backoff: Sequence[int] = BACKOFF) -> list[str]:
    """Calls that came before the rest after the failure before them was over: 80 % of the schedule, jitter included.

    Calls that were already on their way when the first one failed belong to that failure.
    """
    found = []
    rests: list[tuple[float, float]] = []  # begin and end of each failure
    for at, lasted, _ in made:
        if rests and at <= rests[-1][1] + 0.05:
            rests[-1] = (rests[-1][0], max(rests[-1][1], at + lasted))
            continue
        if rests:
            asked = [RETRY_AFTER if code == "too-many" else 0.8 * wait for wait in backoff]  # the target may say when
            least = asked[min(len(rests), len(asked)) - 1] - 0.2
            if at - rests[-1][1] < least:
                found.append(f"{code} was called again after {at - rests[-1][1]:.1f} s, at least {least:.1f} s are due")
        rests.append((at, at + lasted))
    return found


def counted(calls: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Calls by endpoint."""
    found: dict[str, int] = defaultdict(int)
    for call in calls:
        found[call["e"]] += 1
    return dict(found)
