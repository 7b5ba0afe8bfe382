"""What the auditor asks: every change by person, record, attribute and time, with before, after, reason, approval."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mdm.queries.shapes import AuditPage


@dataclass(frozen=True, slots=True)
class AuditFilters:
    """Everything is optional and joined by *and*. ``record`` is an id or code; ``since`` and ``until`` are a
    half-open interval; ``text`` looks into reasons."""

    person: str = ""
    record: str = ""
    domain: str = ""
    attribute: str = ""
    verb: str = ""
    since: datetime | None = None
    until: datetime | None = None
    correlation_id: UUID | None = None


def audit_entries(filters: AuditFilters, *, before: str = "", limit: int = 50) -> AuditPage:
    """Changes newest first. An unknown record gives an empty page; two queries at most."""
    raise NotImplementedError


def audit_csv(filters: AuditFilters) -> Iterator[str]:
    """The same as CSV text, line by line, one line per changed attribute, header first; memory stays flat.

    Cells a spreadsheet would calculate are defused by a leading apostrophe.
    """
    raise NotImplementedError
