"""Who gets in: tokens, scopes, and nothing without them."""

from datetime import timedelta
from io import StringIO
from unittest.mock import patch

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from api.clients import create_client, revoke_client
from api.models import ApiClient, token_hash
from api.scopes import BATCH_WRITE, FEED_READ, READ_SCOPES
from mdm.domains import DOMAINS
from mdm.errors import Invalid, NotFound, Refused
from tests.api.conftest import Make, bearer
from tests.api.problems import problem
from tests.factories import supplier

pytestmark = pytest.mark.django_db

READS = [f"/api/v1/{domain.slug}/" for domain in DOMAINS] + [
    f"/api/v1/{domain.slug}/{domain.prefix}-0000001" for domain in DOMAINS
] + [
    "/api/v1/changes", "/api/v1/lookup?identifier=1", "/api/v1/schema", "/api/v1/relations", "/api/v1/measurements",
    "/api/v1/quality/suppliers", "/api/v1/hierarchies", "/api/v1/hierarchies/facilities/parent",
    "/api/v1/hierarchies/facilities/parent/nodes", "/api/v1/hierarchies/facilities/legal/moves",
]  # fmt: skip
BATCH = "/api/v1/batches/0199aaaa-0000-7000-8000-000000000000"


def test_every_path_of_the_api_is_in_this_test() -> None:
    """A path added later must be added to what is tried without a token."""
    (resolver,) = [found for found in get_resolver().url_patterns if str(found.pattern) == "api/"]
    assert isinstance(resolver, URLResolver)
    nested = [found for found in resolver.url_patterns if isinstance(found, URLResolver)]
    names = {pattern.name for found in nested for pattern in found.url_patterns if isinstance(pattern, URLPattern)}
    lists = {f"{domain.slug}-{kind}" for domain in DOMAINS for kind in ("list", "detail")}
    schemas = {"message-schemas", "message-schema"}  # open to all, without a value in them
    targets = {"receipts", "reconcile"}
    rest = {"changes", "consumer", "lookup", "match", "batches", "batch", "quarantine", "schema", "docs"}
    measured = {"relations", "measurements", "quality"}
    trees = {"hierarchies", "hierarchy", "hierarchy-nodes", "hierarchy-moves"}
    assert names == lists | rest | schemas | targets | measured | trees


