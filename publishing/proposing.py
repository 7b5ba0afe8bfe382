"""What an endpoint is to be, and everything that speaks against it, found at once and before anything is saved."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from typing import Any

from django.conf import settings

from mdm.domains import BY_NAME
from mdm.masking import restricted_names
from publishing import mapping, selection, tls
from publishing.addresses import ALWAYS_DENIED, Forbidden, check_url, may_call, networks
from publishing.clock import now
from publishing.http import CallFailed, resolve
from publishing.models import AuthKind, Endpoint, EndpointKind, Mode, OnReject
from publishing.models.endpoints import default_backoff, default_retries
from publishing.tls import Trust

Problem = tuple[str, str]
PLACES = {"id", "code", "domain", "slug"}
METHODS = ("POST", "PUT", "PATCH")
CODE = re.compile(r"[a-z0-9]([a-z0-9_-]{0,38}[a-z0-9])?")
SECRETS = ("auth_secret", "client_key", "signing_secret")
RESOLVING_SECONDS = 3.0
LONGEST_REST = 24 * 3600
BOUNDS = {"max_in_flight": (1, 64), "timeout_seconds": (1, 60), "max_per_second": (1, 10_000)}


@dataclass(frozen=True)
class Proposal:
    """An endpoint as it is to be. ``SECRETS`` are kept sealed and never shown again; blank ones are left as they are
    where an endpoint is changed."""

    code: str
    name: str
    kind: EndpointKind
    url: str
    method: str = "POST"
    path: str = ""
    domains: tuple[str, ...] = ()
    selection: dict[str, Any] = field(default_factory=dict)
    mapping: dict[str, Any] = field(default_factory=dict)
    reveals: tuple[str, ...] = ()
    auth_kind: AuthKind = AuthKind.NONE
    auth_user: str = ""
    auth_secret: str = field(default="", repr=False)
    token_url: str = ""
    token_scope: str = ""
    client_certificate: str = ""
    client_key: str = field(default="", repr=False)
    trusted_ca: str = ""
    signing_secret: str = field(default="", repr=False)
    mode: Mode = Mode.EVERY_VERSION
    on_reject: OnReject = OnReject.PARK
    max_in_flight: int = 4
    max_per_second: int | None = None
    timeout_seconds: int = 20
    backoff_seconds: Sequence[int] = tuple(default_backoff())
    retry_seconds: Sequence[int] = tuple(default_retries())
    owner_email: str = ""
    reconcile_path: str = ""


# Columns a proposal fills as they are; secrets are sealed on their own.
COLUMNS = tuple(one.name for one in fields(Proposal) if one.name not in SECRETS)
LISTS = ("domains", "reveals", "backoff_seconds", "retry_seconds")


def proposal_of(endpoint: Endpoint) -> Proposal:
    """The endpoint as it stands, its secrets left blank."""
    given = {name: getattr(endpoint, name) for name in COLUMNS}
    return Proposal(**given | {name: tuple(given[name]) for name in LISTS})


def fill(endpoint: Endpoint, proposal: Proposal) -> None:
    """Write every column of the proposal to the endpoint, unsaved; secrets apart."""
    for name in COLUMNS:
        value = getattr(proposal, name)
        setattr(endpoint, name, list(value) if name in LISTS else value)


def problems_of(proposal: Proposal, *, kept: Sequence[str] = ()) -> list[Problem]:
    """Every (field, sentence) that speaks against the proposal, all at once. ``kept`` are secrets it has already.

    Looks names up, and so may take some seconds; a name nobody knows now is no problem, for it may be known later.
    """
    if proposal.kind == EndpointKind.FILE:  # where files go is judged by publishing.files.targets
        return [*_form(proposal), *content_problems(proposal)]
    return [
        *_form(proposal),
        *_address("url", proposal.url),
        *_path(proposal),
        *sign_in_problems(proposal, kept=kept),
        *tls.problems_of(_trust(proposal, kept), now()),
        *content_problems(proposal),
    ]


def _form(proposal: Proposal) -> list[Problem]:
    found = []
    if not CODE.fullmatch(proposal.code):
        found.append(("code", "A code has 1 to 40 small letters, digits, - and _; it begins and ends with neither."))
    if not proposal.name.strip():
        found.append(("name", "Give the target a name people know it by."))
    if proposal.method not in METHODS:
        found.append(("method", f"Records are sent by {', '.join(METHODS)}."))
    for name, (lowest, highest) in BOUNDS.items():
        value = getattr(proposal, name)
        if value is not None and not lowest <= value <= highest:
            found.append((name, f"Give a number from {lowest} to {highest}."))
    for name in ("backoff_seconds", "retry_seconds"):
        given = getattr(proposal, name)
        if any(not 0 <= seconds <= LONGEST_REST for seconds in given):
            found.append((name, "Give seconds, each at most a day."))
    if not proposal.backoff_seconds:
        found.append(("backoff_seconds", "Say how long the lane rests after a failure of its target."))
    return found


def _address(name: str, url: str) -> list[Problem]:
    """Whether the address may be called as it is written and as it resolves now."""
    try:
        parts = check_url(url)
    except Forbidden as error:
        return [(name, str(error))]
    host = parts.hostname or ""
    try:
        addresses = resolve(host, parts.port or (443 if parts.scheme == "https" else 80), seconds=RESOLVING_SECONDS)
    except CallFailed:
        return []
    allowed = networks(settings.ALLOWED_NETWORKS)
    bad = [address for address in addresses if not may_call(address, allowed)]
    if not bad:
        return []
    if any(may_call(address, ["0.0.0.0/0", "::/0"]) for address in bad):
        way_out = "An operator allows its network in ASSAY_ALLOWED_NETWORKS (docs/runbooks/running.md)."
    else:
        way_out = f"Addresses of that kind are never called ({', '.join(str(one) for one in ALWAYS_DENIED[:3])}, ...)."
    return [(name, f"{host} leads to {', '.join(bad)}, inside, where calls are not allowed. {way_out}")]


def unknown_host(url: str) -> str:
    """A sentence where the host of the address is not known now, else blank: a warning, for it may be known later."""
    try:
        parts = check_url(url)
        resolve(parts.hostname or "", parts.port or 443, seconds=RESOLVING_SECONDS)
    except Forbidden:
        return ""
    except CallFailed:
        return f"Nobody knows the host {parts.hostname} now: nothing can be sent there."
    return ""


def _path(proposal: Proposal) -> list[Problem]:
    found = []
    if proposal.kind != EndpointKind.REST and proposal.path:
        found.append(("path", "A webhook has one address: the path belongs to REST targets."))
    if proposal.kind == EndpointKind.REST and not proposal.path.startswith("/"):
        found.append(("path", "The path begins with / and may name {id}, {code}, {domain} and {slug}."))
    if unknown := _places(proposal.path) - PLACES:
        found.append(("path", f"Nothing fills {', '.join('{' + name + '}' for name in sorted(unknown))}."))
    for name in ("path", "reconcile_path"):
        given = getattr(proposal, name)
        if any(character <= " " or character > "~" or character in '\\"<>^`|#' for character in given):
            found.append((name, "The path holds blanks or characters that must be written in their encoded form."))
        elif given.startswith("//") or "://" in given or "/../" in given + "/":
            found.append((name, "The path leads away from the address: write the part behind it alone."))
    if proposal.reconcile_path and not proposal.reconcile_path.startswith("/"):
        found.append(("reconcile_path", "The path begins with /."))
    return found


def _places(path: str) -> set[str]:
    return {piece.partition("}")[0] for piece in path.split("{")[1:]}


def sign_in_problems(proposal: Proposal, *, kept: Sequence[str] = ()) -> list[Problem]:
    """What speaks against the way it signs in."""
    found = []
    has_secret = bool(proposal.auth_secret) or "auth_secret" in kept
    if proposal.auth_kind != AuthKind.NONE and not has_secret:
        found.append(("auth_secret", "Signing in needs a token or password."))
    if proposal.auth_kind == AuthKind.NONE and proposal.auth_secret:
        found.append(("auth_kind", "Say how the token or password is used."))
    if proposal.auth_kind in (AuthKind.BASIC, AuthKind.OAUTH2) and not proposal.auth_user:
        found.append(("auth_user", "Give the user, or for OAuth 2 the client id."))
    if proposal.auth_kind == AuthKind.BASIC and ":" in proposal.auth_user:
        found.append(("auth_user", "A user name of this kind holds no colon."))
    given = proposal.auth_secret + proposal.auth_user + proposal.token_scope
    if any(character < " " or character == "\x7f" for character in given):
        found.append(("auth_secret", "A token or password has no line breaks."))
    if proposal.auth_kind == AuthKind.BEARER and not proposal.auth_secret.isascii():
        found.append(("auth_secret", "A token is plain ASCII: copy it again."))
    if proposal.auth_kind == AuthKind.OAUTH2:
        found += (
            _address("token_url", proposal.token_url)
            if proposal.token_url
            else [("token_url", "Say where the token is fetched.")]
        )
    elif proposal.token_url:
        found.append(("token_url", "Only OAuth 2 fetches a token: leave this blank."))
    return found


def _trust(proposal: Proposal, kept: Sequence[str]) -> Trust:
    """The certificates to judge; a key that is kept was judged with its certificate when it came."""
    if "client_key" in kept and not proposal.client_key:
        return Trust(proposal.trusted_ca)
    return Trust(proposal.trusted_ca, proposal.client_certificate, proposal.client_key)


def content_problems(proposal: Proposal) -> list[Problem]:
    """What speaks against what it is to be told: domains, selection, mapping, revealed values."""
    found = []
    if unknown := set(proposal.domains) - set(BY_NAME):
        found.append(("domains", f"There is no domain {', '.join(sorted(unknown))}."))
    found += [("selection", f"{place}: {sentence}") for place, sentence in selection.problems_of(proposal.selection)]
    found += [("mapping", f"{place}: {sentence}") for place, sentence in mapping.problems_of(proposal.mapping)]
    restricted = [name for domain in BY_NAME.values() for name in restricted_names(domain)]
    for name in proposal.reveals:
        if name not in restricted:
            near = get_close_matches(name, restricted, n=1, cutoff=0.5)
            meant = f" Did you mean {near[0]}?" if near else ""
            found.append(("reveals", f"{name} is no restricted value.{meant}"))
    return found
