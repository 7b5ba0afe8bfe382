"""The form that proposes a record not there yet: every attribute, and one row of each part that matching compares."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator

from mdm.cause import LONGEST_REASON
from mdm.errors import Invalid
from mdm.intake.given import LONGEST
from mdm.mastering.compose import EXTENSION_PREFIX
from mdm.spec import Attribute, Domain, Kind, Part
from stewardship.forms import editable, field_for

_POINTER = re.compile(r"attributes\.(?P<own>\w+)|parts\.(?P<part>\w+)(?:\[\d+\])?\.(?P<name>\w+)")


class NewRecordForm(forms.Form):
    """``although`` is asked for only where likely duplicates are there."""

    although = forms.CharField(
        label="Why a new one although these are there",
        required=False,
        validators=[MaxLengthValidator(LONGEST_REASON)],
        widget=forms.Textarea(attrs={"rows": 2, "data-most": LONGEST_REASON}),
        help_text="Only where something may be the same. It is kept, and matching never joins the two.",
    )
    reason = forms.CharField(
        label="Why",
        required=False,
        validators=[MaxLengthValidator(LONGEST_REASON)],
        widget=forms.Textarea(attrs={"rows": 2, "data-most": LONGEST_REASON}),
        help_text="Whoever approves reads it, and auditors do.",
    )

    def __init__(self, domain: Domain, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        self.domain = domain
        self.attributes = [a for a in editable(domain) if not a.name.startswith(EXTENSION_PREFIX)]
        self.parts = compared_parts(domain)
        super().__init__(data, use_required_attribute=False, **options)
        for attribute in self.attributes:
            self.fields[attribute.name] = field_for(domain.model, attribute)
        for part, attributes in self.parts:
            for attribute in attributes:
                self.fields[_name(part, attribute)] = field_for(part.model, attribute)

    @property
    def telling(self) -> list[forms.BoundField]:
        """The fields of the attributes matching compares: they come first, so that duplicates show early."""
        return [self[a.name] for a in self.attributes if a.name in _compared(self.domain)]

    @property
    def others(self) -> list[forms.BoundField]:
        """The fields of the other attributes."""
        return [self[a.name] for a in self.attributes if a.name not in _compared(self.domain)]

    @property
    def part_fields(self) -> list[tuple[Part, list[forms.BoundField]]]:
        """The fields of one row of each part."""
        return [(part, [self[_name(part, attribute)] for attribute in attributes]) for part, attributes in self.parts]

    def typed(self) -> dict[str, str]:
        """{attribute: text} as it stands in the fields, read or not."""
        return {a.name: text for a in self.attributes if (text := self._text(a.name))}

    def typed_parts(self) -> dict[str, list[dict[str, str]]]:
        """{part: [row]} as it stands in the fields; a row that only says what kind it is says nothing."""
        found = {}
        for part, attributes in self.parts:
            row = {a.name: text for a in attributes if (text := self._text(_name(part, a)))}
            if any(not a.choices for a in attributes if a.name in row):
                found[part.name] = [row]
        return found

    def meant(self) -> dict[str, Any]:
        """Like ``typed``, references as the id of the record they mean. Call it after ``is_valid``."""
        pointing = {a.name for a in self.attributes if a.kind is Kind.REFERENCE}
        return {
            name: str(self.cleaned_data.get(name) or "") if name in pointing else text
            for name, text in self.typed().items()
        }

    def _text(self, name: str) -> str:
        value = self.data.get(name) if self.is_bound else self.initial.get(name)
        return str(value or "").strip()[:LONGEST]

    def take(self, refusal: Invalid) -> None:
        """Put every problem of the refusal at its field, or above the form where it has none."""
        for pointer, text in refusal.problems or [("", refusal.message)]:
            name = self._field_of(pointer)
            if name is None or text not in self.errors.get(name, []):
                self.add_error(name, text)

    def _field_of(self, pointer: str) -> str | None:
        found = _POINTER.fullmatch(pointer)
        name = pointer if found is None else found["own"] or f"{found['part']}-{found['name']}"
        return name if name in self.fields else None


def compared_parts(domain: Domain) -> list[tuple[Part, list[Attribute]]]:
    """The parts matching compares, each with the attributes of its rows that are no references."""
    read = {name.partition(".")[0] for f in domain.matching.features for name in f.attributes if "." in name}
    return [
        (part, [a for a in part.attributes if a.kind is not Kind.REFERENCE])
        for part in domain.parts
        if part.name in read
    ]


def _compared(domain: Domain) -> set[str]:
    return {name for feature in domain.matching.features for name in feature.attributes} | {domain.title}


def _name(part: Part, attribute: Attribute) -> str:
    return f"{part.name}-{attribute.name}"
