"""Consumers of the feed: one that begins in the middle of the load, one that meets a restored hub, fifty that wait.

Snapshot and tail (F7): a new consumer reads the list of suppliers while they change, then the feed from the number the
list names, and must end with what the hub has. Restore (F6): the database is put back to an earlier copy, as a restore
of an older dump does; the reader ahead of it must be told, endpoints must stand still. Waiting (F12): bench.waiters.
"""

import http.client
import json
import signal
import subprocess
import sys
import time
from typing import Any
from urllib.parse import urlencode

from psycopg import sql

from api.clients import create_client
from bench.chaos import golden
from bench.chaos.report import Row, pace
from bench.chaos.scenarios import Stage
from bench.chaos.site import Site, point_django_at
from mdm.models import GoldenRecord
from ops import embedded
from ops.place import PROJECT_DIR

WAITERS, WAITING_SECONDS = 50, 15
PROGRAMS = ("sequencer", "publisher", "beat", "web")


def run(stage: Stage) -> list[Row]:
    """One site for the first two, an empty one for the waiting readers."""
    with stage.site("consumers") as site:
        golden.prepare(300, 20)
        _, token = create_client(name="chaos")
        site.webhook("erp")
        site.start_receiver()
        site.start(*PROGRAMS)
        site.wait(lambda: site.diary.exists() and len(site.received()) >= 300, 60)
        rows = [_begin_in_the_middle(stage, site, token), *_restore(site, token)]
    with stage.site("waiters") as site:
        rows.append(_wait_for_changes(site))
    return rows


