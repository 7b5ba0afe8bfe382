"""Governed reference data: code sets, their canonical values and what each source or target calls them."""

from django.db import models
from simple_history.models import HistoricalRecords


class CodeSet(models.Model):
    """A list of codes with an origin: units (UNECE Rec 20), currencies (ISO 4217), countries and subdivisions."""

    code = models.SlugField(max_length=40, unique=True)
    title = models.CharField(max_length=120)
    origin = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return self.title


class CodeValue(models.Model):
    """One canonical code. Withdrawn codes stay, so that old records remain readable."""

    code_set = models.ForeignKey(CodeSet, on_delete=models.CASCADE, related_name="values")
    code = models.CharField(max_length=20)
    label = models.CharField(max_length=200)
    detail = models.JSONField(default=dict)
    withdrawn = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["code_set", "code"], name="code_value_is_unique_in_its_set")]

    def __str__(self) -> str:
        return f"{self.code} {self.label}"


class CodeTranslation(models.Model):
    """What a source system or a publishing target calls a canonical code."""

    code_value = models.ForeignKey(CodeValue, on_delete=models.CASCADE, related_name="translations")
    party = models.CharField(max_length=60)  # code of a source system or an endpoint
    theirs = models.CharField(max_length=60)
    history = HistoricalRecords()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["code_value", "party"], name="code_translation_is_one_per_party")
        ]

    def __str__(self) -> str:
        return f"{self.party}: {self.theirs}"


class ExtensionAttribute(models.Model):
    """An attribute an administrator added to a domain without code; its values live in ``extension``."""

    domain = models.CharField(max_length=32)
    name = models.SlugField(max_length=60)
    label = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, default="text")
    standardise = models.CharField(max_length=40, default="text")
    rule = models.CharField(max_length=16, default="source order")
    help = models.TextField(blank=True)
    history = HistoricalRecords()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["domain", "name"], name="extension_attribute_is_named_once")]

    def __str__(self) -> str:
        return f"{self.domain}.{self.name}"
