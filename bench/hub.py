"""The whole road in one process: a file imported, matched, mastered, numbered and verified, timed stage by stage.

    python -m bench.hub FILE [--feed FEED.toml] [--workers N] [--embedded] [--check] [--profile OUT]

Works in a database of its own beside the one DATABASE_URL names, dropped afterwards, or on an embedded PostgreSQL as
an installation has it. ``hub CPU`` is this process, ``PostgreSQL CPU`` the session that serves it (where it runs on
this machine); a stage's figures leave out the stages inside it. The last lines say what came out, so that two runs
can be compared: equal digests are equal groups, questions and golden values. With ``--workers`` so many processes
beside this one prepare and match, as Celery workers would, while this one reads the file and then numbers the log.
"""

import argparse
import cProfile
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django

from bench.crew_of_hub import launch, wait_for

HERE = Path(__file__).parent
TICK = os.sysconf("SC_CLK_TCK")

RESULTS = {
    "golden records": "SELECT count(*), sum(hashtextextended(title || state || version::text, 0)) "
    "FROM mdm_goldenrecord",
    "groups": "SELECT count(*), sum(hashtextextended(keys, 0)) FROM (SELECT string_agg(s.key, '|' ORDER BY s.key) "
    "AS keys FROM mdm_link l JOIN mdm_sourcerecord s ON s.id = l.source_record_id WHERE l.ended_at IS NULL "
    "GROUP BY l.record_id) g",
    "reasons of links": "SELECT count(*), sum(hashtextextended(s.key || coalesce(round(l.score::numeric, 9)::text, '') "
    "|| coalesce((l.explanation - 'source_record')::text, ''), 0)) "
    "FROM mdm_link l JOIN mdm_sourcerecord s ON s.id = l.source_record_id",
    "questions": "SELECT count(*), sum(hashtextextended(sentence || round(score::numeric, 9)::text, 0)) "
    "FROM matching_matchcandidate",
    "pairs shown": "SELECT count(*), sum(hashtextextended(a.key || b.key || p.explanation::text || p.vetoes::text, 0)) "
    "FROM matching_matchpair p JOIN mdm_sourcerecord a ON a.id = p.left_source_id "
    "JOIN mdm_sourcerecord b ON b.id = p.right_source_id",
}


@dataclass
class Spent:
    """What one stage took, without the stages inside it."""

    wall: float = 0.0
    own: float = 0.0
    server: float = 0.0

    def add(self, other: "Spent", sign: int = 1) -> None:
        """Sum up, or take away."""
        self.wall += sign * other.wall
        self.own += sign * other.own
        self.server += sign * other.server


