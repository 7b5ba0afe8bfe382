"""Identifiers made here: time-ordered UUIDs (RFC 9562, version 7) and the short codes people read out."""

import os
import threading
import time
import uuid


class _Clock:
    """Ticks of a quarter microsecond that never repeat within this interpreter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def tick(self) -> int:
        with self._lock:
            self._last = max(time.time_ns() // 250, self._last + 1)
            return self._last


_clock = _Clock()


def uuid7() -> uuid.UUID:
    """A version 7 UUID, strictly increasing within this interpreter so that primary keys append to their index."""
    # A millisecond has 4,000 ticks, which fit the 12 bits of rand_a (RFC 9562, section 6.2, method 3).
    millis, fraction = divmod(_clock.tick(), 4000)
    value = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | fraction << 64
    value |= 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2
    return uuid.UUID(int=value)
