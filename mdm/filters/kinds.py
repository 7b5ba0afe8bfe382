"""One kind of filter per kind of value; each knows how to word itself for forms and for the interface document."""

from collections.abc import Callable
from typing import Any

import django_filters
from django import forms
from django.db.models import CharField, DateField, DecimalField, Exists, Expression, IntegerField, OuterRef, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from mdm.filters.fields import IsoDateField, ReferenceField, WordsField, YesNoField
from mdm.filters.terms import compact, standard_forms
from mdm.models import GoldenPart
from mdm.spec import Attribute, Kind, Part

Rows = QuerySet[Any]
Condition = Callable[[str, Any], Q]  # column, cleaned value -> condition


class AttributeFilter(django_filters.Filter):  # type: ignore[misc]  # the library ships no types
    """One parameter. ``condition`` is applied to ``column``; ``schema`` is the JSON schema of the parameter."""

    def __init__(self, *, column: str, condition: Condition, field: forms.Field, schema: dict[str, Any]) -> None:
        self.column = column
        self.condition = condition
        field.required = False
        self.made = field
        self.schema = schema
        super().__init__(field_name=column, label=str(field.label), required=False)

    @property
    def field(self) -> forms.Field:
        return self.made

    def filter(self, qs: Rows, value: Any) -> Rows:
        asked: Rows = qs
        return asked if value in (None, "", []) else self.narrow(asked, self.condition(self.column, value))

    def narrow(self, rows: Rows, condition: Q) -> Rows:
        return rows.filter(condition)


class PartFilter(AttributeFilter):
    """True for records with at least one row of the part for which the condition holds."""

    part: Part

    def narrow(self, rows: Rows, condition: Q) -> Rows:
        model: type[GoldenPart] = self.part.model  # type: ignore[assignment]
        return rows.filter(Exists(model._default_manager.filter(condition, record_id=OuterRef("pk"))))


class ExtensionFilter(AttributeFilter):
    """On an attribute an administrator added; its values live in JSON and are read as their kind."""

    kind: Kind

    def narrow(self, rows: Rows, condition: Q) -> Rows:
        text = KeyTextTransform(self.column.removeprefix("ext_"), "extension")
        named: Rows = rows.alias(**{self.column: _read_as(self.kind, text)})
        return named.filter(condition)


def _read_as(kind: Kind, text: Expression) -> Expression:
    if kind is Kind.DATE:
        return Cast(text, DateField())
    if kind is Kind.INTEGER:
        return Cast(text, IntegerField())
    if kind is Kind.DECIMAL:
        return Cast(text, DecimalField(max_digits=30, decimal_places=10))
    return Cast(text, CharField())


def _where(lookup: str) -> Condition:
    return lambda column, value: Q(**{f"{column}__{lookup}": value})


def _text(word: str) -> Condition:
    """Equality blind to case, as typed or as the hub would have written it."""

    def condition(column: str, value: Any) -> Q:
        found = Q()
        for form in standard_forms(word, value):
            found |= Q(**{f"{column}__iexact": form})
        return found

    return condition


def _code(attribute: Attribute, *, within_part: bool) -> Condition:
    """Equality of codes, as typed, in capitals, or as the hub would have written them."""

    def condition(column: str, value: Any) -> Q:
        asked = value if isinstance(value, list) else [value]
        forms_of = [form for text in asked for form in standard_forms(attribute.standardise, text)]
        found = Q(**{f"{column}__in": list(dict.fromkeys([*forms_of, *(form.upper() for form in forms_of)]))})
        if attribute.scheme and not within_part:
            # The same asked of the indexed identifiers: a look-up instead of reading the whole table.
            found &= Q(record__identifiers__overlap=[f"{attribute.scheme}:{compact(form)}" for form in forms_of])
        return found

    return condition


Made = tuple[str, Condition, forms.Field, dict[str, Any]]  # suffix, condition, field, schema


def filters_of_kind(attribute: Attribute, *, within_part: bool = False) -> list[Made]:
    """The filters an attribute gets by its kind: the first has no suffix and means equality."""
    label = attribute.label
    text = {"type": "string"}
    if attribute.kind is Kind.REFERENCE:
        target = ReferenceField(domain=attribute.references, label=f"{label}: id or code")
        return [("", _where("exact"), target, text)]
    if attribute.kind is Kind.BOOLEAN:
        return [("", _where("exact"), YesNoField(label=label), {"type": "boolean"})]
    if attribute.kind in _RANGED:
        make, schema = _RANGED[attribute.kind]
        worded = (("", "exact", ""), ("__gte", "gte", " from"), ("__lte", "lte", " up to"))
        return [(suffix, _where(lookup), make(label=label + words), schema) for suffix, lookup, words in worded]
    if attribute.choices:
        allowed = [choice for choice, _ in attribute.choices]
        field = WordsField(allowed=allowed, label=f"{label}: any of these, separated by commas")
        return [("", _where("in"), field, {"type": "string", "examples": allowed})]
    exact = forms.CharField(label=f"{label}, exactly (any case)")
    contains = forms.CharField(label=f"{label} contains (any case)")
    if attribute.kind is Kind.CODE:
        several = WordsField(label=f"{label}: any of these, separated by commas")
        condition = _code(attribute, within_part=within_part)
        return [("", condition, exact, text), ("__in", condition, several, text)]
    return [("", _text(attribute.standardise), exact, text), ("__icontains", _where("icontains"), contains, text)]


_RANGED: dict[Kind, tuple[Callable[..., forms.Field], dict[str, Any]]] = {
    Kind.DATE: (IsoDateField, {"type": "string", "format": "date"}),
    Kind.DECIMAL: (forms.DecimalField, {"type": "number"}),
    Kind.INTEGER: (forms.IntegerField, {"type": "integer"}),
}
