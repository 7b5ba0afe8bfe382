"""Who points to a golden record."""

from collections.abc import Sequence
from uuid import UUID

from mdm.queries.shapes import Referrers


def referrers(record_id: UUID, domain: str, *, sample: int = 5) -> Sequence[Referrers]:
    """Who points to this record, per domain and attribute, with counts and the first few; empty ones left out."""
    raise NotImplementedError
