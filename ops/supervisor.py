"""`make run`: everything Assay needs, started, watched and stopped by one program in the foreground."""

import contextlib
import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import FrameType

from ops import embedded, journal, preflight, programs, surroundings
from ops.children import Child, Guarded, Program, stop_all
from ops.dying import follow_parent
from ops.keeper import Hold
from ops.locks import Lock
from ops.place import PROJECT_DIR, Place
from ops.refusal import Refusal, permissions_told

TURN_SECONDS = 0.1
RECEIVERS = ("erp", "procurement", "billing")
FALSE_WORDS = {"0", "false", "no", "off"}


class Supervisor:
    """One run of Assay, from the first check to the last goodbye."""

    def __init__(self) -> None:
        self.began = time.monotonic()
        self.place = Place.from_environment()
        self.port = preflight.port_from_environment()
        self.host = os.environ.get("ASSAY_BIND") or "127.0.0.1"
        self.demo = os.environ.get("ASSAY_DEMO", "1").strip().lower() not in FALSE_WORDS
        self.children: list[Child] = []
        self.hold: Hold | None = None
        self.stopping = False
        self.state = ""
        self.loader: Child | None = None

    @property
    def address(self) -> str:
        """Where a person finds it."""
        return f"http://{'localhost' if self.host == '127.0.0.1' else self.host}:{self.port}/"

    def run(self) -> int:
        """Returns 0 once stopped in order. Raises Refusal where it cannot begin."""
        preflight.check_python()
        self.place.make()
        with permissions_told():
            up = Lock(self.place.lock("up"))
        with up as only_one:
            if not only_one.try_alone():
                where = self.place.folder
                raise Refusal(f"Assay already runs on {where}: stop it, or choose others with ASSAY_DATA_DIR and PORT")
            preflight.check(self.place, self.host, self.ports())
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, self._stop_soon)
            self.guarded = Guarded()
            try:
                with permissions_told():
                    self.prepare()
                self.serve()
            except Refusal:
                # A Ctrl-C also ends a migration half-way; that is no news to whoever pressed it.
                if not self.stopping:
                    raise
            finally:
                self.stop()
        return 0

    def ports(self) -> dict[str, int]:
        """Every port we need and what for."""
        wanted = {"the web server": self.port}
        if self.demo:
            wanted |= {f"the demo receiver {name}": self.port + 1 + place for place, name in enumerate(RECEIVERS)}
        return wanted

    # ---- before anything serves --------------------------------------------------------------------

    def prepare(self) -> None:
        """Environment, database, schema and static files are ready for the programs."""
        os.environ["PYTHONUNBUFFERED"] = "1"
        # Celery's page-long advice against root would stand in everybody's log: only JSON is accepted here.
        os.environ.setdefault("PYTHONWARNINGS", "ignore:You're running the worker")
        os.environ["PORT"] = str(self.port)
        os.environ.setdefault("ASSAY_RECEIVER_PORTS", ",".join(str(self.port + n) for n in (1, 2, 3)))
        surroundings.set_secrets(self.place)
        clear_wake_ups(self.place)
        self.hold = surroundings.set_database(self.place)
        self.tell("database is up" if self.hold else "uses the database of DATABASE_URL")
        if self.stopping:
            return
        if surroundings.migrate(self.place):
            self.tell("database is migrated")
        if collect_static(self.place):
            self.tell("static files are collected")

    # ---- while it runs -----------------------------------------------------------------------------

    def serve(self) -> None:
        """Runs until somebody asks us to stop."""
        for program in programs.lasting(self.host, self.port, demo=self.demo):
            self._add(program)
        next_look = 0.0
        while not self.stopping:
            for child in self.children:
                child.tend()
            self.guarded.keep_alive()
            if time.monotonic() >= next_look:
                self.look_after_database()
                self.look_at_health()
                next_look = time.monotonic() + (0.25 if self.state != "ready" else 2.0)
            time.sleep(TURN_SECONDS)

    def look_after_database(self) -> None:
        """An embedded server that was killed comes back; the programs reconnect by themselves."""
        if self.hold and self.hold.lost():
            self.tell("the database was lost and is started again")
            try:
                self.hold.acquire()
            except Refusal as refusal:
                self.tell(str(refusal))

    def look_at_health(self) -> None:
        """Loads the demo where /healthz awaits it; says when all is ready."""
        state = self.health()
        if state == "loading" and self.demo and self.loader is None:
            self.tell("loading the demo; this takes a minute")
            self.loader = self._add(programs.load_demo())
        if self.loader and self.loader.exit_code and self.state != "failed":
            self.state = "failed"
            self.tell("the demo could not be loaded; the lines of `demo` above say why. Mend it and start again,")
            self.tell(f"or start without it: ASSAY_DEMO=0 make run. All else runs at {self.address}")
        if state == "ready" and self.state != "ready":
            self.state = "ready"
            self.welcome()

    def health(self) -> str:
        """The state /healthz names; empty while nobody answers."""
        target = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - asks, does not listen
        asking = http.client.HTTPConnection(target, self.port, timeout=2)
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError), contextlib.closing(asking):
            asking.request("GET", "/healthz", headers={"Host": "localhost"})
            return str(json.loads(asking.getresponse().read()).get("state", ""))
        return ""

    def welcome(self) -> None:
        """Address and logins, for the person who waits."""
        self.tell(f"ready after {time.monotonic() - self.began:.0f} s at {self.address}")
        if not self.demo:
            return
        for line in logins(PROJECT_DIR / "demo" / "logins.toml"):
            self.tell(line)
        for name, port in zip(RECEIVERS, os.environ["ASSAY_RECEIVER_PORTS"].split(","), strict=False):
            self.tell(f"receiver {name} shows what it holds at http://localhost:{port}/")
        self.tell("Ctrl-C stops everything")

    # ---- the end -----------------------------------------------------------------------------------

    def stop(self) -> None:
        """Everything is gone: web, beat, workers, sequencer, receivers, database, in that order."""
        self.tell("stopping")
        for stage in programs.STOP_STAGES:
            stop_all([child for child in self.children if child.program.name in stage])
        if self.hold:
            self.hold.release_and_wait(20)
        self.guarded.close()
        self.tell("stopped")

    def tell(self, line: str) -> None:
        """A line of our own in the log."""
        journal.say("assay", line)

    def _add(self, program: Program) -> Child:
        child = Child(program, self.guarded)
        self.children.append(child)
        return child

    def _stop_soon(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True


def clear_wake_ups(place: Place) -> None:
    """Old messages of the filesystem broker are gone: they only wake, and all work is found in the database."""
    if not os.environ.get("CELERY_BROKER_URL"):
        shutil.rmtree(place.folder / "broker", ignore_errors=True)


def collect_static(place: Place) -> bool:
    """The pages' files are those of this code; whether any work was done. Raises Refusal."""
    stamp = place.folder / "static.stamp"
    digest = static_digest()
    if stamp.exists() and stamp.read_text() == digest and (place.folder / "static").is_dir():
        return False
    done = subprocess.run(programs.collect_static(), cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Refusal(f"The pages' files could not be collected: {embedded.last_line(done.stderr)}")
    stamp.write_text(digest)
    return True


def static_digest() -> str:
    """Changes whenever a static file here or a package in the lock does."""
    digest = hashlib.sha256((PROJECT_DIR / "requirements.lock").read_bytes())
    for file in sorted(PROJECT_DIR.glob("*/static/**/*")):
        found = file.stat()
        digest.update(f"{file.relative_to(PROJECT_DIR)} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def logins(file: Path) -> list[str]:
    """The demo's people, a line each; empty where the file is missing or unreadable."""
    try:
        people = tomllib.loads(file.read_text())["login"]
        return [f"sign in as {one['user']:<10} password {one['password']:<18} {one.get('role', '')}" for one in people]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError):
        return []


def up() -> int:
    """`python -m ops up`."""
    if os.environ.get("ASSAY_FOLLOW_PARENT"):
        # make waits for us and nothing else: killed, it must not leave us behind.
        follow_parent(signal.SIGTERM)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    return Supervisor().run()
