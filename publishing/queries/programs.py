"""Whether publishing lives, as one sentence for whoever answers for it."""

from collections.abc import Sequence
from dataclasses import dataclass

from mdm.liveness import Program, programs
from publishing.queries.overview import duration

# What has to run, and what happens while it does not. A publisher is a worker of the queue publish.
NEEDED = (
    ("sequencer", "sequencer", "New changes get no number, so nobody is told about them."),
    ("publisher", "publishing worker", "Nothing is sent."),
    ("beat", "timetable", "Retries and probes start late."),
)


@dataclass(frozen=True)
class Missing:
    """A program that does not run: what it is called, when it was last heard of, what that means."""

    name: str
    heard: str
    effect: str


@dataclass(frozen=True)
class Life:
    """What runs, in a sentence; ``missing`` is what has to and does not. ``known``: whether anything spoke."""

    sentence: str
    missing: tuple[Missing, ...]
    known: bool


def life() -> Life:
    """Who lives of those publishing needs. One query."""
    return judge(programs())


def judge(heard: Sequence[Program]) -> Life:
    """The sentence about these programs. Pure."""
    alive = {kind: [one for one in heard if one.kind == kind and one.lives] for kind, _, _ in NEEDED}
    missing = tuple(
        Missing(name, _last(heard, kind), effect) for kind, name, effect in NEEDED if heard and not alive[kind]
    )
    latest = min((one.age.total_seconds() for one in heard if one.kind in alive), default=0.0)
    workers, lines = len(alive["publisher"]), len(alive["sequencer"])
    standby = {0: "no sequencer", 1: "sequencer without standby"}.get(lines, f"sequencer main + {lines - 1} standby")
    count = f"{workers} worker" if workers == 1 else f"{workers} workers"
    said = f"Publishing runs: {count}, {standby}, last sign {duration(max(int(latest), 0))} ago"
    return Life(said, missing, bool(heard))


def _last(heard: Sequence[Program], kind: str) -> str:
    ages = [int(one.age.total_seconds()) for one in heard if one.kind == kind]
    return f"last sign {duration(min(ages))} ago" if ages else "no sign for a day"
