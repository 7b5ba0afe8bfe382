"""The filters every domain has: on the identity of the golden record and on where it comes from."""

from typing import Any

from django import forms
from django.db.models import Exists, OuterRef, Q, QuerySet

from mdm.filters.fields import MomentField, SystemField, WordsField, uuid_or_none
from mdm.filters.kinds import AttributeFilter
from mdm.filters.terms import bears, identifier_candidates
from mdm.models import GoldenState, Link
from mdm.spec import Domain, Kind

TEXT = {"type": "string"}


class SourceFilter(AttributeFilter):
    """Records to which the system has a source record linked."""

    def narrow(self, rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
        links = Link.objects.filter(condition, ended_at__isnull=True, record_id=OuterRef("pk"))
        return rows.filter(Exists(links))


def _named(column: str, words: list[str]) -> Q:
    ids = [found for word in words if (found := uuid_or_none(word))]
    codes = [word.upper() for word in words if not uuid_or_none(word)]
    return Q(**{f"{column}_id__in": ids}) | Q(**{f"{column}__code__in": codes})


def _blank(domain: Domain) -> Any:
    kinds = {attribute.name: attribute.kind for attribute in domain.attributes}

    def condition(_column: str, names: list[str]) -> Q:
        found = Q()
        for name in names:
            found &= Q(**{name: ""}) if kinds[name] in (Kind.TEXT, Kind.CODE) else Q(**{f"{name}__isnull": True})
        return found

    return condition


def common_filters(domain: Domain) -> dict[str, AttributeFilter]:
    """Parameters by name; none of these names may be an attribute's."""
    states, names = list(GoldenState.values), [attribute.name for attribute in domain.attributes]
    return {
        "record": AttributeFilter(
            column="record", condition=_named, schema=TEXT,
            field=WordsField(label="Golden records by id or code, separated by commas"),
        ),
        "state": AttributeFilter(
            column="record__state", condition=lambda column, value: Q(**{f"{column}__in": value}),
            schema={**TEXT, "examples": [*states, "all"]},
            field=WordsField(allowed=states, label="States, separated by commas, or all; else active and retired"),
        ),
        "updated_since": AttributeFilter(
            column="record__updated_at", condition=lambda column, value: Q(**{f"{column}__gte": value}), schema=TEXT,
            field=MomentField(label="Changed at or after this date or time (ISO 8601, UTC without an offset)"),
        ),
        "source": SourceFilter(
            column="source_record__system__code", condition=lambda column, value: Q(**{column: value}), schema=TEXT,
            field=SystemField(label="Known to this source system"),
        ),
        "identifier": AttributeFilter(
            column="record__identifiers", schema=TEXT,
            condition=lambda column, value: Q(**{f"{column}__overlap": identifier_candidates(value, [domain])}),
            field=forms.CharField(label="Bears this identifier: scheme:value, or the value alone; parts included"),
        ),
        "missing": AttributeFilter(
            column="record", condition=_blank(domain), schema={**TEXT, "examples": names[:3]},
            field=WordsField(allowed=names, label="Attributes that are blank, separated by commas"),
        ),
        "q": AttributeFilter(
            column="record__search_text", condition=lambda column, value: bears(value, column), schema=TEXT,
            field=forms.CharField(label="Bears all these words in a name, code or key"),
        ),
    }  # fmt: skip
