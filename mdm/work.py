"""What waits for people, whoever keeps it: each room declares its kinds of work, and the settings name them.

A declaration is SQL, not a copy: what waits is read where it is kept, so nothing has to be kept up with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from django.conf import settings
from django.utils.module_loading import import_string

# Columns of WorkKind.rows, in this order, with their types.
COLUMNS: Mapping[str, str] = {
    "key": "text",
    "domain": "text",  # '' where it belongs to none
    "record_id": "uuid",  # the golden record it is about, if it is about one
    "since": "timestamptz",
    "until": "timestamptz",  # the moment by which it must be done, where the work itself says so
    "parked_until": "timestamptz",  # where the room that keeps it puts it off
    "score": "float8",
    "system_id": "bigint",  # the source system it came from, where no record tells
    "reason": "text",
    "holder": "text",  # who looks at it at this moment
}


@dataclass(frozen=True, kw_only=True)
class WorkKind:
    """A kind of work. ``rows`` selects COLUMNS of everything that waits, with parameters in ``given``.

    ``details`` selects key, titles (text[]), codes (text[]), why, arguments of the address (text[]) and its query for
    the keys in ``%(keys)s``; ``page`` is the URL name these arguments go to. ``members`` selects key and record_id
    where the work is about several records. ``hours`` is how long it may wait unless somebody set another time.
    """

    name: str
    label: str
    plural: str
    icon: str
    hours: int
    rows: str
    details: str
    page: str
    members: str = ""
    reasons: Mapping[str, str] | None = None


@cache
def kinds() -> Mapping[str, WorkKind]:
    """{name: kind} of every installed room, in the order of the settings."""
    found: list[WorkKind] = [import_string(name) for name in settings.WORK_KINDS]
    return {kind.name: kind for kind in found}
