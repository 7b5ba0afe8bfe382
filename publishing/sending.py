"""One call of one delivery: headers, signature, answer, outcome. Touches no database: no transaction waits."""

import base64
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http import HTTPStatus

from django.conf import settings
from standardwebhooks.webhooks import Webhook

from mdm.masking import MASK
from publishing import oauth, outcomes
from publishing.addresses import networks
from publishing.http import Caller, CallFailed, Reply
from publishing.models import SIGNED_KINDS, AuthKind, Endpoint
from publishing.oauth import Credentials, NoToken
from publishing.outcomes import Outcome
from publishing.sealing import SealBroken, open_sealed
from publishing.tls import Trust

ANSWER_KEPT = 4096
BY_FAILURE = {
    "blocked": outcomes.BLOCKED,
    "certificate": outcomes.CERTIFICATE,
    "unreachable": outcomes.UNREACHABLE,
    "timeout": outcomes.TIMEOUT,
    "broken": outcomes.BROKEN,
}


@dataclass(frozen=True)
class Route:
    """How to reach an endpoint, with its secrets opened; lives in memory only."""

    kind: str
    url: str
    method: str
    seconds: float
    authorization: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    trust: Trust | None = None
    credentials: Credentials | None = None  # OAuth 2: the header is asked for when it is needed


@dataclass(frozen=True)
class Message:
    """What is to be sent. ``number`` counts the tries, ``lane_number`` the messages of the lane.

    ``path`` stands behind the URL of a REST target. ``replay`` is blank, or the id of the job that sends it again, or
    1. A ``test`` is marked as one: the target is to look at it and forget it.
    """

    id: str
    body: str
    number: int
    path: str = ""
    replay: str = ""
    lane_number: int | None = None
    test: bool = False


@dataclass(frozen=True)
class Result:
    """What came of one call. ``rest`` is how long the target asked to be left alone."""

    outcome: Outcome
    url: str
    method: str
    request_headers: Mapping[str, str] = field(default_factory=dict)
    http_code: int | None = None
    duration_ms: int = 0
    answer: str = ""
    words: str = ""
    local_id: str = ""
    rest: timedelta | None = None


def route_of(endpoint: Endpoint, now: datetime) -> Route:
    """The endpoint as it is reached now; every signing secret that has not expired, newest first. Raises SealBroken."""
    live = [secret for secret in endpoint.secrets.all() if secret.expires_at is None or secret.expires_at > now]
    return Route(
        kind=endpoint.kind,
        url=endpoint.url,
        method=endpoint.method,
        seconds=float(endpoint.timeout_seconds),
        authorization=_authorization(endpoint),
        secrets=tuple(open_sealed(secret, "sealed") for secret in live),
        trust=_trust(endpoint),
        credentials=_credentials(endpoint),
    )


def _trust(endpoint: Endpoint) -> Trust | None:
    if not endpoint.trusted_ca and not endpoint.client_certificate:
        return None
    key = open_sealed(endpoint, "client_key_sealed") if endpoint.client_certificate else ""
    return Trust(endpoint.trusted_ca, endpoint.client_certificate, key)


def _credentials(endpoint: Endpoint) -> Credentials | None:
    if endpoint.auth_kind != AuthKind.OAUTH2:
        return None
    secret = open_sealed(endpoint, "auth_sealed")
    return Credentials(endpoint.token_url, endpoint.auth_user, secret, endpoint.token_scope)


def open_caller(route: Route) -> Caller:
    """The way out to this endpoint, with its certificates. Raises SealBroken where these can no longer be used."""
    try:
        return Caller(allowed=networks(settings.ALLOWED_NETWORKS), trust=route.trust)
    except ssl.SSLError as error:
        raise SealBroken(
            "The certificates of this endpoint cannot be used.", "Give its client certificate and key anew."
        ) from error


def _authorization(endpoint: Endpoint) -> str:
    if endpoint.auth_kind in (AuthKind.NONE, AuthKind.OAUTH2):
        return ""
    secret = open_sealed(endpoint, "auth_sealed")
    if endpoint.auth_kind == AuthKind.BASIC:
        pair = f"{endpoint.auth_user}:{secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return f"Bearer {secret}"


