"""What can go wrong in business words. Every interface turns these, and only these, into an answer."""

from collections.abc import Sequence
from uuid import UUID


class MdmError(Exception):
    """A refusal with its way out. ``code`` is stable for machines, ``http`` is what a web interface answers."""

    code = "refused"
    http = 409

    def __init__(self, message: str, way_out: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.way_out = way_out


class NotFound(MdmError):
    """There is no such record, feed, batch or system."""

    code = "not-found"
    http = 404


class Invalid(MdmError):
    """The values given break rules; ``problems`` names all of them at once."""

    code = "invalid"
    http = 422

    def __init__(self, message: str, way_out: str = "", problems: Sequence[tuple[str, str]] = ()) -> None:
        super().__init__(message, way_out)
        self.problems = tuple(problems)


class WrongState(MdmError):
    """The record, candidate or request is not in a state that allows this."""

    code = "wrong-state"


class Stale(MdmError):
    """What the person saw has changed since. ``records`` holds (id, version shown, version now)."""

    code = "stale"
    http = 412

    def __init__(self, records: Sequence[tuple[UUID, int, int]]) -> None:
        super().__init__(
            "Somebody changed this while you were looking at it.",
            "Look at what changed and decide again.",
        )
        self.records = tuple(records)


class Refused(MdmError):
    """A business rule forbids it, whoever asks."""

    code = "refused-by-rule"


class Busy(MdmError):
    """Others change the same records at this moment; nothing was written, and the same request may succeed."""

    code = "busy"
    http = 503

    def __init__(self) -> None:
        super().__init__("Others are changing the same records right now; nothing was changed.", "Try again.")
