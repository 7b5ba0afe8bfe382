"""A program the starter runs: started, listened to, restarted with back-off, stopped with all it has started."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field

from ops import guard, journal
from ops.dying import die_with_parent
from ops.place import PROJECT_DIR

STEADY_SECONDS = 30.0
LONGEST_PAUSE = 30.0
STOP_SECONDS = 10.0


@dataclass(frozen=True)
class Program:
    """What to run: a name for the log and a command line. `once` is a program that is expected to end."""

    name: str
    command: list[str]
    once: bool = False


class Guarded:
    """The guard's list of process groups: what is on it when we are killed does not outlive us."""

    def __init__(self) -> None:
        self.groups: set[int] = set()
        self.child = self._start()

    def _start(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "ops.guard"],
            cwd=PROJECT_DIR,
            stdin=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )

    def add(self, group: int) -> None:
        """From now on this group ends with us."""
        self.groups.add(group)
        self._tell(f"+{group}")

    def remove(self, group: int) -> None:
        """This group has ended."""
        self.groups.discard(group)
        self._tell(f"-{group}")

    def keep_alive(self) -> None:
        """A guard that was killed is replaced and told everything again."""
        if self.child.poll() is not None:
            self.child = self._start()
            for group in self.groups:
                self._tell(f"+{group}")

    def close(self) -> None:
        """The guard ends too; what is still on the list is ended by it."""
        if self.child.stdin:
            self.child.stdin.close()
        self.child.wait(guard.GRACE_SECONDS + 2)

    def _tell(self, line: str) -> None:
        if self.child.stdin and self.child.poll() is None:
            self.child.stdin.write(line + "\n")
            self.child.stdin.flush()


@dataclass
class Child:
    """One running program and its back-off. Only the main thread may use it (see `die_with_parent`)."""

    program: Program
    guarded: Guarded
    running: "subprocess.Popen[bytes] | None" = None
    exit_code: int | None = None
    failures: int = 0
    started: float = 0.0
    next_start: float = 0.0
    rest: bytes = field(default=b"", repr=False)

    def start(self) -> None:
        """Starts it in a process group of its own."""
        self.running = subprocess.Popen(
            self.program.command,
            cwd=PROJECT_DIR,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - this program has one thread
        )
        if self.running.stdout:
            os.set_blocking(self.running.stdout.fileno(), False)
        self.started = time.monotonic()
        self.guarded.add(self.running.pid)

    def tend(self) -> None:
        """Passes on what it says; restarts it when it has ended and its pause is over."""
        self.listen()
        if self.running is None:
            if self.exit_code is None or (not self.program.once and time.monotonic() >= self.next_start):
                self.start()
            return
        code = self.running.poll()
        if code is None:
            return
        self._bury(code)
        if self.program.once:
            return
        steady = time.monotonic() - self.started > STEADY_SECONDS
        self.failures = 1 if steady else self.failures + 1
        pause = min(LONGEST_PAUSE, 2.0 ** (self.failures - 1))
        self.next_start = time.monotonic() + pause
        journal.say("assay", f"{self.program.name} ended ({meaning(code)}), again in {pause:.0f} s")

    def listen(self) -> None:
        """Puts the lines it has written so far into the log."""
        if self.running is None or self.running.stdout is None:
            return
        while chunk := read_now(self.running.stdout.fileno()):
            *lines, self.rest = (self.rest + chunk).split(b"\n")
            for line in lines:
                if text := line.decode(errors="replace").rstrip():
                    journal.say(self.program.name, text)

    def ask_to_stop(self) -> None:
        """Sends SIGTERM to it; `stopped` says when it has ended."""
        if self.running and self.running.poll() is None:
            self.running.terminate()

    def stopped(self) -> bool:
        """Whether it has ended, with everything it has started."""
        self.listen()
        if self.running and (code := self.running.poll()) is not None:
            self._bury(code)
        return self.running is None

    def force(self) -> None:
        """Ends it and all it has started, at once."""
        if self.running:
            guard.signal_group(self.running.pid, signal.SIGKILL)
            self._bury(self.running.wait(5))

    def _bury(self, code: int) -> None:
        """Its orphans end too, its last words are said."""
        if self.running is None:
            return
        guard.signal_group(self.running.pid, signal.SIGKILL)
        self.listen()
        if self.rest:
            journal.say(self.program.name, self.rest.decode(errors="replace"))
            self.rest = b""
        if self.running.stdout:
            self.running.stdout.close()
        self.guarded.remove(self.running.pid)
        self.exit_code, self.running = code, None


def stop_all(children: list[Child], seconds: float = STOP_SECONDS) -> None:
    """All of them are gone: asked together, forced after that time."""
    for child in children:
        child.ask_to_stop()
    end = time.monotonic() + seconds
    while True:
        # Every one is asked each turn: a full pipe would keep it from ending.
        left = [child for child in children if not child.stopped()]
        if not left:
            return
        if time.monotonic() > end:
            for child in left:
                child.force()
            return
        time.sleep(0.03)


def read_now(descriptor: int) -> bytes:
    """What can be read without waiting; empty where there is nothing or the other end is closed."""
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""


def meaning(code: int) -> str:
    """An exit code in words."""
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