def send(caller: Caller, route: Route, message: Message) -> Result:
    """Make the call and say what came of it; never raises for anything the target or the network does."""
    if route.credentials is None:
        return _call(caller, route, message)
    try:
        signed = _signed_in(caller, route, route.credentials)
        result = _call(caller, signed, message)
        if result.http_code == HTTPStatus.UNAUTHORIZED:  # the token was withdrawn before its time: once with a new one
            oauth.forget(route.credentials, signed.authorization)
            result = _call(caller, _signed_in(caller, route, route.credentials), message)
    except NoToken as error:
        return _without_token(route.credentials, error)
    return result


def _signed_in(caller: Caller, route: Route, credentials: Credentials) -> Route:
    return replace(route, authorization=oauth.authorization(caller, credentials, seconds=route.seconds))


def _call(caller: Caller, route: Route, message: Message) -> Result:
    headers = headers_for(route, message, datetime.now(UTC))
    url = route.url.rstrip("/") + message.path if message.path else route.url
    started = time.monotonic()
    reply: Reply | None = None
    failure: CallFailed | None = None
    try:
        reply = caller.call(route.method, url, headers, message.body.encode(), seconds=route.seconds)
    except CallFailed as error:
        failure = error
    duration = int((time.monotonic() - started) * 1000)
    shown = {name: _shown(name, value) for name, value in headers.items()}
    if reply is None:
        outcome = BY_FAILURE[failure.kind if failure else "broken"]
        words = outcomes.in_words(outcome, None, cause=str(failure))
        return Result(outcome, url, route.method, shown, duration_ms=duration, words=words)
    text = _without_secrets(reply.text, route)
    outcome = outcomes.of_http(reply.code, text)
    return Result(
        outcome=outcome,
        url=url,
        method=route.method,
        request_headers=shown,
        http_code=reply.code,
        duration_ms=duration,
        answer=text[:ANSWER_KEPT],
        words=outcomes.in_words(outcome, reply.code, text),
        local_id=outcomes.local_id(text) if outcome is outcomes.ACCEPTED else "",
        rest=outcomes.rest_asked(reply.headers.get("retry-after", ""), datetime.now(UTC)),
    )


def _without_secrets(text: str, route: Route) -> str:
    """The answer without the token or password we signed in with, which a careless target may repeat."""
    secret = route.authorization.partition(" ")[2]
    return text.replace(secret, MASK) if secret else text


def _without_token(credentials: Credentials, error: NoToken) -> Result:
    """The target was not called: its token service gave no token."""
    outcome = {"rejected": outcomes.AUTH, "down": outcomes.DOWN}.get(error.kind) or BY_FAILURE[error.kind]
    if error.kind == "rejected":
        words = f"The token service does not accept the client {credentials.client}: {error}."
    else:
        words = f"The token service gives no token: {error}."
    return Result(outcome, credentials.url, "POST", words=words[:500])


def headers_for(route: Route, message: Message, now: datetime) -> dict[str, str]:
    """The headers of one try: sign-in, signature of a webhook, idempotency key of a push."""
    headers = {"user-agent": "Assay/1", "accept": "application/json", "webhook-attempt": str(message.number)}
    if route.kind in SIGNED_KINDS:
        headers |= {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": sign(route.secrets, message.id, now, message.body),
        }
    else:
        headers |= {"content-type": "application/json; charset=utf-8", "idempotency-key": message.id}
    if message.test:
        headers["webhook-test"] = "1"
    if message.lane_number is not None:
        headers["webhook-number"] = str(message.lane_number)
    if message.replay:
        headers["webhook-replay"] = message.replay
    if route.authorization:
        headers["authorization"] = route.authorization
    return headers


def sign(secrets: Sequence[str], message_id: str, now: datetime, body: str) -> str:
    """Standard Webhooks: one `v1,` signature per live secret, so a receiver may change over at its own time."""
    return " ".join(Webhook(secret).sign(message_id, now, body) for secret in secrets)


def _shown(name: str, value: str) -> str:
    if name != "authorization":
        return value
    return f"{value.partition(' ')[0]} {MASK}"
