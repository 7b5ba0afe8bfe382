"""Locks between programs: the kernel drops them when their holder ends, however it ends."""

import fcntl
import os
from pathlib import Path
from types import TracebackType


class Lock:
    """A file lock. Keep the object for as long as the lock is to be held; children do not inherit it."""

    def __init__(self, path: Path) -> None:
        self.descriptor: int | None = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def share(self) -> "Lock":
        """Hold it with others; waits for one who holds it alone."""
        fcntl.flock(self._open(), fcntl.LOCK_SH)
        return self

    def alone(self) -> "Lock":
        """Hold it alone; waits for all others."""
        fcntl.flock(self._open(), fcntl.LOCK_EX)
        return self

    def try_alone(self) -> bool:
        """Hold it alone if nobody else holds it; whether that succeeded."""
        return self._attempt(fcntl.LOCK_EX)

    def try_share(self) -> bool:
        """Hold it with others if nobody holds it alone; whether that succeeded."""
        return self._attempt(fcntl.LOCK_SH)

    def _attempt(self, kind: int) -> bool:
        try:
            fcntl.flock(self._open(), kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def release(self) -> None:
        """Let go; safe to call twice."""
        if self.descriptor is not None:
            os.close(self.descriptor)
            self.descriptor = None

    def _open(self) -> int:
        if self.descriptor is None:
            raise ValueError("the lock was released")
        return self.descriptor

    def __enter__(self) -> "Lock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
