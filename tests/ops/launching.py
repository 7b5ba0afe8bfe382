"""Starting Assay from a test as a person would: an own data folder, a free port, a clean environment."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ops.place import PROJECT_DIR

PATIENCE = 180.0


def free_port() -> int:
    """A port nobody listens on, with three free ones after it for the receivers."""
    for candidate in range(18000 + os.getpid() % 1000 * 4, 60000, 4):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", candidate)) != 0:
                return candidate
    raise AssertionError("no free port")


def clean_environment(folder: Path, **settings: str) -> dict[str, str]:
    """This run's own settings must not leak into what it starts."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ASSAY_", "DJANGO_", "PYTEST_", "CELERY_"))
        and name not in {"DATABASE_URL", "SECRET_KEY"}
    }
    return {**kept, "ASSAY_DATA_DIR": str(folder), "ASSAY_DEMO": "0", **settings}


def manage(folder: Path, *words: str) -> "subprocess.CompletedProcess[str]":
    """Runs one manage.py command on that data folder."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=PROJECT_DIR,
        env=clean_environment(folder),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )


@dataclass
class Running:
    """A started Assay."""

    folder: Path
    port: int = field(default_factory=free_port)
    settings: dict[str, str] = field(default_factory=dict)

    def start(self) -> "Running":
        """Starts it; `ready` waits for it."""
        self.log = (self.folder.parent / f"{self.folder.name}.log").open("w+")
        self.starter = subprocess.Popen(
            [sys.executable, "-m", "ops", "up"],
            cwd=PROJECT_DIR,
            env=clean_environment(self.folder, PORT=str(self.port), **self.settings),
            stdout=self.log,
            stderr=self.log,
        )
        return self

    def ready(self) -> "Running":
        """Waits for /healthz to say 200."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            assert self.starter.poll() is None, self.said()
            if self.health() == 200:
                return self
            time.sleep(0.1)
        raise AssertionError(f"not ready in time:\n{self.said()}")

    def health(self) -> int:
        """The code /healthz answers; 0 where nobody does."""
        asking = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            asking.request("GET", "/healthz")
            return asking.getresponse().status
        except OSError:
            return 0
        finally:
            asking.close()

    def end(self, number: signal.Signals) -> int:
        """Sends the signal and waits for the starter's end; its exit code."""
        self.starter.send_signal(number)
        code = self.starter.wait(PATIENCE)
        self.log.close()
        return code

    def said(self) -> str:
        """The log so far."""
        return Path(self.log.name).read_text()


def belongings(folder: Path) -> dict[int, str]:
    """Every living process of the installation in that folder: pid and command line."""
    mark, found = os.fsencode(folder), {}
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal() or int(process.name) == os.getpid():
            continue
        try:
            words = (process / "cmdline").read_bytes()
            if words and mark in words + (process / "environ").read_bytes():
                found[int(process.name)] = words.replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
    return found


def await_nobody(folder: Path, seconds: float = 15.0) -> dict[int, str]:
    """What is still running after at most that time; empty is what is wanted."""
    end = time.monotonic() + seconds
    while (left := belongings(folder)) and time.monotonic() < end:
        time.sleep(0.1)
    return left


def wait_for(condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Returns once the condition holds; fails where it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)
