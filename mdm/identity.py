"""Identifiers made here: time-ordered UUIDs (RFC 9562, version 7) and the short codes people read out."""

import os
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0


def uuid7() -> uuid.UUID:
    """A version 7 UUID, strictly increasing within this interpreter so that primary keys append to their index."""
    global _last
    with _lock:
        ticks = time.time_ns() // 250  # 1/4096 ms fits the 12 bits of rand_a (RFC 9562, 6.2 method 3)
        _last = ticks if ticks > _last else _last + 1
        ticks = _last
    millis, fraction = divmod(ticks, 4000)
    value = (millis & (1 << 48) - 1) << 80 | 0x7 << 76 | (fraction & 0xFFF) << 64
    value |= 0b10 << 62 | int.from_bytes(os.urandom(8)) >> 2
    return uuid.UUID(int=value)
