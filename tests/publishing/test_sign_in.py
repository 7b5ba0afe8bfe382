"""Endpoints sign in by token service and client certificate, and believe whom they are told to believe."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest

from mdm.errors import Invalid
from publishing import oauth
from publishing.endpoints import Proposal, change_endpoint, create_endpoint, verify
from publishing.models import Attempt, AuthKind, Endpoint, EndpointKind, EndpointState
from publishing.tls import certificate_of
from tests.publishing.authority import Authority, TlsTarget
from tests.publishing.making import OWNER, Answer, Call, Target, rest, run, states, suppliers, webhook
from tests.publishing.test_endpoints import everything_stored

pytestmark = pytest.mark.django_db
CLIENT_SECRET = "client-secret-canary-91"


class TokenService:
    """Gives numbered tokens; what is asked of it is kept."""

    def __init__(self, lives: int = 3600) -> None:
        self.lives = lives
        self.given = 0
        self.code = 200

    def __call__(self, call: Call) -> Answer:
        if self.code != 200:
            return Answer(self.code, body=b'{"error": "invalid_client", "error_description": "' + call.body + b'"}')
        self.given += 1
        token = {"access_token": f"token-{self.given}", "token_type": "bearer", "expires_in": self.lives}
        return Answer(200, body=json.dumps(token).encode())


@pytest.fixture
def service() -> Iterator[Target]:
    oauth._tokens.clear()
    with Target(TokenService()) as server:
        yield server


def with_tokens(target: Target, service: Target, **given: Any) -> Endpoint:
    endpoint = create_endpoint(
        proposal=Proposal(
            code="oauth", name="OAuth", kind=EndpointKind.REST, url=target.url, path="/{slug}/{id}", method="PUT",
            auth_kind=AuthKind.OAUTH2, auth_user="assay", auth_secret=CLIENT_SECRET, token_url=f"{service.url}/token",
            token_scope="masterdata.write", **given,
        ),
        by=OWNER,
    )  # fmt: skip
    Endpoint.objects.update(state=EndpointState.ACTIVE)
    endpoint.refresh_from_db()
    return endpoint


def test_a_token_is_fetched_once_and_used_by_all_threads(target: Target, service: Target) -> None:
    suppliers(6)
    run(with_tokens(target, service))
    assert len(target.calls) == 6
    assert {call.headers["authorization"] for call in target.calls} == {"Bearer token-1"}
    [asked] = service.calls
    assert parse_qs(asked.body.decode()) == {"grant_type": ["client_credentials"], "scope": ["masterdata.write"]}
    assert asked.headers["authorization"].startswith("Basic ")
    assert {a.request_headers["authorization"] for a in Attempt.objects.all()} == {"Bearer ••••"}
    stored = everything_stored()
    assert "token-1" not in stored
    assert CLIENT_SECRET not in stored


def test_a_token_is_renewed_shortly_before_it_ends(target: Target, service: Target) -> None:
    suppliers(1)
    endpoint = with_tokens(target, service)
    run(endpoint)
    [(key, token)] = oauth._tokens.items()
    assert 3500 < token.until - time.monotonic() < 3600 - oauth.EARLY_SECONDS
    oauth._tokens[key] = replace(token, until=time.monotonic())
    endpoint.deliveries.update(state="waiting")
    run(endpoint)
    assert [call.headers["authorization"] for call in target.calls] == ["Bearer token-1", "Bearer token-2"]


def test_a_withdrawn_token_is_replaced_once_and_the_record_arrives(target: Target, service: Target) -> None:
    suppliers(1)
    target.answer = lambda call: Answer(401 if call.headers["authorization"] == "Bearer token-1" else 200)
    endpoint = with_tokens(target, service)
    assert run(endpoint).delivered == 1
    assert [call.headers["authorization"] for call in target.calls] == ["Bearer token-1", "Bearer token-2"]


def test_a_target_that_refuses_every_token_is_told_so(target: Target, service: Target) -> None:
    suppliers(1)
    target.answer = Answer(401)
    endpoint = with_tokens(target, service)
    run(endpoint)
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.last_failure_code == "AUTH_REJECTED"
    assert len(target.calls) == len(service.calls) == 2


@pytest.mark.parametrize(
    ("code", "outcome", "words"),
    [
        (401, "AUTH_REJECTED", "The token service does not accept the client assay: HTTP 401, invalid_client."),
        (503, "TARGET_DOWN", "The token service gives no token: HTTP 503."),
        (302, "TARGET_DOWN", "The token service gives no token: HTTP 302."),
    ],
)
def test_failures_of_the_token_service_are_its_own(
    target: Target, service: Target, code: int, outcome: str, words: str
) -> None:
    suppliers(1)
    endpoint = with_tokens(target, service)
    service.answer.code = code  # type: ignore[union-attr]
    run(endpoint)
    endpoint.lane.refresh_from_db()
    assert (endpoint.lane.last_failure_code, endpoint.lane.last_failure) == (outcome, words)
    assert target.calls == []
    assert states(endpoint) == ["waiting"]
    [attempt] = Attempt.objects.filter(endpoint=endpoint)
    assert attempt.url == f"{service.url}/token"
    assert CLIENT_SECRET not in everything_stored()


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"access_token": "a b"}', b'{"access_token": "a\\r\\nx: y"}'])
def test_an_answer_without_a_token_is_none(target: Target, body: bytes) -> None:
    suppliers(1)
    with Target(Answer(200, body=body)) as service:
        endpoint = with_tokens(target, service)
        run(endpoint)
    endpoint.lane.refresh_from_db()
    assert "holds no access_token" in endpoint.lane.last_failure
    assert target.calls == []


def test_a_token_service_inside_is_refused_like_any_target(target: Target) -> None:
    with pytest.raises(Invalid) as refused:
        create_endpoint(
            proposal=Proposal(
                code="oauth", name="OAuth", kind=EndpointKind.REST, url=target.url, path="/", auth_secret="x",
                auth_kind=AuthKind.OAUTH2, auth_user="assay", token_url="http://169.254.169.254/token",
            ),
            by=OWNER,
        )  # fmt: skip
    [(field, words)] = refused.value.problems
    assert field == "token_url"
    assert "never called" in words


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_the_targets_own_authority_is_believed_when_given(authority: Authority, tmp_path: Path) -> None:
    suppliers(1)
    with TlsTarget(authority.issue("127.0.0.1"), tmp_path) as target:
        stranger = webhook(target.url, code="stranger")
        run(stranger)
        stranger.lane.refresh_from_db()
        assert stranger.lane.last_failure_code == "CERT_INVALID"
        assert "certificate" in stranger.lane.last_failure
        friend = webhook(target.url, code="friend", trusted_ca=authority.certificate)
        assert run(friend).delivered == 1


@pytest.mark.parametrize(("host", "expired", "words"), [
    ("127.0.0.1", True, "expired"),
    ("erp.example.org", False, "IP address mismatch"),
])  # fmt: skip
def test_expired_and_foreign_certificates_are_not_believed(
    authority: Authority, tmp_path: Path, host: str, expired: bool, words: str
) -> None:
    suppliers(1)
    with TlsTarget(authority.issue(host, expired=expired), tmp_path) as target:
        endpoint = webhook(target.url, trusted_ca=authority.certificate)
        run(endpoint)
        assert target.calls == []
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.last_failure_code == "CERT_INVALID"
    assert words in endpoint.lane.last_failure


def test_mutual_tls_shows_our_certificate(authority: Authority, tmp_path: Path) -> None:
    suppliers(1)
    ours = authority.issue("assay")
    with TlsTarget(authority.issue("127.0.0.1"), tmp_path, clients=authority) as target:
        nobody = webhook(target.url, code="nobody", trusted_ca=authority.certificate)
        run(nobody)
        nobody.lane.refresh_from_db()
        assert nobody.lane.last_failure_code == "CERT_INVALID"
        assert "refuses our own certificate" in nobody.lane.last_failure
        endpoint = webhook(
            target.url, trusted_ca=authority.certificate, client_certificate=ours.certificate, client_key=ours.key
        )
        assert run(endpoint).delivered == 1
    stored = everything_stored()
    assert ours.key.splitlines()[1] not in stored
    assert "PRIVATE KEY" not in stored


def test_a_pair_that_does_not_fit_or_has_expired_is_refused_when_saved(authority: Authority, target: Target) -> None:
    one, two, old = authority.issue("one"), authority.issue("two"), authority.issue("old", expired=True)
    endpoint = webhook(target.url)
    cases = (
        ({"client_certificate": one.certificate, "client_key": two.key}, "client_key", "does not belong"),
        ({"client_certificate": old.certificate, "client_key": old.key}, "client_certificate", "expired on"),
        ({"client_certificate": "PEM", "client_key": one.key}, "client_certificate", "no certificate"),
        ({"client_certificate": one.certificate, "client_key": "PEM"}, "client_key", "no private key"),
        ({"client_certificate": one.certificate}, "client_key", "needs its private key"),
        ({"client_key": one.key}, "client_certificate", "needs its client certificate"),
        ({"trusted_ca": "PEM"}, "trusted_ca", "no certificate"),
    )
    for changes, field, words in cases:
        with pytest.raises(Invalid) as refused:
            change_endpoint(endpoint=endpoint, changes=changes, by=OWNER, reason="mutual TLS")
        assert [name for name, _ in refused.value.problems] == [field]
        assert words in refused.value.problems[0][1]
    pair = {"client_certificate": one.certificate, "client_key": one.key}
    changed = change_endpoint(endpoint=endpoint, changes=pair, by=OWNER, reason="mutual TLS")
    shown = certificate_of(changed.client_certificate)
    assert shown is not None
    assert shown.subject == "CN=one"
    # The key stays with its certificate; another certificate asks for its own.
    change_endpoint(endpoint=endpoint, changes={"name": "Other"}, by=OWNER, reason="renamed")
    with pytest.raises(Invalid, match="cannot be changed"):
        change_endpoint(endpoint=endpoint, changes={"client_certificate": two.certificate}, by=OWNER, reason="new")
    change_endpoint(endpoint=endpoint, changes={"client_certificate": ""}, by=OWNER, reason="none")
    endpoint.refresh_from_db()
    assert endpoint.client_key_sealed == ""


def test_an_answer_that_repeats_our_token_is_kept_without_it(target: Target) -> None:
    target.answer = lambda call: Answer(422, body=call.headers["authorization"].encode())
    suppliers(1)
    endpoint = rest(target.url, retry_seconds=())
    run(endpoint)
    verify(endpoint=endpoint, by=OWNER)
    assert {attempt.answer for attempt in Attempt.objects.all()} == {"Bearer ••••"}
