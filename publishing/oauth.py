"""Sign-in by OAuth 2 client credentials: a token is fetched, kept until shortly before it ends, and fetched anew once.

Tokens live in the memory of this program alone: they are never written down, logged or shown. The token service is
called through the same guarded way out as the target.
"""

import base64
import hashlib
import json
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from publishing.http import Caller, CallFailed

EARLY_SECONDS = 30.0  # a token that ends on its way would be refused
ASSUMED_SECONDS = 300.0  # where the service does not say how long its token lives
LONGEST_SECONDS = 24 * 3600.0
KEPT = 200


class NoToken(Exception):
    """The token service gave none. ``kind`` is *rejected*, or one of the kinds of CallFailed; the message says why."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


@dataclass(frozen=True)
class Credentials:
    """Who asks where for what. In memory only."""

    url: str
    client: str
    secret: str = field(repr=False)
    scope: str = ""

    def key(self) -> str:
        """What a token is kept under: changed credentials never meet the token of the old ones."""
        text = json.dumps([self.url, self.client, self.secret, self.scope])
        return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class _Token:
    text: str = field(repr=False)
    until: float


_tokens: dict[str, _Token] = {}
_lock = threading.Lock()
_failures: dict[str, tuple[float, NoToken]] = {}
_fetching: dict[str, threading.Lock] = {}


def authorization(caller: Caller, credentials: Credentials, *, seconds: float) -> str:
    """The value of the Authorization header. Raises NoToken.

    One thread asks; those that waited meanwhile share its token, or its failure instead of asking one after another.
    """
    key, asked = credentials.key(), time.monotonic()
    with _lock:
        own = _fetching.setdefault(key, threading.Lock())
    with own:
        held = _tokens.get(key)
        if held is None or held.until <= time.monotonic():
            failed_at, failure = _failures.get(key, (0.0, None))
            if failure is not None and failed_at >= asked:
                raise NoToken(failure.kind, str(failure))
            held = _renewed(caller, credentials, seconds)
    return f"Bearer {held.text}"


def _renewed(caller: Caller, credentials: Credentials, seconds: float) -> _Token:
    key = credentials.key()
    try:
        held = _fetch(caller, credentials, seconds)
    except NoToken as error:
        _failures[key] = (time.monotonic(), error)
        raise
    _failures.pop(key, None)
    with _lock:
        while len(_tokens) >= KEPT:
            _tokens.pop(next(iter(_tokens)))
        _tokens[key] = held
    return held


def forget(credentials: Credentials, refused: str) -> None:
    """The target refused this header: the next call fetches a new token, unless another thread already has."""
    with _lock:
        held = _tokens.get(credentials.key())
        if held is not None and f"Bearer {held.text}" == refused:
            del _tokens[credentials.key()]


def _fetch(caller: Caller, credentials: Credentials, seconds: float) -> _Token:
    asked = {"grant_type": "client_credentials"} | ({"scope": credentials.scope} if credentials.scope else {})
    # RFC 6749 2.3.1: both are form-encoded before they are joined.
    pair = f"{quote(credentials.client, safe='')}:{quote(credentials.secret, safe='')}"
    headers = {
        "user-agent": "Assay/1",
        "accept": "application/json",
        "content-type": "application/x-www-form-urlencoded",
        "authorization": f"Basic {base64.b64encode(pair.encode()).decode()}",
    }
    try:
        reply = caller.call("POST", credentials.url, headers, urlencode(asked).encode(), seconds=seconds)
    except CallFailed as error:
        raise NoToken(error.kind, str(error)) from error
    if reply.code in (400, 401, 403):
        raise NoToken("rejected", f"HTTP {reply.code}{_error_of(reply.text)}")
    if not 200 <= reply.code < 300:
        raise NoToken("down", f"HTTP {reply.code}")
    return _read(reply.text)


def _read(text: str) -> _Token:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    token = document.get("access_token") if isinstance(document, dict) else None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable() or " " in token:
        raise NoToken("down", "its answer holds no access_token")
    kind = document.get("token_type", "Bearer")
    if str(kind).lower() != "bearer":
        raise NoToken("rejected", "it gives another kind of token than Bearer")
    lives = document.get("expires_in")
    seconds = float(lives) if isinstance(lives, int | float) and 0 < lives < LONGEST_SECONDS else ASSUMED_SECONDS
    return _Token(token, time.monotonic() + max(seconds - EARLY_SECONDS, seconds / 2))


def _error_of(text: str) -> str:
    """The `error` word of RFC 6749 5.2; nothing else of the answer, which might repeat what it was sent."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    word = document.get("error") if isinstance(document, dict) else None
    known = ("invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type",
             "invalid_scope")  # fmt: skip
    return f", {word}" if word in known else ""
