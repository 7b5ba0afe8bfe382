"""One golden record whole."""

from uuid import UUID

from mdm.models import GoldenRecord
from mdm.queries.shapes import RecordDetail


def resolve(name: str | UUID) -> GoldenRecord:
    """The golden record with this id or code (any case), merged or not; NotFound otherwise."""
    raise NotImplementedError


def record_detail(name: str | UUID, *, reveal: bool = False) -> RecordDetail:
    """The record with this id or code: values with provenance and rivals, parts, crosswalk; NotFound otherwise.

    Restricted values are masked unless ``reveal``.
    """
    raise NotImplementedError
