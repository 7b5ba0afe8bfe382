"""An endpoint as a person sets it up: every field of ``Proposal`` but the mapping, which has a page of its own."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.http import QueryDict

from mdm.cause import LONGEST_REASON
from mdm.domains import BY_NAME, DOMAINS
from mdm.masking import restricted_names
from mdm.models import GoldenState
from publishing import selection
from publishing.endpoints import Proposal, Start, problems_of, proposal_of
from publishing.forms.lists import NumberList, conditions_of
from publishing.models import AuthKind, Endpoint, EndpointKind, Mode, OnReject

KINDS = [
    (EndpointKind.WEBHOOK, "Signed webhook: told what happened, as CloudEvents"),
    (EndpointKind.REST, "REST push: given what the record now is"),
    (EndpointKind.WITNESS, "Witness: keeps the signed checkpoints of the log"),
]
STARTS = [
    (Start.SNAPSHOT, "Every record as it is now, then what happens from now on"),
    (Start.NOW, "Only what happens from now on"),
    (Start.BEGINNING, "Everything since the log began"),
]
MODES = [
    (Mode.LATEST_STATE, "The latest state: what was overtaken while waiting is left out"),
    (Mode.EVERY_VERSION, "Every version, one after another"),
]
DOMAIN_CHOICES = [(domain.name, domain.plural) for domain in DOMAINS]
METHODS = [(name, name) for name in ("PUT", "POST", "PATCH")]
SELECTED = ("states", "legal_entities", "facilities")
SECRETS = ("auth_secret", "client_key")
PLAIN = (
    "code", "name", "kind", "url", "method", "path", "auth_kind", "auth_user", "auth_secret", "token_url",
    "token_scope", "client_certificate", "client_key", "trusted_ca", "mode", "on_reject", "max_in_flight",
    "max_per_second", "timeout_seconds", "backoff_seconds", "retry_seconds", "owner_email", "reconcile_path",
)  # fmt: skip
STEPS = (
    ("who", "What it is", ("name", "code", "owner_email")),
    ("where", "Where it is", ("url", "method", "path")),
    ("sign-in", "How Assay signs in", ("auth_kind", "auth_user", "auth_secret", "token_url", "token_scope")),
    ("certificates", "Certificates", ("client_certificate", "client_key", "trusted_ca")),
    ("pace", "How fast, and what a refusal does", (
        "mode", "on_reject", "max_in_flight", "max_per_second", "timeout_seconds", "backoff_seconds", "retry_seconds",
    )),
)  # fmt: skip


def restricted_choices() -> list[tuple[str, str]]:
    """Every restricted value, by its full name."""
    return [(name, name.replace("_", " ")) for domain in DOMAINS for name in restricted_names(domain)]


def _area(rows: int, placeholder: str = "") -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "placeholder": placeholder, "spellcheck": "false"})


def _secret(words: str) -> forms.CharField:
    widget = forms.PasswordInput(attrs={"autocomplete": "new-password"})
    return forms.CharField(label=words, required=False, strip=True, widget=widget)


class EndpointForm(forms.Form):
    """Checked whole by ``publishing.endpoints.problems_of``; every problem stands beside its field."""

    kind = forms.ChoiceField(label="Kind", choices=KINDS, widget=forms.RadioSelect, initial=EndpointKind.WEBHOOK)
    name = forms.CharField(label="Name", max_length=120, help_text="As people call the system.")
    code = forms.CharField(label="Code", max_length=40, help_text="Small letters and digits; it cannot be changed.")
    owner_email = forms.EmailField(label="Owner's mail", required=False, help_text="Told once of each trouble.")
    url = forms.CharField(label="Address", max_length=500, help_text="https://, without a path for REST targets.")
    method = forms.ChoiceField(label="Method", choices=METHODS, initial="PUT", required=False)
    path = forms.CharField(
        label="Path template", max_length=200, required=False, initial="/{slug}/{id}",
        help_text="{id}, {code}, {domain} and {slug} are those of the record.",
    )  # fmt: skip
    auth_kind = forms.ChoiceField(label="Signs in by", choices=AuthKind.choices, initial=AuthKind.NONE)
    auth_user = forms.CharField(label="User, or client id", max_length=120, required=False)
    auth_secret = _secret("Token, password or client secret")
    token_url = forms.CharField(label="Address that gives the token", max_length=500, required=False)
    token_scope = forms.CharField(label="Scope", max_length=200, required=False)
    client_certificate = forms.CharField(
        label="Client certificate", required=False, widget=_area(4, "-----BEGIN CERTIFICATE-----"),
        help_text="PEM with its chain, for targets that ask for one (mutual TLS).",
    )  # fmt: skip
    client_key = forms.CharField(
        label="Its private key", required=False, widget=_area(4, "-----BEGIN PRIVATE KEY-----"),
        help_text="Kept sealed and never shown again.",
    )  # fmt: skip
    trusted_ca = forms.CharField(
        label="The target's own authority", required=False, widget=_area(4, "-----BEGIN CERTIFICATE-----"),
        help_text="PEM, where no public authority vouches for the target.",
    )  # fmt: skip
    domains = forms.MultipleChoiceField(
        label="Domains", choices=DOMAIN_CHOICES, required=False, widget=forms.CheckboxSelectMultiple
    )
    states = forms.MultipleChoiceField(
        label="States", required=False, widget=forms.CheckboxSelectMultiple,
        choices=[(value, label) for value, label in GoldenState.choices if value != GoldenState.PENDING],
    )  # fmt: skip
    reveals = forms.MultipleChoiceField(
        label="Given in full", required=False, choices=restricted_choices, widget=forms.CheckboxSelectMultiple
    )
    mode = forms.ChoiceField(label="Of a record it is given", choices=MODES, initial=Mode.LATEST_STATE)
    on_reject = forms.ChoiceField(label="When it refuses a record", choices=OnReject.choices, initial=OnReject.PARK)
    max_in_flight = forms.IntegerField(label="Calls at a time", initial=4, min_value=1, max_value=64)
    max_per_second = forms.IntegerField(
        label="Messages a second",
        required=False,
        min_value=1,
        max_value=10_000,
        help_text="Blank: as many as it takes.",
    )
    timeout_seconds = forms.IntegerField(label="Seconds it may take", initial=20, min_value=1, max_value=60)
    backoff_seconds = NumberList(
        label="Rests after a failure", initial=Proposal.backoff_seconds, help_text="Seconds, the last one repeats."
    )
    retry_seconds = NumberList(
        label="Offers a refused record again after", initial=Proposal.retry_seconds, required=False,
        help_text="Seconds, then it is parked. Blank: parked at once.",
    )  # fmt: skip
    reconcile_path = forms.CharField(
        label="Path where it lists what it holds", max_length=200, required=False,
        help_text="For comparing it with the hub. Blank where it offers none.",
    )  # fmt: skip
    start = forms.ChoiceField(label="It begins with", choices=STARTS, initial=Start.SNAPSHOT, required=False)
    reason = forms.CharField(
        label="Reason", validators=[MaxLengthValidator(LONGEST_REASON)], required=False,
        widget=forms.TextInput(attrs={"data-most": LONGEST_REASON}), help_text="Kept in the history of the settings.",
    )  # fmt: skip

    def __init__(self, *args: Any, endpoint: Endpoint | None = None, reserved: frozenset[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.endpoint = endpoint
        self.reserved = reserved
        self.proposal: Proposal | None = None
        if endpoint is not None:
            for name in ("kind", "code"):
                self.fields[name].disabled = True
            for name in SECRETS:
                self.fields[name].help_text = "Blank: the one that is kept sealed goes on."
            if endpoint.kind == EndpointKind.FILE:
                self.fields["url"].required = False

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("code") in self.reserved and self.endpoint is None:
            self.add_error("code", "Addresses of these pages begin with this word: choose another code.")
        if not self.errors:
            self.proposal = self._proposal(given)
            self._judge(self.proposal)
        return given

    def _proposal(self, given: Mapping[str, Any]) -> Proposal:
        plain = {name: given[name] for name in PLAIN}
        if plain["kind"] != EndpointKind.REST:
            plain |= {"path": "", "method": "POST"}
        if plain["auth_kind"] == AuthKind.NONE:
            plain |= {"auth_user": "", "auth_secret": ""}
        if plain["auth_kind"] != AuthKind.OAUTH2:
            plain |= {"token_url": "", "token_scope": ""}
        typed = self.data if isinstance(self.data, QueryDict) else QueryDict()
        chosen: dict[str, Any] = {name: values for name in SELECTED if (values := _chosen(typed, name))}
        if conditions := conditions_of(typed):
            chosen["attributes"] = conditions
        before = proposal_of(self.endpoint) if self.endpoint else None
        if before and "types" in before.selection:
            chosen["types"] = before.selection["types"]
        made = Proposal(**plain, domains=tuple(given["domains"]), reveals=tuple(given["reveals"]), selection=chosen)
        return replace(made, mapping=before.mapping) if before else made

    def _judge(self, proposal: Proposal) -> None:
        """Every problem of the proposal, beside its field; what concerns no field of this page stands on top."""
        for place, sentence in selection.problems_of(proposal.selection):
            name = place.removeprefix("selection.").partition(".")[0]
            self.add_error(name if name == "states" else None, sentence)
        for name, sentence in problems_of(proposal, kept=self._kept(proposal)):
            if name != "selection":
                self.add_error(name if name in self.fields else None, sentence)

    def _kept(self, proposal: Proposal) -> list[str]:
        row = self.endpoint
        if row is None:
            return []
        kept = ["auth_secret"] if row.auth_sealed and row.auth_kind == proposal.auth_kind else []
        same = row.client_certificate == proposal.client_certificate
        return kept + (["client_key"] if row.client_key_sealed and same else [])

    def changes(self) -> dict[str, Any]:
        """What ``change_endpoint`` is asked for: every field of this page, blank secrets left out."""
        if self.proposal is None or self.endpoint is None:
            return {}
        names = [name for name in PLAIN if name not in ("code", "kind", *SECRETS)]
        names += ["domains", "reveals", "selection", *(name for name in SECRETS if self.cleaned_data.get(name))]
        return {name: getattr(self.proposal, name) for name in names}

    @property
    def steps(self) -> list[tuple[str, str, list[forms.BoundField]]]:
        """(id, title, fields) of the steps that are plain fields."""
        return [(anchor, title, [self[name] for name in names]) for anchor, title, names in STEPS]


def _chosen(typed: QueryDict, name: str) -> list[str]:
    return list(dict.fromkeys(value for value in typed.getlist(name) if value))


def initial_of(endpoint: Endpoint, *, copy: bool = False) -> dict[str, Any]:
    """The fields of the form as the endpoint stands; a copy has neither code nor secrets."""
    proposal = proposal_of(endpoint)
    given = {name: getattr(proposal, name) for name in PLAIN if name not in SECRETS}
    given |= {"domains": list(proposal.domains), "reveals": list(proposal.reveals)}
    given["states"] = proposal.selection.get("states", [])
    if copy:
        given |= {"code": "", "name": f"{proposal.name} (copy)"}
    return given


def condition_choices() -> list[tuple[str, list[tuple[str, str]]]]:
    """(domain, [(where, label)]) for the rows of conditions."""
    return [
        (BY_NAME[domain].plural, [(f"{domain}:{path}", _labelled(path, label)) for path, label in paths.items()])
        for domain, paths in selection.choices().items()
    ]


def _labelled(path: str, label: str) -> str:
    return f"{path.partition('.')[0].replace('_', ' ').capitalize()}: {label}" if "." in path else label
