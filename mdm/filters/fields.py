"""Form fields of the filters: they read one parameter and say what would have been right."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dateparse import parse_datetime

from mdm.mastering.offers import follow_merges
from mdm.models import GoldenRecord, SourceSystem

ALL = "all"
MOST_WORDS = 500


def uuid_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def split(text: str) -> list[str]:
    """Words between commas, blanks dropped, each once."""
    return list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


class WordsField(forms.CharField):
    """Words between commas; where ``allowed`` is given, only those, and ``all`` for every one of them."""

    def __init__(self, *, allowed: Sequence[str] = (), **options: Any) -> None:
        self.allowed = tuple(allowed)
        super().__init__(**options)

    def clean(self, value: Any) -> list[str]:
        words = split(super().clean(value) or "")
        if len(words) > MOST_WORDS:
            raise ValidationError(f"At most {MOST_WORDS} values at once; ask several times.")
        if self.allowed and words == [ALL]:
            return list(self.allowed)
        wrong = [word for word in words if self.allowed and word not in self.allowed]
        if wrong:
            raise ValidationError(f"{', '.join(wrong)} is not known. Known are: {', '.join(self.allowed)}.")
        return words


class SystemField(forms.CharField):
    """The code of a source system."""

    def clean(self, value: Any) -> str:
        code = str(super().clean(value) or "")
        if code:
            known = sorted(SourceSystem.objects.values_list("code", flat=True))
            if code not in known:
                raise ValidationError(f"There is no source system {code}. Known are: {', '.join(known) or 'none yet'}.")
        return code


class ReferenceField(forms.CharField):
    """A golden record of one domain by id or code; a merged one means the record that holds its facts now."""

    def __init__(self, *, domain: str, **options: Any) -> None:
        self.domain = domain
        super().__init__(**options)

    def clean(self, value: Any) -> UUID | None:
        text = str(super().clean(value) or "")
        if not text:
            return None
        by_id = uuid_or_none(text)
        records = GoldenRecord.objects.filter(domain=self.domain)
        found = records.filter(pk=by_id) if by_id else records.filter(code=text.upper())
        record_id = found.values_list("pk", flat=True).first()
        if record_id is None:
            raise ValidationError(f"There is no {self.domain.replace('_', ' ')} with the id or code {text}.")
        return follow_merges([record_id])[record_id]


class MomentField(forms.CharField):
    """A date or a date with time, ISO 8601; without an offset it is UTC."""

    def clean(self, value: Any) -> datetime | None:
        text = str(super().clean(value) or "").strip()
        return moment(text) if text else None


def moment(text: str) -> datetime:
    """The moment an ISO 8601 text means; ValidationError says what it should look like."""
    try:
        # A plus sign in a query string arrives as a blank.
        found = parse_datetime(text.replace(" ", "+") if text.count(" ") == 1 and "T" in text else text)
        if found is None:
            day = date.fromisoformat(text)
            found = datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        raise ValidationError(f"{text} is not a time. Write it like 2026-11-21 or 2026-11-21T08:30:00Z.") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class YesNoField(forms.CharField):
    """true or false."""

    def clean(self, value: Any) -> bool | None:
        text = str(super().clean(value) or "").strip().lower()
        if text in ("", "true", "false"):
            return {"true": True, "false": False}.get(text)
        raise ValidationError(f"{text} is neither true nor false.")


class IsoDateField(forms.DateField):
    """A date, ISO 8601 only: 03/04/2026 means two different days on two sides of an ocean."""

    def __init__(self, **options: Any) -> None:
        message = "Write the date like 2026-11-21."
        super().__init__(input_formats=["%Y-%m-%d"], error_messages={"invalid": message}, **options)
