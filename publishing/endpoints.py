"""Endpoints come to be and change, by whom and why; their secrets are sealed and never shown again."""

import base64
import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from django.db import transaction
from django.db.models import Exists, OuterRef

from mdm.cause import Actor
from mdm.errors import Invalid, WrongState
from mdm.identity import uuid7
from mdm.models import LogHead
from publishing import proposing, replaying, verbs
from publishing.clock import now
from publishing.files import targets
from publishing.lanes import locked, restart
from publishing.models import (
    SIGNED_KINDS,
    Attempt,
    AuthKind,
    Delivery,
    DeliveryState,
    Endpoint,
    EndpointKind,
    EndpointState,
    Intervention,
    Lane,
    ReplayKind,
    SigningSecret,
)
from publishing.outcomes import ACCEPTED, MAYBE_TAKEN
from publishing.proposing import SECRETS, Proposal, problems_of, proposal_of
from publishing.sealing import seal
from publishing.verifying import Preview, preview, test_send, verify

__all__ = [
    "Preview", "Proposal", "Start", "change_endpoint", "create_endpoint", "new_secret", "preview", "problems_of",
    "proposal_of", "rotate_secret", "test_send", "verify",
]  # fmt: skip

SECRET_BYTES = 32
ROTATION = timedelta(hours=24)
UNCHANGEABLE = ("code", "kind", "signing_secret")


class Start(StrEnum):
    """What a new endpoint is told first."""

    BEGINNING = "beginning"  # every event since the log began
    NOW = "now"  # what happens from now on
    SNAPSHOT = "snapshot"  # every record as it is, then what happens from now on


@transaction.atomic
def create_endpoint(
    *, proposal: Proposal, by: Actor, from_now: bool = False, start: Start = Start.BEGINNING, reason: str = ""
) -> Endpoint:
    """A new endpoint with its lane and, where it signs, its first secret; nothing is sent before it is verified.

    ``start`` says what it is told first; ``from_now`` is short for ``Start.NOW``. Raises Invalid with every problem.
    """
    problems = problems_of(proposal)
    if proposal.kind == EndpointKind.FILE:
        problems.append(("kind", "A file endpoint is made with its place and layout: publishing.files.targets."))
    if Endpoint.objects.filter(code=proposal.code).exists():
        problems.append(("code", "There is an endpoint of this code already."))
    if problems:
        raise Invalid("The endpoint cannot be made like this.", "Mend what is named and try again.", problems)
    endpoint = Endpoint(id=uuid7())
    proposing.fill(endpoint, proposal)
    _seal(endpoint, proposal)
    verbs.save(endpoint, by=by, reason=reason or "Created")
    head = LogHead.objects.values_list("seq", flat=True).first() or 0
    start = Start.NOW if from_now else start
    if endpoint.kind == EndpointKind.WITNESS:
        start = Start.BEGINNING  # its lane counts checkpoints and goes to the newest at once
    Lane.objects.create(endpoint=endpoint, cursor_low=0 if start is Start.BEGINNING else head)
    if endpoint.kind in SIGNED_KINDS:
        _add_secret(endpoint, proposal.signing_secret or new_secret())
    Intervention.objects.create(endpoint=endpoint, verb="create", by=by.name, reason=reason, at=now())
    if start is Start.SNAPSHOT and head:
        replaying.start_replay(
            endpoint=endpoint, kind=ReplayKind.SNAPSHOT, by=by, reason="Begins with every record as it is"
        )
    return endpoint


def _seal(endpoint: Endpoint, proposal: Proposal) -> None:
    """Seal what secrets the proposal brings, and drop those nothing uses any more."""
    if proposal.auth_kind == AuthKind.NONE:
        endpoint.auth_sealed = ""
    elif proposal.auth_secret:
        endpoint.auth_sealed = seal(endpoint, "auth_sealed", proposal.auth_secret)
    if not proposal.client_certificate:
        endpoint.client_key_sealed = ""
    elif proposal.client_key:
        endpoint.client_key_sealed = seal(endpoint, "client_key_sealed", proposal.client_key)


