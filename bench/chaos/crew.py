"""The programs under test and those of the rig: real command lines, started, killed, frozen, thawed and restarted."""

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from ops import programs
from ops.children import Guarded
from ops.dying import die_with_parent
from ops.guard import signal_group
from ops.place import PROJECT_DIR

PORTS = range(20_000, 30_000)  # below the range the kernel gives to outgoing calls: a killed listener finds it free
_taken: set[int] = set()


def free_port() -> int:
    """A port nobody listens on, not given out before."""
    while True:
        port = random.choice(PORTS)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in _taken and port != 27017:
                _taken.add(port)
                return port


@dataclass
class Crew:
    """Programs by name. Only the main thread may start one (they end with it)."""

    folder: Path
    environment: dict[str, str]
    guarded: Guarded
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    commands: dict[str, list[str]] = field(default_factory=dict)

    def start(self, name: str, command: list[str] | None = None) -> "subprocess.Popen[bytes]":
        """Start the program, by its earlier command where none is given. Its words go to ``logs/NAME.log``."""
        self.commands[name] = command or self.commands[name]
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        with (logs / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                self.commands[name], cwd=PROJECT_DIR, env={**self.environment, "PGAPPNAME": f"chaos-{name}"},
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),  # noqa: PLW1509 - started by the main thread
            )  # fmt: skip
        self.guarded.add(self.running[name].pid)
        return self.running[name]

    def rig(self, name: str, module: str, *words: str) -> "subprocess.Popen[bytes]":
        """Start a program of the rig itself."""
        return self.start(name, [sys.executable, "-m", f"bench.chaos.{module}", *words])

    def kill(self, name: str, number: int = signal.SIGKILL, wait: float = 30) -> None:
        """The program and all it started are gone."""
        child = self.running.pop(name, None)
        if child is None:
            return
        signal_group(child.pid, number)
        try:
            child.wait(wait)
        except subprocess.TimeoutExpired:
            signal_group(child.pid, signal.SIGKILL)
            child.wait()
        signal_group(child.pid, signal.SIGKILL)
        self.guarded.remove(child.pid)

    def again(self, name: str, number: int = signal.SIGKILL, away: float = 0.0) -> None:
        """Killed, and started anew after ``away`` seconds."""
        self.kill(name, number)
        time.sleep(away)
        self.start(name)

    def freeze(self, name: str) -> None:
        """It stops where it is."""
        signal_group(self.running[name].pid, signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        """It goes on as if nothing had been."""
        signal_group(self.running[name].pid, signal.SIGCONT)

    def alive(self, name: str) -> bool:
        """Whether it runs."""
        return name in self.running and self.running[name].poll() is None

    def words_of(self, name: str) -> str:
        """What it has said so far."""
        log = self.folder / "logs" / f"{name}.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def close(self) -> None:
        """None is left: asked together, forced after three seconds."""
        for child in self.running.values():
            signal_group(child.pid, signal.SIGCONT)
            signal_group(child.pid, signal.SIGTERM)
        end = time.monotonic() + 3
        while time.monotonic() < end and any(child.poll() is None for child in self.running.values()):
            time.sleep(0.05)
        for name in list(self.running):
            self.kill(name)


def product(port: int = 0) -> dict[str, list[str]]:
    """The command lines `make run` uses, by name."""
    found = {program.name: list(program.command) for program in programs.lasting("127.0.0.1", port, demo=False)}
    return {
        "web": found[programs.WEB],
        "publisher": found["publisher"],
        "worker": found["worker"],
        "sequencer": found[programs.SEQUENCERS[0]],
        "beat": found[programs.BEAT],
    }


def redis() -> str | None:
    """Path of a Redis to start, where the machine has one."""
    return shutil.which("redis-server")


def redis_command(port: int, folder: Path) -> list[str]:
    """A Redis of our own that keeps nothing: the broker is only a wake-up, losing it must lose nothing."""
    program = redis() or "redis-server"
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder)]
    return [program, *words, "--maxmemory-policy", "noeviction", "--protected-mode", "no"]


def wait_for_port(port: int, seconds: float = 30) -> None:
    """Somebody listens there. Raises TimeoutError."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nobody listens on port {port}")


def environment(folder: Path, url: str, **more: str) -> dict[str, str]:
    """What the programs under test are told."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASSAY_", "CELERY_", "PG"))}
    return kept | {
        "DATABASE_URL": url, "ASSAY_OWNER_DATABASE_URL": url, "ASSAY_DATA_DIR": str(folder),
        "SECRET_KEY": "chaos" * 10, "ASSAY_KEYS_FILE": str(folder.parent / "keys"), "ASSAY_DEMO": "0",
        "ASSAY_ALLOWED_NETWORKS": "127.0.0.0/8", "ASSAY_HASHED_STATIC": "0", "ASSAY_LOG_LEVEL": "WARNING",
        "ASSAY_LEASE_SECONDS": "6", "ASSAY_SOFT_SHUTDOWN_SECONDS": "5", "DJANGO_SETTINGS_MODULE": "mdm.settings",
        "PYTHONPATH": str(PROJECT_DIR),
    } | more  # fmt: skip
