"""A file endpoint as a person sets it up: what every endpoint has, and where, how and when its files are written."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from django import forms

from publishing.endpoints import Proposal
from publishing.files import layout
from publishing.files.targets import Drop
from publishing.forms.endpoint import EndpointForm
from publishing.models import AuthKind, EndpointKind, FileContent, FileDrop, FileFormat, FilePlace

# Fields of other kinds, which this page neither shows nor asks.
UNUSED = (
    "kind", "url", "method", "path", "auth_kind", "auth_user", "token_url", "token_scope", "client_certificate",
    "client_key", "trusted_ca", "mode", "on_reject", "max_in_flight", "max_per_second", "retry_seconds",
    "reconcile_path", "start",
)  # fmt: skip
STARTS = [("", "Every record as it is now"), ("now", "Only what changes from now on")]
DELIMITERS = [(",", "Comma"), (";", "Semicolon"), ("\t", "Tab"), ("|", "Bar |"), ("^", "Caret ^"), ("~", "Tilde ~")]
MARKS = [(".", "Point: 12.50"), (",", "Comma: 12,50"), ("", "None: 1250")]
DATES = [(name, name) for name in layout.DATES]
ENDINGS = [("crlf", "Windows (CR LF)"), ("lf", "Unix (LF)"), ("none", "None (fixed width only)")]
QUOTES = [("minimal", "Where needed"), ("all", "Always"), ("none", "Never")]
EMPTY = [("skip", "Writes none"), ("write", "Writes an empty file")]
COUNTS = [("characters", "Characters"), ("bytes", "Bytes")]
ENCODINGS = [(name, name) for name in layout.ENCODINGS]
OPTIONS = (
    "delimiter", "quoting", "decimal_mark", "date_format", "encoding", "line_ending", "header", "formulas", "trailer",
    "control", "when_empty", "count", "yes", "no",
)  # fmt: skip
EXAMPLE = (
    '{"item": [{"field": "code", "name": "ITEM_NO", "width": 12}, {"field": "state", "name": "STATE", "width": 8}]}'
)


def _choice(label: str, choices: list[tuple[str, str]], *, needed: bool = False, text: str = "") -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, required=needed, initial=choices[0][0], help_text=text)


def _switch(label: str, text: str = "") -> forms.BooleanField:
    return forms.BooleanField(label=label, required=False, help_text=text)


class FileForm(EndpointForm):
    """Checked whole by ``publishing.files.targets.problems_of`` when it is saved; ``drop`` is what it says."""

    kind = forms.ChoiceField(required=False, choices=EndpointKind.choices, widget=forms.HiddenInput)
    auth_secret = forms.CharField(
        label="Password or private key", required=False, strip=False, help_text="Kept sealed and never shown again.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocomplete": "off"}),
    )  # fmt: skip
    place = forms.ChoiceField(label="Place", choices=FilePlace.choices, initial=FilePlace.FOLDER)
    folder = forms.CharField(
        label="Folder", max_length=400, required=False,
        help_text="It has to be there. On this server: below a folder the operator lists.",
    )  # fmt: skip
    host = forms.CharField(label="Server", max_length=200, required=False, help_text="Its name alone.")
    port = forms.IntegerField(label="Port", initial=22, required=False, min_value=1, max_value=65535)
    user = forms.CharField(label="User", max_length=120, required=False)
    host_key = forms.CharField(
        label="Key of the server", required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="Fetch it, and compare the fingerprint with what the server's owner tells you.",
    )  # fmt: skip
    file_name = forms.CharField(
        label="File name", max_length=120, initial=Drop.file_name,
        help_text="With {code}, {domain}, {number}, {date}, {time} and {kind}.",
    )  # fmt: skip
    format = forms.ChoiceField(label="Format", choices=FileFormat.choices, initial=FileFormat.CSV)
    content = forms.ChoiceField(label="Holds", choices=FileContent.choices, initial=FileContent.DELTA)
    schedule = forms.CharField(
        label="Written at", max_length=200, initial="02:30",
        help_text="UTC, such as 02:30 or 06:00,18:00; or: every 15 minutes.",
    )  # fmt: skip
    when_empty = _choice("When nothing changed", EMPTY)
    control_totals = _switch("A control file beside each file", "Number, rows, sums, SHA-256; put there last.")
    control = _choice("Control file", [("json", "JSON"), ("csv", "CSV")])
    encoding = _choice("Encoding", ENCODINGS)
    line_ending = _choice("Line ending", ENDINGS)
    header = _switch("First line with the column names")
    delimiter = _choice("Delimiter", DELIMITERS, text="CSV only.")
    quoting = _choice("Quotes", QUOTES, text="CSV only.")
    decimal_mark = _choice("Decimal mark", MARKS)
    date_format = _choice("Dates", DATES)
    yes = forms.CharField(label="Word for yes", max_length=20, required=False, initial="true")
    no = forms.CharField(label="Word for no", max_length=20, required=False, initial="false")
    count = _choice("Width counts", COUNTS, text="Fixed width only.")
    formulas = _switch(
        "Leave texts that look like formulas as they are",
        "Otherwise an apostrophe keeps spreadsheets from running them. CSV only.",
    )
    trailer = forms.CharField(
        label="Last line", max_length=400, required=False, strip=False,
        help_text="Such as T{number:6}{rows:9}{sum.PRICE:15}; blank for none.",
    )  # fmt: skip
    columns = forms.CharField(
        label="Columns", required=False,
        widget=forms.Textarea(attrs={"rows": 6, "spellcheck": "false", "placeholder": EXAMPLE}),
        help_text="JSON, by table (item, contract.lines). Blank: those of the mapping, else every attribute.",
    )  # fmt: skip
    start = forms.ChoiceField(label="The first file holds", choices=STARTS, required=False)

    groups = (
        ("who", "What it is", ("name", "code", "owner_email")),
        ("where", "Where files go", (
            "place", "folder", "host", "port", "user", "auth_secret", "host_key", "timeout_seconds",
        )),
        ("file", "What a file is", (
            "file_name", "schedule", "content", "when_empty", "control_totals", "control", "backoff_seconds",
        )),
        ("lines", "What a line is", (
            "format", "encoding", "line_ending", "delimiter", "quoting", "decimal_mark", "date_format", "yes", "no",
            "count", "header", "formulas", "trailer", "columns",
        )),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.drop: Drop | None = None
        for name in UNUSED:
            self.fields[name].required = False
        if self.endpoint is None:
            for name in ("header", "control_totals"):
                self.fields[name].initial = True

    def clean_columns(self) -> Any:
        """The columns as read."""
        text = self.cleaned_data["columns"].strip()
        try:
            read = json.loads(text) if text else {}
        except ValueError as error:
            raise forms.ValidationError(f"This is no JSON: {error}.") from error
        if not isinstance(read, dict):
            raise forms.ValidationError("Columns are listed by table.")
        return read

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if not self.errors:
            self.drop = self._drop(given)
        return given

    def _proposal(self, given: Mapping[str, Any]) -> Proposal:
        usual = {one.name: one.default for one in fields(Proposal)}
        rest = {name: usual.get(name, "") for name in UNUSED}
        return super()._proposal(
            {**given, **rest, "kind": EndpointKind.FILE, "url": "", "auth_kind": AuthKind.NONE,
             "max_per_second": None, "retry_seconds": Proposal.retry_seconds}
        )  # fmt: skip

    def _drop(self, given: Mapping[str, Any]) -> Drop:
        declared = {name: given[name] for name in OPTIONS}
        usual = layout.Layout()
        chosen = {name: value for name, value in declared.items() if value != getattr(usual, name)}
        if given["columns"]:
            chosen["columns"] = given["columns"]
        plain = {one.name: given[one.name] for one in fields(Drop) if one.name not in ("layout", "port")}
        return Drop(**plain, port=given["port"] or 22, layout=chosen)

    @property
    def secret(self) -> str:
        """The password or key as typed, blank where the kept one goes on."""
        return str(self.cleaned_data.get("auth_secret", ""))

    @property
    def steps(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """(id, title, fields) of the page's cards."""
        return [(anchor, title, [self[name] for name in names]) for anchor, title, names in self.groups]


def initial_of(drop: FileDrop) -> dict[str, Any]:
    """A drop as the form shows it."""
    read = layout.read(drop.layout)
    plain = {one.name: getattr(drop, one.name) for one in fields(Drop) if one.name != "layout"}
    columns = drop.layout.get("columns")
    text = json.dumps(columns, indent=1, ensure_ascii=False) if columns else ""
    return plain | {name: getattr(read, name) for name in OPTIONS} | {"columns": text}