@transaction.atomic
def change_endpoint(*, endpoint: Endpoint, changes: Mapping[str, Any], by: Actor, reason: str) -> Endpoint:
    """Change fields of ``Proposal``; history says who and why. Repeating it changes nothing. Locks the endpoint.

    A blank secret is kept. Another host has to be verified before anything more is sent there. A changed mapping,
    revealed values or addresses are used from the next message on: what was refused and waits for a person is written
    anew when it is released. Raises Invalid with every problem.
    """
    row = locked(endpoint.pk)
    before = proposal_of(row)
    unknown = [name for name in changes if name not in proposing.COLUMNS + SECRETS or name in UNCHANGEABLE]
    if unknown:
        told = [(name, "This cannot be changed: make another endpoint.") for name in unknown]
        raise Invalid("The endpoint cannot be changed like this.", "Leave out what is named.", told)
    wanted = replace(before, **changes)
    if problems := _problems_of_change(row, before, wanted):
        raise Invalid("The endpoint cannot be changed like this.", "Mend what is named and try again.", problems)
    changed = [name for name in proposing.COLUMNS if getattr(before, name) != getattr(wanted, name)]
    changed += [name for name in SECRETS if getattr(wanted, name)]
    if not changed:
        return row
    proposing.fill(row, wanted)
    _seal(row, wanted)
    words = reason or f"Changed {', '.join(changed)}"
    if _host(before.url) != _host(wanted.url) and row.state != EndpointState.PENDING_VERIFICATION:
        row.state, row.state_reason = EndpointState.PENDING_VERIFICATION, "Its address leads to another host now."
    verbs.save(row, by=by, reason=words)
    restart(row)
    if {"mapping", "reveals"} & set(changed):
        _write_anew(row)
    Intervention.objects.create(endpoint=row, verb="change", by=by.name, reason=words, at=now())
    return row


def _problems_of_change(row: Endpoint, before: Proposal, wanted: Proposal) -> list[proposing.Problem]:
    if row.kind == EndpointKind.FILE:  # its columns have to fit the mapping, too
        return targets.problems_of(wanted, targets.drop_of(row.file_drop), has_secret=bool(row.auth_sealed))
    return problems_of(wanted, kept=_kept(row, before, wanted))


def _kept(row: Endpoint, before: Proposal, wanted: Proposal) -> list[str]:
    """The secrets it goes on with: those that still belong to what they were given for."""
    kept = []
    if row.auth_sealed and before.auth_kind == wanted.auth_kind:
        kept.append("auth_secret")
    if row.client_key_sealed and before.client_certificate == wanted.client_certificate:
        kept.append("client_key")
    return kept


def _host(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def _write_anew(endpoint: Endpoint) -> None:
    """What the target refused in the old form is written in the new one once a person releases it.

    Everything else keeps its bytes: the target may hold them already.
    """
    maybe = Attempt.objects.filter(delivery=OuterRef("pk"), outcome_code__in=[*MAYBE_TAKEN, ACCEPTED.code])
    refused = Delivery.objects.filter(~Exists(maybe), endpoint=endpoint, state=DeliveryState.PARKED)
    refused.exclude(body="").update(body="", digest="", attempts=0)


def new_secret() -> str:
    """A signing secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def _add_secret(endpoint: Endpoint, secret: str) -> SigningSecret:
    row = SigningSecret(id=uuid7(), endpoint=endpoint, created_at=now())
    row.sealed = seal(row, "sealed", secret)
    row.save()
    return row


@transaction.atomic
def rotate_secret(*, endpoint: Endpoint, by: Actor, overlap: timedelta = ROTATION, secret: str = "") -> str:
    """A new signing secret, returned once and never shown again; the old ones go on signing for ``overlap``.

    A receiver that changes over within that time rejects nothing. Raises WrongState for an endpoint that signs nothing.
    """
    locked(endpoint.pk)
    if endpoint.kind not in SIGNED_KINDS:
        raise WrongState(f"{endpoint.name} is no webhook: nothing is signed.", "Change its token instead.")
    secret = secret or new_secret()
    moment = now()
    SigningSecret.objects.filter(endpoint=endpoint, expires_at__isnull=True).update(expires_at=moment + overlap)
    _add_secret(endpoint, secret)
    # A drain in progress holds the old secrets: what was changed meanwhile ends it, and the next one has both.
    Endpoint.objects.filter(pk=endpoint.pk).update(updated_at=moment)
    Intervention.objects.create(endpoint=endpoint, verb="rotate secret", by=by.name, at=moment)
    return secret
