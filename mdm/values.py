"""Between a value as JSON and a value as the typed tables hold it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias
from uuid import UUID

from django.db import models

from mdm.canonical import decimal_text
from mdm.spec import Attribute, Domain, Kind

Layout: TypeAlias = Sequence[tuple[str, str, Any]]  # attribute, column, what a blank is there


def typed(attribute: Attribute, value: Any) -> Any:
    """The value as the model field of the attribute holds it; blank text is "", any other blank is None."""
    if value is None or value == "":
        return "" if attribute.kind in (Kind.TEXT, Kind.CODE) else None
    if attribute.kind is Kind.DATE:
        return date.fromisoformat(value)
    if attribute.kind is Kind.DECIMAL:
        return Decimal(value)
    if attribute.kind is Kind.INTEGER:
        return int(value)
    if attribute.kind is Kind.REFERENCE:
        return UUID(value)
    return value


def plain(value: Any) -> Any:
    """The value as JSON holds it; every blank is None."""
    if value is None or value == "":
        return None
    if isinstance(value, Decimal):
        return decimal_text(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, UUID):
        return str(value)
    return value


def column(attribute: Attribute) -> str:
    """The name of the model attribute that holds the value itself: references are held by id."""
    return f"{attribute.name}_id" if attribute.kind is Kind.REFERENCE else attribute.name


def plain_row(attributes: tuple[Attribute, ...], row: models.Model) -> dict[str, Any]:
    """{attribute: JSON value} of a typed row, a version row or a part row; blanks are left out."""
    pairs = ((attribute.name, plain(getattr(row, column(attribute)))) for attribute in attributes)
    return {name: value for name, value in pairs if value is not None}


def layout(attributes: tuple[Attribute, ...]) -> Layout:
    """What ``columns`` needs to know of the attributes: made once for many rows."""
    return [(a.name, column(a), "" if a.kind in (Kind.TEXT, Kind.CODE) else None) for a in attributes]


def columns(layout: Layout, values: Mapping[str, Any]) -> dict[str, Any]:
    """{column: JSON value} of every attribute of the declaration, blank where ``values`` is silent."""
    found = ((name, values.get(attribute), blank) for attribute, name, blank in layout)
    return {name: blank if value is None or value == "" else value for name, value, blank in found}


def title_of(domain: Domain, values: Mapping[str, Any], fallback: str) -> str:
    """What people call the record: its title attribute, else the fallback. At most 300 characters."""
    return str(values.get(domain.title) or fallback)[:300]
