"""Endpoints come to be, prove that somebody listens, and change their secrets."""

import base64
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction

from mdm.cause import Actor
from mdm.domains import BY_NAME
from mdm.errors import Invalid, WrongState
from mdm.identity import uuid7
from mdm.models import LogHead
from publishing import outcomes, payloads, verbs
from publishing.addresses import Forbidden, check_url, networks
from publishing.clock import now
from publishing.http import Caller
from publishing.lanes import restart
from publishing.models import (
    Attempt,
    AuthKind,
    Endpoint,
    EndpointKind,
    EndpointState,
    Intervention,
    Lane,
    Mode,
    SigningSecret,
)
from publishing.models.endpoints import default_backoff, default_retries
from publishing.sealing import seal
from publishing.sending import Message, Result, Route, route_of, send

SECRET_BYTES = 32
ROTATION = timedelta(hours=24)
PLACES = {"id", "code", "domain", "slug"}


@dataclass(frozen=True)
class Proposal:
    """An endpoint to be made; ``auth_secret`` and ``signing_secret`` are kept sealed and never shown again."""

    code: str
    name: str
    kind: EndpointKind
    url: str
    method: str = "POST"
    path: str = ""
    domains: tuple[str, ...] = ()
    auth_kind: AuthKind = AuthKind.NONE
    auth_user: str = ""
    auth_secret: str = ""
    signing_secret: str = ""
    mode: Mode = Mode.EVERY_VERSION
    max_in_flight: int = 4
    timeout_seconds: int = 20
    backoff_seconds: Sequence[int] = tuple(default_backoff())
    retry_seconds: Sequence[int] = tuple(default_retries())
    owner_email: str = ""


def problems_of(proposal: Proposal) -> list[tuple[str, str]]:
    """Every (field, sentence) that speaks against the proposal, all at once."""
    found = []
    try:
        check_url(proposal.url)
    except Forbidden as error:
        found.append(("url", str(error)))
    if unknown := set(proposal.domains) - set(BY_NAME):
        found.append(("domains", f"There is no domain {', '.join(sorted(unknown))}."))
    if proposal.kind == EndpointKind.WEBHOOK and proposal.path:
        found.append(("path", "A webhook has one address: the path belongs to REST targets."))
    if proposal.kind == EndpointKind.REST and not proposal.path.startswith("/"):
        found.append(("path", "The path begins with / and may name {id}, {code}, {domain} and {slug}."))
    if unknown := _places(proposal.path) - PLACES:
        found.append(("path", f"Nothing fills {', '.join('{' + name + '}' for name in sorted(unknown))}."))
    if proposal.auth_kind != AuthKind.NONE and not proposal.auth_secret:
        found.append(("auth_secret", "Signing in needs a token or password."))
    if proposal.auth_kind == AuthKind.NONE and proposal.auth_secret:
        found.append(("auth_kind", "Say how the token or password is used."))
    if any(character in proposal.auth_secret + proposal.auth_user for character in "\r\n\x00"):
        found.append(("auth_secret", "A token or password has no line breaks."))
    return found


def _places(path: str) -> set[str]:
    return {piece.partition("}")[0] for piece in path.split("{")[1:]}


