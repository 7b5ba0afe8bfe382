"""One call of one delivery: headers, signature, answer, outcome. Touches no database: no transaction waits."""

import base64
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from standardwebhooks.webhooks import Webhook

from mdm.masking import MASK
from publishing import outcomes
from publishing.http import Caller, CallFailed, Reply
from publishing.models import AuthKind, Endpoint, EndpointKind
from publishing.outcomes import Outcome
from publishing.sealing import open_sealed

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


@dataclass(frozen=True)
class Message:
    """What is to be sent. ``number`` counts the tries; ``path`` stands behind the URL of a REST target."""

    id: str
    body: str
    number: int
    path: str = ""
    replayed: bool = False


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
    )


def _authorization(endpoint: Endpoint) -> str:
    if endpoint.auth_kind == AuthKind.NONE:
        return ""
    secret = open_sealed(endpoint, "auth_sealed")
    if endpoint.auth_kind == AuthKind.BASIC:
        pair = f"{endpoint.auth_user}:{secret}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return f"Bearer {secret}"


def send(caller: Caller, route: Route, message: Message) -> Result:
    """Make the call and say what came of it; never raises for anything the target or the network does."""
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
    outcome = outcomes.of_http(reply.code, reply.text)
    return Result(
        outcome=outcome,
        url=url,
        method=route.method,
        request_headers=shown,
        http_code=reply.code,
        duration_ms=duration,
        answer=reply.text[:ANSWER_KEPT],
        words=outcomes.in_words(outcome, reply.code, reply.text),
        local_id=outcomes.local_id(reply.text) if outcome is outcomes.ACCEPTED else "",
        rest=outcomes.rest_asked(reply.headers.get("retry-after", ""), datetime.now(UTC)),
    )


def headers_for(route: Route, message: Message, now: datetime) -> dict[str, str]:
    """The headers of one try: sign-in, signature of a webhook, idempotency key of a push."""
    headers = {"user-agent": "Assay/1", "accept": "application/json", "webhook-attempt": str(message.number)}
    if route.kind == EndpointKind.WEBHOOK:
        headers |= {
            "content-type": "application/cloudevents+json; charset=utf-8",
            "webhook-id": message.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": sign(route.secrets, message.id, now, message.body),
        }
    else:
        headers |= {"content-type": "application/json; charset=utf-8", "idempotency-key": message.id}
    if message.replayed:
        headers["webhook-replay"] = "1"
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
