"""Who points to a golden record."""

from collections.abc import Iterator, Sequence
from uuid import UUID

from django.db import models
from django.db.models import Count

from mdm.domains import DOMAINS
from mdm.queries.shapes import VISIBLE, Reference, Referrers
from mdm.queries.values import REFERENCE_COLUMNS
from mdm.spec import Domain, Kind

Pointer = tuple[Domain, str, str, type[models.Model], str]  # domain, name, label, model, column


def pointers(domain: str) -> Iterator[Pointer]:
    """Every declared attribute that may point to records of the domain, in attributes and parts."""
    for referring in DOMAINS:
        for attribute in referring.attributes:
            if attribute.kind is Kind.REFERENCE and attribute.references == domain:
                yield referring, attribute.name, attribute.label, referring.model, attribute.name
        for part in referring.parts:
            for attribute in part.attributes:
                if attribute.kind is Kind.REFERENCE and attribute.references == domain:
                    name = f"{part.name}.{attribute.name}"
                    yield referring, name, f"{part.label}: {attribute.label}", part.model, attribute.name


def referrers(record_id: UUID, domain: str, *, sample: int = 5) -> Sequence[Referrers]:
    """Who points to this record, per domain and attribute, with counts and the first few; empty ones left out.

    Records that merged away or wait as pending are not counted. Two queries for each way the domain is pointed to.
    """
    found: list[Referrers] = []
    for referring, name, label, model, column in pointers(domain):
        rows = model._default_manager.filter(**{column: record_id, "record__state__in": VISIBLE})
        count: int = rows.aggregate(number=Count("record", distinct=True))["number"]
        wanted = [f"record__{field}" for field in REFERENCE_COLUMNS]
        first = rows.order_by("record__code").distinct().values_list(*wanted)[:sample]
        shown = [Reference(*row) for row in first]
        if count:
            found.append(Referrers(referring, name, label, count, shown))
    return found