def _get(site: Site, token: str, path: str, **words: Any) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", site.web_port, timeout=60)
    asked = f"{path}?{urlencode(words)}" if words else path
    connection.request("GET", asked, headers={"authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    raw = answer.read()
    connection.close()
    return answer.status, json.loads(raw)


class Consumer:
    """What a new consumer holds: {record: (version, state)}."""

    def __init__(self, site: Site, token: str) -> None:
        self.site, self.token = site, token
        self.held: dict[str, tuple[int, str]] = {}
        self.after = self._snapshot()

    def _snapshot(self) -> int:
        """Read the list page by page; the number to tail from."""
        first, cursor = None, ""
        while True:
            words = {"limit": 50, "order": "code"} | ({"cursor": cursor} if cursor else {})
            code, page = _get(self.site, self.token, "/api/v1/suppliers/", **words)
            assert code == 200, page
            first = page["as_of_sequence"] if first is None else first
            for one in page["items"]:
                self.take(one["id"], one["version"], one["state"])
            if not page["has_more"]:
                return int(first)
            cursor = page["next_cursor"]

    def take(self, record: str, version: int, state: str) -> None:
        """Only forward."""
        if version >= self.held.get(record, (0, ""))[0]:
            self.held[record] = (version, state)

    def tail(self) -> None:
        """Everything since, up to the head."""
        cursor = ""
        while True:
            words = {"cursor": cursor} if cursor else {"after_sequence": self.after}
            code, page = _get(self.site, self.token, "/api/v1/changes", limit=500, domain="supplier", **(
                words if cursor or self.after else {}))  # fmt: skip
            assert code == 200, page
            for one in page["items"]:
                self.take(one["record"], one["version"], one["state"])
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return


def _begin_in_the_middle(stage: Stage, site: Site, token: str) -> Row:
    words = ["golden", "--diary", str(site.folder / "wrote-1.jsonl"), "--threads", "3", "--rate", "15"]
    site.crew.rig("writer", "writers", *words, "--seed", str(stage.seed))
    time.sleep(3)
    consumers = []
    for _ in range(4 if stage.quick else 20):
        consumers.append(Consumer(site, token))
        time.sleep(0.5)
    site.crew.kill("writer", signal.SIGTERM)
    site.wait(lambda: not site.number("SELECT count(*) FROM mdm_changeevent WHERE seq IS NULL"), 30)
    hub = {
        str(pk): (version, str(state))
        for pk, version, state in GoldenRecord.objects.filter(domain="supplier").values_list("pk", "version", "state")
    }
    found = []
    for number, consumer in enumerate(consumers):
        consumer.tail()
        wrong = [pk for pk, held in consumer.held.items() if hub.get(pk) != held]
        missing = [pk for pk, (_, state) in hub.items() if state == "active" and pk not in consumer.held]
        if wrong or missing:
            found.append(f"consumer {number} has {len(wrong)} records otherwise than the hub and lacks {len(missing)}")
    return Row("F7 snapshot and tail end with the hub's state", f"{len(consumers)} consumers", "begun under load",
               f"{len(hub):,} suppliers", found)  # fmt: skip


def _restore(site: Site, token: str) -> list[Row]:
    backup = f"{site.database}_backup"
    _stop(site)
    _copy(site, site.database, backup)
    site.start(*PROGRAMS)
    golden.prepare_more(100)
    head = site.number("SELECT count(*) FROM mdm_changeevent")
    site.wait(lambda: site.number("SELECT max(seq) FROM mdm_loghead") >= head, 30)
    _, ahead = _get(site, token, "/api/v1/changes", after_sequence=head - 10)
    site.wait(site.settled, 60)
    _stop(site)
    _copy(site, backup, site.database)
    calls = len(site.received())
    site.start(*PROGRAMS)
    site.wait(lambda: site.number("SELECT count(*) FROM mdm_logepoch") > 1, 20)
    golden.prepare_more(150)
    time.sleep(5)
    code, answer = _get(site, token, "/api/v1/changes", cursor=ahead["next_cursor"])
    told = [] if (code, answer.get("code")) == (409, "feed-reset") else [f"the reader ahead got {code} {answer}"[:300]]
    state, reason = site.ask("SELECT state, state_reason FROM publishing_endpoint")[0]
    sent = len(site.received()) - calls
    still = [] if state == "paused" and not sent else [f"the endpoint is {state} and was called {sent} times"]
    site.cluster.drop(backup)
    faults = "database put back to an earlier copy"
    return [
        Row("F6 a reader ahead of a restored hub is told", "1 reader", faults, f"{code} {answer.get('code')}", told),
        Row("J12 endpoints stand still after a restore", "1 endpoint", faults, f"{state}: {reason}"[:80], still),
    ]  # fmt: skip


def _stop(site: Site) -> None:
    for name in PROGRAMS:
        site.crew.kill(name, signal.SIGTERM)
    point_django_at(site.url)  # closes our own sessions


def _copy(site: Site, source: str, target: str) -> None:
    """The target becomes what the source is now."""
    site.cluster.drop(target)
    statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(target), sql.Identifier(source))
    if site.cluster.ours:
        statement += sql.SQL(" OWNER {}").format(sql.Identifier(embedded.OWNER))
    with site.cluster.admin() as admin:
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [source])
        time.sleep(0.5)
        admin.execute(statement)


def _wait_for_changes(site: Site) -> Row:
    site.start("web", "sequencer")
    command = [sys.executable, "-m", "bench.waiters", f"http://127.0.0.1:{site.web_port}", str(WAITERS)]
    done = subprocess.run(
        [*command, str(WAITING_SECONDS)], env=site.crew.environment, cwd=PROJECT_DIR, capture_output=True, text=True,
        check=False, timeout=180,
    )  # fmt: skip
    line = next((one for one in reversed(done.stdout.splitlines()) if one.startswith("{")), "{}")
    told = json.loads(line)
    p99 = next((float(value) for name, value in told.items() if "p99" in name), None)
    found = [] if p99 is not None else [f"bench.waiters said nothing: {(done.stdout + done.stderr)[-200:]}"]
    if told.get("missed") or told.get("ended"):
        found.append(f"{told['missed']} changes were never heard of, readers that ended: {told['ended']}")
    if p99 is not None and p99 > 1000 / pace():
        found.append(f"p99 is {p99:.0f} ms, a second is promised")
    return Row("F12 waiting readers hear within a second", f"{WAITERS} readers", "none", line[:120], found)
