"""What stands above a list of golden records: state facets, filters in force, filters that can be added."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Count
from django.http import QueryDict

from mdm import filters, queries
from mdm.filters.fields import ReferenceField, SystemField, WordsField, YesNoField
from mdm.mastering.compose import EXTENSION_PREFIX, extension_attributes
from mdm.models import GoldenState, GoldenValues, Link, SourceSystem
from mdm.spec import Attribute, Domain
from stewardship.tables import LOOKS

# Parameters of the page itself, not filters.
OWN = ("sort", "after", "before", "filter", "value", *LOOKS)
# Filters that have a control of their own above the list.
FIXED = ("q", "state")
# What a steward works with; merged records are asked for by name.
WORKED_ON = (GoldenState.ACTIVE, GoldenState.PENDING, GoldenState.RETIRED)


# How the filters every domain has are called on the page.
COMMON = {
    "record": "Code or ID",
    "updated_since": "Changed since",
    "source": "Known to",
    "identifier": "Identifier",
    "missing": "Without",
}
ENDINGS = {"": "is", "in": "is any of", "icontains": "contains", "gte": "from", "lte": "up to"}


@dataclass(frozen=True)
class Choice:
    """One filter that can be added: parameter name and label."""

    name: str
    label: str


def asked(query: QueryDict) -> dict[str, str]:
    """The filters in a query string, blanks dropped; a parameter given twice reads like words between commas."""
    found = {name: ",".join(value for value in values if value) for name, values in query.lists() if name not in OWN}
    return {name: value for name, value in found.items() if value}


def address(query: Mapping[str, str], **changes: str) -> str:
    """A query string with changes; an empty text takes a parameter out. A changed filter starts at page one."""
    kept = {name: value for name, value in query.items() if name not in ("after", "before", "filter", "value")}
    merged = {name: value for name, value in {**kept, **changes}.items() if value}
    return f"?{urlencode(merged)}"


def filters_by_name(domain: Domain, added: Sequence[Attribute] | None = None) -> dict[str, Any]:
    """{parameter: filter} of a domain, those on attributes administrators added included."""
    known: dict[str, Any] = dict(filters.filters_for(domain.name).base_filters)
    return known | filters.extension_filters(extension_attributes(domain) if added is None else added)


def label_of(domain: Domain, name: str, added: Mapping[str, str]) -> str:
    """What a filter is called on the page: "Name contains", "Address: City is"; its own name where it is unknown."""
    if name in COMMON:
        return COMMON[name]
    stem, _, ending = name.partition("__")
    label = {**_labels(domain), **added}.get(stem, "")
    return f"{label} {ENDINGS[ending]}" if label and ending in ENDINGS else name


def _labels(domain: Domain) -> dict[str, str]:
    labels = {attribute.name: attribute.label for attribute in domain.attributes}
    for part in domain.parts:
        labels |= {f"{part.name}.{one.name}": f"{part.one}: {one.label}" for one in part.attributes}
    return labels


def choices(domain: Domain) -> list[tuple[str, list[Choice]]]:
    """Filters that can be added, in groups: the record, its attributes, each of its parts, its origin."""
    parts = {part.name: part.label for part in domain.parts}
    attributes = {attribute.name for attribute in domain.attributes}
    groups: dict[str, list[Choice]] = {}
    extra = extension_attributes(domain)
    added = {attribute.name: attribute.label for attribute in extra}
    for name in filters_by_name(domain, extra):
        stem, dot, _ = name.partition(".")
        bare = name.partition("__")[0]
        if name in FIXED:
            continue
        title = parts.get(stem, "") if dot else ""
        title = title or ("Added attributes" if dot else "Attributes" if bare in attributes else "Record and origin")
        groups.setdefault(title, []).append(Choice(name, label_of(domain, name, added)))
    order = ["Attributes", "Added attributes", "Record and origin", *parts.values()]
    return sorted(groups.items(), key=lambda group: order.index(group[0]))


def chips(domain: Domain, query: Mapping[str, str]) -> list[dict[str, str]]:
    """The filters in force, each with the address of the list without it."""
    extra = extension_attributes(domain) if any(name.startswith(EXTENSION_PREFIX) for name in query) else ()
    added = {attribute.name: attribute.label for attribute in extra}
    return [
        {
            "label": label_of(domain, name, added),
            "value": value,
            "href": address(query, **{name: ""}),
        }
        for name, value in query.items()
        if name not in (*FIXED, *OWN)
    ]


def value_field(domain: Domain, name: str) -> dict[str, Any]:
    """How the value of a filter is asked for: the kind of input, and the values to choose from where they are few."""
    one = filters_by_name(domain).get(name)
    field = one.field if one else forms.CharField()
    kind, options, target = "text", [], ""
    if isinstance(field, YesNoField):
        options = [("true", "Yes"), ("false", "No")]
    elif isinstance(field, SystemField):
        options = list(SourceSystem.objects.order_by("name").values_list("code", "name"))
    elif isinstance(field, ReferenceField):
        target = field.domain
    elif isinstance(field, WordsField) and field.allowed:
        options = _worded(domain, name, field.allowed)
    elif isinstance(field, forms.DateField):
        kind = "date"
    elif isinstance(field, forms.DecimalField | forms.IntegerField):
        kind = "number"
    return {"input_type": kind, "options": options, "target": target, "filter_name": name}


def _worded(domain: Domain, name: str, allowed: tuple[str, ...]) -> list[tuple[str, str]]:
    part, _, attribute = name.rpartition(".")
    rows = next((one.attributes for one in domain.parts if one.name == part), domain.attributes)
    labels = {one.name: one.label for one in domain.attributes}
    labels |= dict(next((one.choices for one in rows if one.name == attribute), ()))
    return [(value, labels.get(value, value)) for value in allowed]


def counts(domain: Domain, query: Mapping[str, str]) -> dict[str, int]:
    """{state: number of records} that pass every filter but the one on states. One query."""
    narrowed = {name: value for name, value in query.items() if name != "state"}
    if not narrowed:
        return queries.count_by_state(domain)
    model: type[GoldenValues] = domain.model  # type: ignore[assignment]  # a domain's model always is one
    rows = filters.apply(domain, narrowed, model._default_manager.filter(record__domain=domain.name))
    found = rows.values("record__state").annotate(number=Count("pk")).values_list("record__state", "number")
    return dict.fromkeys(GoldenState.values, 0) | dict(found)


def facets(query: Mapping[str, str], numbers: Mapping[str, int]) -> list[dict[str, Any]]:
    """Quick filters by state, each with its number; the first shows all that is worked on."""
    current = query.get("state", "")
    found = [
        {
            "label": "All",
            "href": address(query, state=""),
            "current": not current,
            "count": sum(numbers[state] for state in WORKED_ON),
        }
    ]
    found += [
        {
            "label": state.label,
            "href": address(query, state=state.value),
            "current": current == state.value,
            "count": numbers[state],
        }
        for state in GoldenState
    ]
    return found


def source_counts(record_ids: list[Any]) -> dict[Any, int]:
    """{golden record: number of linked source records}, rows of parts not counted. One query."""
    links = Link.objects.filter(record_id__in=record_ids, ended_at__isnull=True, source_record__part="")
    return dict(links.values_list("record_id").annotate(number=Count("pk")))
