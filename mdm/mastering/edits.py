"""Checking the values of an approved edit against the declaration, all problems at once."""

from collections.abc import Mapping
from decimal import InvalidOperation
from typing import Any
from uuid import UUID

from django.db import models

from mdm.errors import Invalid
from mdm.mastering.compose import EXTENSION_PREFIX, extension_attributes
from mdm.models import GoldenRecord
from mdm.spec import Attribute, Domain, Kind
from mdm.standardise import Doubt, Style, Unreadable, standardise
from mdm.values import typed


def check_values(domain: Domain, record_id: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    """The values standardised, ready to be a source record's; references as {"record": id}. Raises Invalid."""
    known = {attribute.name: attribute for attribute in (*domain.attributes, *extension_attributes(domain))}
    problems: list[tuple[str, str]] = []
    fitting: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            problems.append((name, f"{domain.label} has no attribute {name}."))
            continue
        try:
            fitting[name] = _fit(domain, known[name], record_id, value)
        except ValueError as error:
            problems.append((name, str(error)))
    if not values:
        problems.append(("", "Nothing was changed."))
    if problems:
        raise Invalid("The values do not fit.", "Correct them and send again.", problems)
    return fitting


def _fit(domain: Domain, attribute: Attribute, record_id: UUID, value: Any) -> Any:
    if value is None or value == "":
        return None
    if attribute.kind is Kind.REFERENCE:
        return {"record": str(_target(attribute, record_id, value))}
    text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    try:
        found = standardise(attribute.standardise, text, Style())
    except Unreadable as error:
        raise ValueError(str(error)) from error
    if isinstance(found, Doubt):
        raise ValueError(found.message)
    if attribute.choices and found not in dict(attribute.choices):
        raise ValueError(f"{attribute.label} is one of {', '.join(label for _, label in attribute.choices)}.")
    try:
        typed(attribute, found)
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"“{text}” does not fit {attribute.label}.") from error
    if not attribute.name.startswith(EXTENSION_PREFIX):
        _check_length(domain, attribute, found)
    return found


def _check_length(domain: Domain, attribute: Attribute, value: Any) -> None:
    model_field = domain.model._meta.get_field(attribute.name)
    limit = model_field.max_length if isinstance(model_field, models.CharField) else None
    if limit and isinstance(value, str) and len(value) > limit:
        raise ValueError(f"{attribute.label} holds at most {limit} characters; this has {len(value)}.")


def _target(attribute: Attribute, record_id: UUID, value: Any) -> UUID:
    """The golden record meant by an id or a code."""
    text = str(value.get("record", "")) if isinstance(value, Mapping) else str(value).strip()
    targets = GoldenRecord.objects.filter(domain=attribute.references)
    try:
        found = targets.filter(pk=UUID(text)).first()
    except ValueError:
        found = targets.filter(code=text.upper()).first()
    if found is None:
        raise ValueError(f"{attribute.label}: there is no {attribute.references.replace('_', ' ')} “{text}”.")
    if found.pk == record_id:
        raise ValueError(f"{attribute.label} cannot be the record itself.")
    return found.pk
