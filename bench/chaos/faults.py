"""The plan of faults: which program is hurt how and when; the same seed gives the same plan.

kill      `kill -9`, started again two seconds later
stop      SIGSTOP for longer than a lease, then SIGCONT: a zombie wakes up and believes it still holds its lane
restart   asked to end as an operator does, and started again
black_hole, reset_storm    the line to it swallows everything for a while, or resets each connection again and again
"""

import random
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bench.chaos import crew
from bench.chaos.proxy import Proxy
from bench.chaos.site import Site

PROGRAMS = ("sequencer", "publisher", "beat", "broker", "postgres", "receiver", "web", "writer")
SIGNALS = ("kill", "stop", "restart")
LINES = ("black_hole", "reset_storm")
ON_THE_LINE = ("receiver", "broker")
AWAY = 2.0
RESETS = 20


@dataclass(frozen=True)
class Cell:
    """One fault."""

    target: str
    fault: str

    def __str__(self) -> str:
        return f"{self.target} {self.fault}"


def plan(seed: int, *, quick: bool, with_redis: bool) -> list[Cell]:
    """Every program with every fault, in an order of the seed; once, and the worker's twice in the full run."""
    cells = [Cell(target, fault) for target in PROGRAMS for fault in SIGNALS]
    cells += [Cell(target, fault) for target in ON_THE_LINE for fault in LINES]
    if not with_redis:
        cells = [cell for cell in cells if cell.target != "broker"] + [Cell("broker", "kill")]
    if quick:
        # Each program is killed once; what else is most likely to hurt.
        often = {("publisher", "stop"), ("receiver", "reset_storm"), ("postgres", "restart"), ("sequencer", "stop")}
        cells = [one for one in cells if one.fault == "kill" or (one.target, one.fault) in often]
    else:
        cells += [Cell("publisher", "kill"), Cell("publisher", "stop"), Cell("postgres", "kill")]
    random.Random(seed).shuffle(cells)
    return cells


@dataclass
class Faults:
    """Carries cells out on a running site. Two of sequencer and publisher run: one of them is hurt."""

    site: Site
    lines: Mapping[str, Proxy]
    lease: float
    restart_writer: Callable[[], None]
    dice: random.Random

    def inject(self, cell: Cell) -> None:
        """Hurt, wait, heal; returns when the fault is over."""
        if cell.fault in LINES:
            self._hurt_line(self.lines[cell.target], cell.fault)
        elif cell.target == "postgres":
            self._hurt_postgres(cell.fault)
        elif cell.target == "broker" and not crew.redis():
            self._lose_messages()
        elif cell.target == "writer":
            self.site.crew.kill("writer", signal.SIGTERM if cell.fault == "restart" else signal.SIGKILL)
            self.restart_writer()
        else:
            self._hurt_program(self._name(cell.target), cell.fault)

    def _name(self, target: str) -> str:
        if target == "broker":
            return "redis"
        if target in ("sequencer", "publisher"):
            return f"{target}-{self.dice.choice((1, 2))}"
        return target

    def _hurt_program(self, name: str, fault: str) -> None:
        if fault == "stop":
            self.site.crew.freeze(name)
            time.sleep(self.lease + 2)
            self.site.crew.thaw(name)
        elif fault == "kill":
            self.site.crew.again(name, signal.SIGKILL, AWAY)
        else:
            self.site.crew.again(name, signal.SIGTERM)

    def _hurt_postgres(self, fault: str) -> None:
        if fault == "stop":
            self.site.cluster.freeze()
            time.sleep(self.lease + 2)
            self.site.cluster.thaw()
        else:
            self.site.cluster.kill(signal.SIGKILL if fault == "kill" else signal.SIGINT, away=AWAY)

    def _hurt_line(self, line: Proxy, fault: str) -> None:
        if fault == "black_hole":
            line.set(state="black_hole")
            time.sleep(self.lease + 2)
            line.set(state="pass")
            line.reset_all()  # what was swallowed never arrives: those connections are dead
            return
        for _ in range(RESETS):
            line.reset_all()
            time.sleep(self.dice.uniform(0.05, 0.3))

    def _lose_messages(self) -> None:
        """The broker of a bare machine is a folder: every message in it is lost."""
        for file in (self.site.folder / "broker" / "messages").glob("*.msg"):
            file.unlink(missing_ok=True)
