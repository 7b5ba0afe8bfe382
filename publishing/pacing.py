"""How fast a target is sent to: never faster than it may, little at first after an outage, half when it asks or slips.

Pure: times are seconds of any clock that only goes forward. What has to outlive a drain stands in the lane's row.
"""

from collections import deque
from dataclasses import dataclass, field

START = 1.0  # a second, for the first message after an outage
FULL = 512.0  # a second: above this a recovering target without a limit of its own is held back no more
STEP_SECONDS = 0.5  # how often the rate of a recovering target is doubled
ADD_SECONDS = 1.0  # how often one that asked to slow down is given back a little
ADDED = 0.05  # of its limit
BURST = 0.05  # of a second's messages may come at once, so that a thread that wakes late loses no rate
SLACK = 0.98  # of the limit, so that delays on the way do not press a second's messages into less


@dataclass
class Bucket:
    """Tokens that come ``rate`` times a second and are taken one for each message; it holds a burst at most.

    In any second no more than the rate and a burst (a twentieth of it, at least one message) is let through.
    """

    rate: float
    tokens: float
    at: float

    @property
    def burst(self) -> float:
        """How many tokens it holds when it is full."""
        return max(1.0, self.rate * BURST)

    def take(self, now: float) -> float:
        """Take the next token; how many seconds to wait before it is worth anything."""
        self._fill(now)
        self.tokens -= 1
        return 0.0 if self.tokens >= 0 else -self.tokens / (self.rate * SLACK)

    def give_back(self) -> None:
        """The message was not sent after all."""
        self.tokens = min(self.tokens + 1, self.burst)

    def change_rate(self, rate: float, now: float) -> None:
        """From now on tokens come at another rate; those that are owed stay owed."""
        self._fill(now)
        self.rate = rate
        self.tokens = min(self.tokens, self.burst)

    def _fill(self, now: float) -> None:
        self.tokens = min(self.burst, self.tokens + max(now - self.at, 0.0) * self.rate * SLACK)
        self.at = now


@dataclass
class Pace:
    """The rate of one lane: the endpoint's limit (``cap``) and, while it recovers, a rate below it that grows.

    ``gently`` is set where the target asked to slow down: then the rate is added to, not doubled. ``at`` is when the
    rate was last raised; ``sent`` remembers the times of the last messages.
    """

    cap: float | None
    rate: float | None
    gently: bool
    at: float
    bucket: Bucket | None = None
    fresh: bool = True
    sent: deque[float] = field(default_factory=lambda: deque(maxlen=1024))

    @classmethod
    def resumed(
        cls, *, cap: float | None, rate: float | None, gently: bool, tokens: float, idle: float, now: float
    ) -> "Pace":
        """The pace as the lane's row keeps it: so many tokens, ``idle`` seconds ago."""
        pace = cls(cap=cap, rate=rate, gently=gently, at=now)
        if (limit := pace.limit) is not None:
            pace.bucket = Bucket(limit, 0.0, now - max(idle, 0.0))
            pace.bucket.tokens = min(tokens, pace.bucket.burst)
        return pace

    @property
    def limit(self) -> float | None:
        """How many a second are let through now; None for as many as come."""
        limits = [value for value in (self.cap, self.rate) if value is not None]
        return min(limits, default=None)

    def take(self, now: float) -> float:
        """Count one message; how many seconds to wait before it may go."""
        wait = self.bucket.take(now) if self.bucket else 0.0
        self.sent.append(now + wait)
        return wait

    def give_back(self) -> None:
        """The message was not sent after all."""
        if self.bucket:
            self.bucket.give_back()
        if self.sent:
            self.sent.pop()

    def observed(self, now: float) -> float:
        """How many were sent in the last second."""
        return float(sum(1 for at in self.sent if now - 1 <= at <= now))

    def recover(self, now: float) -> None:
        """The target answers again after an outage: begin with little."""
        self.rate, self.gently, self.at, self.fresh = START, False, now, True
        self._set_bucket(now)

    def grow(self, now: float) -> None:
        """The target took something: raise a rate that is below the limit, at most once in a while."""
        if self.rate is None:
            return
        if not self.fresh and now - self.at < (ADD_SECONDS if self.gently else STEP_SECONDS):
            return
        ceiling = self.cap or FULL
        self.rate = self.rate + max(1.0, ceiling * ADDED) if self.gently else self.rate * 2
        self.at, self.fresh = now, False
        if self.rate >= ceiling:
            self.rate, self.gently = None, False
        self._set_bucket(now)

    def ready(self, most: int) -> int:
        """How many deliveries may stand ready: about a second's worth, at least one, never more than ``most``."""
        return most if self.limit is None else max(1, min(most, int(self.limit)))

    def _set_bucket(self, now: float) -> None:
        limit = self.limit
        if limit is None:
            self.bucket = None
        elif self.bucket is None:
            self.bucket = Bucket(limit, 0.0, now)
        else:
            self.bucket.change_rate(limit, now)


def halved(rate: float | None, *, cap: float | None, observed: float) -> float:
    """The rate a target that asks to slow down is sent to from now on: half of what it was sent, at least one."""
    known = [value for value in (rate, cap, observed or None) if value is not None]
    return max(START, min(known, default=FULL) / 2)
