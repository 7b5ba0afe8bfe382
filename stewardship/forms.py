"""The form that proposes new values for any attribute of a golden record, made from the domain's declaration."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.db import models
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone

from mdm import queries
from mdm.cause import LONGEST_REASON
from mdm.errors import Invalid
from mdm.filters.fields import uuid_or_none
from mdm.mastering.compose import EXTENSION_PREFIX, extension_attributes
from mdm.models import GoldenRecord, GoldenState
from mdm.queries import RecordDetail, Reference
from mdm.spec import Attribute, Domain, Exposure, Kind
from stewardship.pinning import Terms

UNKNOWN = ("", "No value")
FOR_GOOD, UNTIL_SOURCE, UNTIL_DAY = "good", "source", "day"
LIFETIMES = ((FOR_GOOD, "For good"), (UNTIL_SOURCE, "Until the source changes"), (UNTIL_DAY, "Until a day"))


class ReferenceField(forms.CharField):
    """Cleans to the id of the golden record a code, an id or an unmistakable name means; "" means none."""

    def __init__(self, attribute: Attribute, **options: Any) -> None:
        self.attribute = attribute
        self.choices_id = f"id_{attribute.name}-choices"
        super().__init__(widget=forms.TextInput(attrs=self._suggesting()), **options)

    def _suggesting(self) -> dict[str, str]:
        """Suggestions while typing, where scripts run; the page holds a datalist ``choices_id``."""
        return {
            "autocomplete": "off",
            "list": self.choices_id,
            "placeholder": "Code, or begin a name",
            "hx-get": f"{reverse('stewardship:choose')}?domain={self.attribute.references}&field={self.attribute.name}",
            "hx-trigger": "input changed delay:200ms",
            "hx-target": f"#{self.choices_id}",
        }

    def clean(self, value: Any) -> str:
        text = str(super().clean(value) or "").strip()
        return str(_meant(text, self.attribute.references)) if text else ""


def _meant(text: str, domain: str) -> Any:
    living = GoldenRecord.objects.filter(domain=domain).exclude(state=GoldenState.MERGED)
    by_id = uuid_or_none(text)
    found = list((living.filter(pk=by_id) if by_id else living.filter(code=text.upper()))[:1])
    found = found or list(living.filter(title__iexact=text).order_by("code")[:4])
    if len(found) == 1:
        return found[0].pk
    if found:
        named = ", ".join(record.code for record in found[:3])
        raise forms.ValidationError(f"Several records are called that. Give the code: {named} or another.")
    hits = queries.search(text, [domain], limit=3)
    near = [f"{hit.code} {hit.title}" for hit in hits.hits if hit.state != GoldenState.MERGED]
    hint = f" Did you mean {' or '.join(near)}?" if near else ""
    raise forms.ValidationError(f"There is no {domain.replace('_', ' ')} “{text}”.{hint}")


class ProposalForm(forms.Form):
    """One field per attribute, filled with what the record holds; only what was changed is proposed."""

    base_version = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Why",
        validators=[MaxLengthValidator(LONGEST_REASON)],
        widget=forms.Textarea(attrs={"rows": 3, "data-most": LONGEST_REASON}),
        help_text="Whoever approves reads it, and auditors do.",
        error_messages={"required": "Say why, so that whoever approves can judge it."},
    )
    lifetime = forms.ChoiceField(label="How long", required=False, choices=LIFETIMES, widget=forms.RadioSelect)
    valid_until = forms.DateField(
        label="Last day",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Afterwards the sources decide again.",
    )
    holds_from = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="Approved before, it takes effect on this day. Blank: as soon as it is approved.",
    )

    def __init__(self, detail: RecordDetail, data: Mapping[str, Any] | None = None, **options: Any) -> None:
        self.detail = detail
        self.attributes = editable(detail.domain)
        held = _held(detail)
        given = options.pop("initial", {})
        self.held = {attribute.name: held.get(attribute.name, "") for attribute in self.attributes}
        if data is not None and "lifetime" not in data:  # an edit made in place says it on the next page
            data = data.copy() if isinstance(data, QueryDict) else dict(data)
            data["lifetime"] = FOR_GOOD
        initial = {**self.held, "base_version": detail.version, "lifetime": FOR_GOOD, **given}
        super().__init__(data, initial=initial, use_required_attribute=False, **options)
        titles = {v.attribute.name: str(v.value) for v in detail.values if isinstance(v.value, Reference)}
        for attribute in self.attributes:
            self.fields[attribute.name] = field_for(detail.domain.model, attribute, titles.get(attribute.name, ""))

    @property
    def attribute_fields(self) -> list[forms.BoundField]:
        """The fields of the attributes, in declared order."""
        return [self[attribute.name] for attribute in self.attributes]

    def clean_valid_until(self) -> datetime | None:
        """The end of the day named, which has to be ahead."""
        day = self.cleaned_data.get("valid_until")
        if day is None:
            return None
        if day < timezone.now().date():
            raise forms.ValidationError("This day is over.")
        return datetime.combine(day, time(23, 59, 59), tzinfo=UTC)

    def clean_holds_from(self) -> datetime | None:
        """The beginning of the day named, which has to be ahead."""
        day = self.cleaned_data.get("holds_from")
        if day is not None and day <= timezone.now().date():
            raise forms.ValidationError("Name a day ahead, or leave it blank to let the change hold at once.")
        return datetime.combine(day, time(), tzinfo=UTC) if day else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if cleaned.get("lifetime") == UNTIL_DAY and "valid_until" not in self.errors and not cleaned.get("valid_until"):
            self.add_error("valid_until", "Name the last day, or choose another lifetime.")
        return cleaned

    @property
    def pins(self) -> dict[str, int]:
        """{attribute: source record} whose value is to be pinned, as the page that led here asked."""
        asked = self.data.getlist("pin") if isinstance(self.data, QueryDict) else self.initial.get("pin", [])
        pairs = (text.partition(":") for text in asked)
        known = {attribute.name for attribute in self.attributes}
        return {name: int(number) for name, _, number in pairs if name in known and number.isdecimal()}

    @property
    def pin_fields(self) -> list[str]:
        """What the hidden fields of the form carry of ``pins``."""
        return [f"{name}:{number}" for name, number in self.pins.items()]

    def terms(self) -> Terms:
        """From when and for how long it is to hold. Call it after ``is_valid``."""
        return Terms(
            valid_until=self.cleaned_data.get("valid_until"),
            until_source=self.cleaned_data.get("lifetime") == UNTIL_SOURCE,
            holds_from=self.cleaned_data.get("holds_from"),
            sources=self.pins,
        )

    def proposed(self) -> dict[str, Any]:
        """{attribute: new value} of everything the person changed; None blanks. Call it after ``is_valid``."""
        changed, pinned = {}, self.pins
        for attribute in self.attributes:
            name = attribute.name
            sent = str(self.data.get(name, "") or "").strip()
            if name in self.data and (name in pinned or sent != str(self.held[name])):
                changed[name] = self.cleaned_data.get(name) or None
        return changed

    def touched(self) -> list[str]:
        """The attributes the person typed something else into, fitting or not."""
        sent = {name: str(self.data.get(name, "") or "").strip() for name in self.held if name in self.data}
        return [name for name, text in sent.items() if text != str(self.held[name])]

    def take(self, refusal: Invalid) -> None:
        """Put every problem of the refusal at its field, or above the form where it has none."""
        for name, text in refusal.problems or [("", refusal.message)]:
            self.add_error(name if name in self.fields else None, text)


def editable(domain: Domain) -> Sequence[Attribute]:
    """The attributes a person may propose a value for: all but restricted ones, added ones last."""
    own = [attribute for attribute in domain.attributes if attribute.exposure is not Exposure.RESTRICTED]
    return (*own, *extension_attributes(domain))


def _held(detail: RecordDetail) -> dict[str, Any]:
    """What the record holds, as the fields show it."""
    held = {}
    for value in (*detail.values, *detail.extension):
        shown = value.value
        if isinstance(shown, Reference):
            shown = shown.code
        elif isinstance(shown, bool):
            shown = str(shown).lower()
        held[value.attribute.name] = "" if shown is None else shown
    return held


def field_for(model: type[models.Model], attribute: Attribute, title: str = "") -> forms.Field:
    """The field an attribute of a record or of a part is typed into; ``title`` says what a reference means now."""
    common: dict[str, Any] = {"label": attribute.label, "required": False, "help_text": title or attribute.help}
    if attribute.kind is Kind.REFERENCE:
        return ReferenceField(attribute, **common)
    if attribute.kind is Kind.BOOLEAN:
        return forms.ChoiceField(choices=[UNKNOWN, ("true", "Yes"), ("false", "No")], **common)
    if attribute.choices:
        return forms.ChoiceField(choices=[UNKNOWN, *attribute.choices], **common)
    attrs: dict[str, Any] = {"autocomplete": "off"}
    if attribute.kind is Kind.DATE:
        attrs["type"] = "date"
    elif attribute.kind in (Kind.INTEGER, Kind.DECIMAL):
        attrs["inputmode"] = "decimal" if attribute.kind is Kind.DECIMAL else "numeric"
    field = forms.CharField(max_length=_longest(model, attribute), widget=forms.TextInput(attrs=attrs), **common)
    # A browser cuts what is pasted to this length and says nothing; a value too long is refused aloud instead.
    field.widget.attrs.pop("maxlength", None)
    return field


def _longest(model: type[models.Model], attribute: Attribute) -> int | None:
    if attribute.name.startswith(EXTENSION_PREFIX):
        return None
    column = model._meta.get_field(attribute.name)
    return column.max_length if isinstance(column, models.CharField) else None
