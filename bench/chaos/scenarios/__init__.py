"""What is tried: one module each, every one returns rows of the table."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.chaos.cluster import Cluster
from bench.chaos.report import Row
from bench.chaos.site import Site
from ops.children import Guarded

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Stage:
    """What a scenario is given."""

    cluster: Cluster
    folder: Path
    guarded: Guarded
    quick: bool
    seed: int
    sabotage: str = ""

    def site(self, name: str, *, broker: str = "filesystem", **extra: str) -> Site:
        """A place of its own."""
        return Site(name, self.cluster, self.folder, self.guarded, broker, extra)


@dataclass(frozen=True)
class Scenario:
    """How it is run, and whether it needs a PostgreSQL of its own to hurt."""

    run: Callable[[Stage], list[Row]]
    hurts_postgres: bool = False


from bench.chaos.scenarios import alone, consumers, day, drift, feed, flat, kills, lanes, targets  # noqa: E402 - they need what stands above

SCENARIOS: "Mapping[str, Scenario]" = {
    "feed": Scenario(feed.run),
    "flat": Scenario(flat.run),
    "alone": Scenario(alone.run),
    "lanes": Scenario(lanes.run),
    "day": Scenario(day.run, hurts_postgres=True),
    "targets": Scenario(targets.run),
    "consumers": Scenario(consumers.run, hurts_postgres=True),
    "drift": Scenario(drift.run),
    "kills": Scenario(kills.run, hurts_postgres=True),
}