class Clock:
    """Wall and CPU time by stage. Stages may stand inside each other."""

    def __init__(self) -> None:
        self.stages: dict[str, Spent] = {}
        self.open: list[str] = []
        self.backend = 0
        self.backend_peak = 0

    def now(self) -> Spent:
        """Times since the beginning of the processes."""
        return Spent(time.perf_counter(), time.process_time(), self._server())

    def _server(self) -> float:
        try:
            fields = Path(f"/proc/{self.backend}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return 0.0
        return (int(fields[11]) + int(fields[12])) / TICK

    def look_at_memory(self) -> None:
        """Keep the largest memory the server's session was ever seen with, shared buffers left out."""
        try:
            lines = Path(f"/proc/{self.backend}/status").read_text().splitlines()
        except OSError:
            return
        kilobytes = next((int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)
        self.backend_peak = max(self.backend_peak, kilobytes // 1024)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """What happens inside counts for this stage, and no longer for the one around it."""
        began = self.now()
        self.open.append(name)
        try:
            yield
        finally:
            spent = self.now()
            spent.add(began, -1)
            self.open.pop()
            self.stages.setdefault(name, Spent()).add(spent)
            if self.open:
                self.stages.setdefault(self.open[-1], Spent()).add(spent, -1)

    def timed(self, name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same function, timed as this stage."""

        def call(*args: Any, **kwargs: Any) -> Any:
            with self.stage(name):
                return work(*args, **kwargs)

        return call


def by_statement(clock: Clock, spent: dict[str, Spent]) -> Callable[..., Any]:
    """A wrapper of statements (Django's ``execute_wrapper``) that sums up what each kind of them took."""

    def run_one(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        began = clock.now()
        try:
            return execute(sql, params, many, context)
        finally:
            took = clock.now()
            took.add(began, -1)
            spent.setdefault(" ".join(sql.split())[:90], Spent()).add(took)

    return run_one


def told(clock: Clock, rows: int, name: str, spent: Spent) -> None:
    """One line of the table."""
    rate = f"{rows / spent.wall:11,.0f}" if spent.wall > 0 else " " * 11
    print(f"{name:18}{spent.wall:9.1f} s{rate}{spent.own:11.1f}{spent.server:15.1f}")


def watch(clock: Clock) -> None:
    """The functions between which the time of matching is divided. Only the bench wraps them."""
    from django.db import connection  # noqa: PLC0415  # (Django is set up by now)

    from matching import asking, lookup, run  # noqa: PLC0415
    from mdm import mastering  # noqa: PLC0415

    run.prepare = clock.timed("prepare", run.prepare)
    run.decide = clock.timed("decide", run.decide)
    for name in ("_claim", "_gather"):
        setattr(run, name, clock.timed("claim" if name == "_claim" else "gather: score", getattr(run, name)))
    for name in ("pairs_of", "load", "members_of", "waiting_among", "shared_texts", "ruled_out"):
        setattr(lookup, name, clock.timed("gather: look up", getattr(lookup, name)))
    for name in ("link", "create", "refresh"):
        setattr(mastering, name, clock.timed(f"master: {name}", getattr(mastering, name)))
    asking.store = clock.timed("ask", asking.store)  # type: ignore[assignment]
    connection.commit = clock.timed("commit", connection.commit)  # type: ignore[method-assign]


def road(file: Path, feed_file: Path, clock: Clock, *, check: bool, workers: int) -> int:
    """Import, match, number and verify one file. Returns the rows read."""
    from django.db import connection  # noqa: PLC0415

    from matching.run import match  # noqa: PLC0415
    from mdm import log  # noqa: PLC0415
    from mdm.cause import HUB, Cause  # noqa: PLC0415
    from mdm.code_lists import load_code_lists  # noqa: PLC0415
    from mdm.domains import BY_NAME  # noqa: PLC0415
    from mdm.gaps import Gaps  # noqa: PLC0415
    from mdm.intake import read, receive, save_feed  # noqa: PLC0415
    from mdm.intake.feeds import read_document  # noqa: PLC0415
    from mdm.mastering import differences  # noqa: PLC0415
    from mdm.models import SourceSystem  # noqa: PLC0415
    from mdm.verify import verify  # noqa: PLC0415

    load_code_lists()
    document = read_document(feed_file)
    SourceSystem.objects.get_or_create(code=document["source"], defaults={"name": "Bench"})
    feed = save_feed(document=document, by="bench")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        clock.backend = cursor.fetchone()[0]
    watch(clock)
    crew = launch(workers, feed.domain, connection.settings_dict["NAME"])
    with clock.stage("import"):
        batch = read(receive(feed=feed, file=file, file_name=file.name, by="bench", wake=False).pk)
    with clock.stage("the rest"):
        if crew:
            gaps = Gaps()
            wait_for(crew, clock.timed("log", lambda: log.sequence(gaps=gaps)))
        print(match(BY_NAME[feed.domain], Cause(by=HUB, reason="Bench")), flush=True)
    clock.look_at_memory()
    with clock.stage("log"):
        log.sequence_all()
    if check:
        with clock.stage("verify"):
            verdict = verify()
            print(f"verify_log: {'green' if verdict.is_green else verdict.findings}, {verdict.events:,} events")
        with clock.stage("rebuild"):
            print(f"rebuild_golden --check: {sum(1 for _ in differences())} differences")
    with connection.cursor() as cursor:
        for what, query in RESULTS.items():
            cursor.execute(query)
            count, digest = cursor.fetchone()
            print(f"{what:18}{count:12,}  digest {digest or 0:.0f}")
    return batch.rows_read


def run(given: argparse.Namespace) -> None:
    """The road and the table of its stages."""
    from django.db import connection  # noqa: PLC0415  # (Django is set up by now)

    clock = Clock()
    statements: dict[str, Spent] = {}
    profile = cProfile.Profile(time.process_time) if given.profile else None
    if profile:
        profile.enable()
    began = time.perf_counter()
    with connection.execute_wrapper(by_statement(clock, statements)) if given.statements else nullcontext():
        rows = road(given.file, given.feed, clock, check=given.check, workers=given.workers)
    seconds = time.perf_counter() - began
    if profile:
        profile.disable()
        profile.dump_stats(given.profile)
    print(f"\n{rows:,} rows{'':8}{'wall':>6}{'rows/s':>11}{'hub CPU':>11}{'PostgreSQL CPU':>15}")
    whole = Spent()
    for name, spent in clock.stages.items():
        told(clock, rows, name, spent)
        if name not in ("verify", "rebuild"):
            whole.add(spent)
    told(clock, rows, "to the log's end", whole)
    for sql, took in sorted(statements.items(), key=lambda item: -item[1].server)[:25]:
        print(f"{took.server:8.2f} s of PostgreSQL, {took.own:6.2f} s here: {sql}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(f"{seconds:.1f} s in all; peak memory {peak:,} MB here, {clock.backend_peak:,} MB in the server's session")


def main() -> None:
    """Read the arguments and clean up whatever happens."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path)
    parser.add_argument("--feed", type=Path, default=HERE / "synthetic_suppliers.toml")
    parser.add_argument("--workers", type=int, default=0, help="processes beside this one that prepare and match")
    parser.add_argument("--embedded", action="store_true", help="on an embedded PostgreSQL instead of DATABASE_URL")
    parser.add_argument("--check", action="store_true", help="verify the log and recompute every golden record after")
    parser.add_argument("--statements", action="store_true", help="name the statements that cost the server most")
    parser.add_argument("--profile", help="file for cProfile's figures (slows everything down)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if given.embedded:
            from bench.storm import set_up  # noqa: PLC0415  # (the settings read the environment it makes)

            server = set_up(folder, throwaway=False)
            try:
                django.setup()
                run(given)
            finally:
                server.stop()
            return
        os.environ |= {"DJANGO_SETTINGS_MODULE": "mdm.settings", "ASSAY_DATA_DIR": folder}
        os.environ.setdefault("SECRET_KEY", "x" * 50)
        django.setup()
        from django.db import connection  # noqa: PLC0415

        real = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        try:
            run(given)
        finally:
            connection.creation.destroy_test_db(real, verbosity=0)


if __name__ == "__main__":
    sys.exit(main())