@transaction.atomic
def create_endpoint(*, proposal: Proposal, by: Actor, from_now: bool = False) -> Endpoint:
    """A new endpoint with its lane and, for a webhook, its first signing secret; nothing is sent before it is verified.

    It starts at the beginning of the log, or with what happens ``from_now`` on. Raises Invalid with every problem.
    """
    problems = problems_of(proposal)
    if Endpoint.objects.filter(code=proposal.code).exists():
        problems.append(("code", "There is an endpoint of this code already."))
    if problems:
        raise Invalid("The endpoint cannot be made like this.", "Mend what is named and try again.", problems)
    endpoint = Endpoint(
        code=proposal.code, name=proposal.name, kind=proposal.kind, url=proposal.url, method=proposal.method,
        path=proposal.path, domains=list(proposal.domains), auth_kind=proposal.auth_kind, auth_user=proposal.auth_user,
        mode=proposal.mode, max_in_flight=proposal.max_in_flight, timeout_seconds=proposal.timeout_seconds,
        backoff_seconds=list(proposal.backoff_seconds), retry_seconds=list(proposal.retry_seconds),
        owner_email=proposal.owner_email,
    )  # fmt: skip
    if proposal.auth_secret:
        endpoint.auth_sealed = seal(endpoint, "auth_sealed", proposal.auth_secret)
    verbs.save(endpoint, by=by, reason="Created")
    head = LogHead.objects.values_list("seq", flat=True).first() or 0
    Lane.objects.create(endpoint=endpoint, cursor_low=head if from_now else 0)
    if proposal.kind == EndpointKind.WEBHOOK:
        _add_secret(endpoint, proposal.signing_secret or new_secret())
    Intervention.objects.create(endpoint=endpoint, verb="create", by=by.name, at=now())
    return endpoint


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
    Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    if endpoint.kind != EndpointKind.WEBHOOK:
        raise WrongState(f"{endpoint.name} is no webhook: nothing is signed.", "Change its token instead.")
    secret = secret or new_secret()
    moment = now()
    SigningSecret.objects.filter(endpoint=endpoint, expires_at__isnull=True).update(expires_at=moment + overlap)
    _add_secret(endpoint, secret)
    Intervention.objects.create(endpoint=endpoint, verb="rotate secret", by=by.name, at=moment)
    return secret


def verify(*, endpoint: Endpoint, by: Actor) -> Result:
    """Ask the target whether it is the right one; an endpoint waiting for that becomes active. Records the attempt.

    A webhook is sent a signed ping and has to answer 2xx with the challenge it was given; a REST target has to answer
    2xx to a GET of its address, signed in. The result says in words why not. Raises WrongState where it is disabled.
    """
    if endpoint.state == EndpointState.DISABLED:
        raise WrongState(f"{endpoint.name} is disabled.", "Resume it first.")
    moment = now()
    route = route_of(endpoint, moment)
    with Caller(allowed=networks(settings.ALLOWED_NETWORKS), connections=1) as caller:
        result = _ping(caller, route)
    with transaction.atomic():
        row = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
        Attempt.objects.create(
            endpoint=row, number=0, at=moment, method=result.method, url=result.url,
            request_headers=dict(result.request_headers), http_code=result.http_code,
            outcome_code=result.outcome.code, duration_ms=result.duration_ms, answer=result.answer, error=result.words,
        )  # fmt: skip
        Intervention.objects.create(endpoint=row, verb="verify", by=by.name, reason=result.outcome.code, at=moment)
        if result.outcome is outcomes.ACCEPTED and row.state == EndpointState.PENDING_VERIFICATION:
            verbs.change_state(row, EndpointState.ACTIVE, "", by)
            restart(row)
        endpoint.state = row.state
    return result


def _ping(caller: Caller, route: Route) -> Result:
    uid = str(uuid7())
    if route.kind == EndpointKind.REST:
        asking = Route(route.kind, route.url, "GET", route.seconds, route.authorization, ())
        return send(caller, asking, Message(id=uid, body="", number=0))
    challenge = secrets.token_urlsafe(24)
    body = payloads.ping(uid, challenge, now())
    result = send(caller, route, Message(id=uid, body=body, number=0))
    if result.outcome is outcomes.ACCEPTED and not _echoes(result.answer, challenge):
        return Result(
            outcomes.NOT_LISTENING, result.url, result.method, result.request_headers, result.http_code,
            result.duration_ms, result.answer, outcomes.NOT_LISTENING.words,
        )  # fmt: skip
    return result


def _echoes(answer: str, challenge: str) -> bool:
    try:
        document = json.loads(answer)
    except ValueError:
        return False
    return isinstance(document, dict) and document.get("challenge") == challenge