@pytest.mark.parametrize("path", [*READS, BATCH, f"{BATCH}/quarantine"])
def test_nothing_is_readable_without_a_token(path: str) -> None:
    answer = Client().get(path)
    assert "Authorization: Bearer" in problem(answer, 401, "not-authenticated")["way_out"]
    assert answer["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("header", ["Bearer wrong", "Bearer ", "Basic dXNlcjpwdw==", "bearer\tx", "Token x"])
def test_a_wrong_token_opens_nothing(header: str) -> None:
    answer = Client(headers={"Authorization": header}).get("/api/v1/suppliers/")
    assert answer.status_code == 401


def test_sending_needs_a_token_too() -> None:
    answer = Client().post("/api/v1/batches?feed=x", b"a,b", content_type="text/csv")
    problem(answer, 401, "not-authenticated")
    problem(Client().post("/api/v1/match", b"{}", content_type="application/json"), 401, "not-authenticated")


def test_a_revoked_token_is_refused_from_then_on(api: Client) -> None:
    assert api.get("/api/v1/suppliers/").status_code == 200
    revoke_client(name="FULL")
    problem(api.get("/api/v1/suppliers/"), 401, "authentication-failed")


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_a_domain_is_read_with_its_scope_only(domain, client_with: Make) -> None:
    others = [scope for scope in (*READ_SCOPES, BATCH_WRITE) if scope != f"{domain.name}:read"]
    allowed, denied = client_with(f"{domain.name}:read", name="one"), client_with(*others, name="rest")
    assert allowed.get(f"/api/v1/{domain.slug}/").status_code == 200
    for path in (f"/api/v1/{domain.slug}/", f"/api/v1/{domain.slug}/{domain.prefix}-0000001"):
        assert f"{domain.name}:read" in problem(denied.get(path), 403, "permission-denied")["detail"]
    assert denied.get(f"/api/v1/changes?domain={domain.name}").status_code == 403
    assert denied.get(f"/api/v1/lookup?identifier=1&domain={domain.name}").status_code == 403


def test_the_feed_and_batches_need_their_scopes(client_with: Make) -> None:
    reader = client_with("supplier:read")
    assert FEED_READ in problem(reader.get("/api/v1/changes"), 403, "permission-denied")["detail"]
    sent = reader.post("/api/v1/batches?feed=x", b"a,b", content_type="text/csv")
    assert BATCH_WRITE in problem(sent, 403, "permission-denied")["detail"]


def test_a_token_is_stored_hashed_and_shown_once() -> None:
    client, token = create_client(name="erp")
    stored = ApiClient.objects.values().get(pk=client.pk)
    assert token not in str(stored)
    assert stored["token_hash"] == token_hash(token)
    assert token.startswith("assay_")
    assert len(token) > 40
    assert token.startswith(stored["hint"])
    assert stored["scopes"] == sorted(READ_SCOPES)


def test_the_command_prints_the_token_alone_and_it_works() -> None:
    out, notes = StringIO(), StringIO()
    call_command("create_client", "Nightly ERP", "--scope", "supplier:read", stdout=out, stderr=notes)
    token = out.getvalue().strip()
    assert "supplier:read" in notes.getvalue()
    assert token not in notes.getvalue()
    assert bearer(token).get("/api/v1/suppliers/").status_code == 200
    assert bearer(token).get("/api/v1/items/").status_code == 403
    call_command("revoke_client", "nightly erp", stdout=StringIO())
    assert bearer(token).get("/api/v1/suppliers/").status_code == 401


@pytest.mark.parametrize(
    ("asked", "error"),
    [({"name": " "}, Invalid), ({"name": "x", "scopes": ["all"]}, Invalid), ({"name": "ERP"}, Refused)],
)
def test_a_client_that_cannot_be_is_refused(asked: dict, error: type[Exception]) -> None:
    create_client(name="erp")
    with pytest.raises(error):
        create_client(**asked)


def test_the_commands_refuse_in_plain_words() -> None:
    with pytest.raises(CommandError, match="There is no scope all"):
        call_command("create_client", "x", "--scope", "all")
    with pytest.raises(CommandError, match="no client nobody"):
        call_command("revoke_client", "nobody")


def test_a_revoked_name_may_be_given_again() -> None:
    _, first = create_client(name="erp")
    revoke_client(name="erp")
    _, second = create_client(name="erp")
    assert (bearer(first).get("/api/v1/changes").status_code, bearer(second).get("/api/v1/changes").status_code) == (
        401, 200,
    )  # fmt: skip
    with pytest.raises(NotFound):
        revoke_client(name="ap")


def test_use_is_noted_at_most_once_a_minute() -> None:
    client, token = create_client(name="erp")
    bearer(token).get("/api/v1/suppliers/")
    client.refresh_from_db()
    first = client.last_used_at
    assert first is not None
    bearer(token).get("/api/v1/suppliers/")
    client.refresh_from_db()
    assert client.last_used_at == first
    ApiClient.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))
    bearer(token).get("/api/v1/suppliers/")
    client.refresh_from_db()
    assert client.last_used_at > first


def test_unknown_paths_answer_in_json_and_a_slash_too_few_is_sent_on(api: Client) -> None:
    for path in ("/api/v1/planets/", "/api/v2/suppliers/", "/api/", "/api/v1/"):
        problem(Client().get(path), 404, "not-found")
    supplier("V1", "Acme")
    answer = api.get("/api/v1/suppliers?limit=1")
    assert (answer.status_code, answer["Location"]) == (308, "/api/v1/suppliers/?limit=1")
    assert Client().post("/api/v1/batches/").status_code == 308
    problem(Client().delete("/api/v1/planets/1"), 404, "not-found")


def test_a_method_nobody_answers_is_named(api: Client) -> None:
    problem(api.delete("/api/v1/suppliers/"), 405, "method-not-allowed")


def test_a_mistake_of_the_hub_is_answered_without_its_innards(api: Client, caplog) -> None:
    with patch("api.views.records.list_records", side_effect=ZeroDivisionError("secret innards")):
        body = problem(api.get("/api/v1/suppliers/"), 500, "internal")
    assert "secret" not in str(body)
    assert body["trace_id"] in caplog.text


def test_the_callers_trace_is_kept(api: Client) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = api.get("/api/v1/suppliers/nothing", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert problem(answer, 404, "not-found")["trace_id"] == trace
