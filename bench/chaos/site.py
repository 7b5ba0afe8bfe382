"""One scenario's place: a database of its own, the product's programs, a receiver, endpoints and diaries.

Django of this very program is pointed at the database of the running scenario, so scenarios use the product's verbs
to make endpoints and its models to look.
"""

import base64
import secrets
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Self

import orjson
import psycopg
from django.db import connections

from bench.chaos import crew
from bench.chaos.cluster import Cluster
from mdm import env
from mdm.cause import HUB
from ops.children import Guarded
from publishing.endpoints import Proposal, create_endpoint
from publishing.models import Endpoint, EndpointKind, EndpointState


@dataclass
class Site:
    """Use as a context: `with Site("kills", cluster, folder, guarded) as site`."""

    name: str
    cluster: Cluster
    root: Path
    guarded: Guarded
    broker: str = "filesystem"
    extra: dict[str, str] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self.folder = self.root / self.name
        self.folder.mkdir()
        self.database = f"assay_chaos_{self.name}"
        self.url = self.cluster.make_database(self.database)
        self.receiver_port, self.web_port, self.broker_port = crew.free_port(), crew.free_port(), crew.free_port()
        self.secrets: dict[str, str] = {}
        environment = crew.environment(self.folder, self.url, **self.extra)
        if self.broker == "redis":
            environment["CELERY_BROKER_URL"] = f"redis://127.0.0.1:{self.broker_port}/0"
        self.crew = crew.Crew(self.folder, environment, self.guarded)
        point_django_at(self.url)
        return self

    def __exit__(self, *exc: object) -> None:
        connections.close_all()
        self.crew.close()
        self.cluster.drop(self.database)

    # ---- programs ---------------------------------------------------------------------------------------

    def start(self, *names: str) -> None:
        """Start programs of the product: publisher, publisher-2, sequencer, sequencer-2, beat, web, worker, redis."""
        commands = crew.product(self.web_port)
        for name in names:
            if name == "redis":
                self.crew.start(name, crew.redis_command(self.broker_port, self.folder))
                crew.wait_for_port(self.broker_port)
                continue
            command = commands[name.partition("-")[0]]
            node = [word.replace("publisher@", f"{name}@") for word in command]
            self.crew.start(name, node)
            if name == "web":
                crew.wait_for_port(self.web_port)

    def start_receiver(self, faults: dict[str, dict[str, Any]] | None = None, name: str = "receiver") -> None:
        """The receiver listens and knows every secret given out so far."""
        config = self.folder / "receiver.json"
        config.write_bytes(orjson.dumps({"secrets": {k: [v] for k, v in self.secrets.items()}, "faults": faults or {}}))
        self.crew.rig(name, "receiver", str(self.receiver_port), str(self.diary), str(config))
        crew.wait_for_port(self.receiver_port)

    def tell_receiver(self, what: str, told: Any = None) -> Any:
        """`faults`, `secrets` or `state` of the running receiver."""
        address = f"http://127.0.0.1:{self.receiver_port}/_rig/{what}"
        body = orjson.dumps(told) if told is not None else None
        with urllib.request.urlopen(urllib.request.Request(address, data=body), timeout=10) as answer:
            return orjson.loads(answer.read())

    @property
    def diary(self) -> Path:
        """What the receiver was called with."""
        return self.folder / "received.jsonl"

    def received(self) -> list[dict[str, Any]]:
        """Every call so far; a line cut by a kill is left out."""
        return list(lines_of(self.diary))

    # ---- endpoints --------------------------------------------------------------------------------------

    def webhook(self, code: str, *, port: int = 0, live: bool = True, **given: Any) -> Endpoint:
        """A webhook at the receiver (or another port of this machine), with a secret the receiver will know."""
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        self.secrets[code] = secret
        proposal = Proposal(
            code=code, name=code.upper(), kind=EndpointKind.WEBHOOK, signing_secret=secret,
            url=f"http://127.0.0.1:{port or self.receiver_port}/{code}", **given,
        )  # fmt: skip
        return self._made(proposal, live=live)

    def push(self, code: str, *, port: int = 0, **given: Any) -> Endpoint:
        """A REST target at the receiver."""
        proposal = Proposal(
            code=code, name=code.upper(), kind=EndpointKind.REST, method="PUT", path="/{slug}/{id}",
            url=f"http://127.0.0.1:{port or self.receiver_port}/{code}", **given,
        )  # fmt: skip
        return self._made(proposal, live=True)

    def _made(self, proposal: Proposal, *, live: bool) -> Endpoint:
        endpoint = create_endpoint(proposal=proposal, by=HUB)
        if live:
            Endpoint.objects.filter(pk=endpoint.pk).update(state=EndpointState.ACTIVE)
            endpoint.refresh_from_db()
        return endpoint

    # ---- looking ----------------------------------------------------------------------------------------

    def ask(self, question: str, *given: Any) -> list[tuple[Any, ...]]:
        """Rows of a question, on a connection of its own that also works right after a crash."""
        with psycopg.connect(self.url, autocommit=True, application_name="chaos-rig") as connection:
            return connection.execute(question, given or None).fetchall()  # type: ignore[arg-type]

    def number(self, question: str, *given: Any) -> int:
        """The first value of the first row."""
        return int(self.ask(question, *given)[0][0] or 0)

    def shift_clock(self, shift: timedelta) -> None:
        """Publishing lives that much later, in every program that connects from now on."""
        with self.cluster.admin() as connection:
            connection.execute(
                f"ALTER DATABASE {self.database} SET assay.clock_shift = '{int(shift.total_seconds())} seconds'"
            )
        connections.close_all()

    def wait(self, what: Callable[[], bool], seconds: float, every: float = 0.25) -> bool:
        """Wait until it is so; whether it became so in time."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what():
                return True
            time.sleep(every)
        return what()

    def settled(self) -> bool:
        """Nothing is unnumbered, and no live lane has anything left to do that is not parked."""
        if self.number("SELECT count(*) FROM mdm_changeevent WHERE seq IS NULL"):
            return False
        return not self.number(
            "SELECT (SELECT count(*) FROM publishing_lane l JOIN publishing_endpoint e ON e.id = l.endpoint_id "
            "WHERE e.state IN ('active', 'degraded') AND l.cursor_low < (SELECT max(seq) FROM mdm_loghead)) + "
            "(SELECT count(*) FROM publishing_delivery d JOIN publishing_endpoint e ON e.id = d.endpoint_id "
            "WHERE e.state IN ('active', 'degraded') AND d.state IN ('waiting', 'in_flight') AND NOT EXISTS "
            "(SELECT FROM publishing_delivery p WHERE p.endpoint_id = d.endpoint_id AND p.record_id = d.record_id "
            "AND p.state = 'parked'))"
        )


def lines_of(file: Path) -> Iterator[dict[str, Any]]:
    """The JSON lines of a file that may end in the middle of one."""
    if not file.exists():
        return
    for line in file.read_bytes().splitlines():
        try:
            yield orjson.loads(line)
        except orjson.JSONDecodeError:
            continue


def point_django_at(url: str) -> None:
    """This program's Django uses that database from now on."""
    connections.close_all()
    told = env.database(url)
    for name in ("NAME", "USER", "PASSWORD", "HOST", "PORT", "OPTIONS"):
        connections["default"].settings_dict[name] = told[name]
        connections.databases["default"][name] = told[name]


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies; 0 for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0
