"""Endpoints are made, verified and changed by verbs; their secrets stay sealed."""

import base64
import json
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import F
from pytest_django.fixtures import Settings
from standardwebhooks.webhooks import Webhook

from mdm.domains import BY_NAME
from mdm.errors import Invalid, WrongState
from mdm.masking import masked_body, masked_row
from publishing.endpoints import Proposal, create_endpoint, rotate_secret, verify
from publishing.models import Attempt, AuthKind, Delivery, Endpoint, EndpointKind, EndpointState, Intervention
from publishing.payloads import changes
from publishing.sealing import SealBroken, open_sealed, seal
from publishing.verbs import pause, release, resend, resume, try_now
from tests.publishing.making import (
    OWNER,
    SIGNING,
    TOKEN,
    Answer,
    Call,
    Target,
    rest,
    run,
    states,
    suppliers,
    webhook,
)

pytestmark = pytest.mark.django_db


def everything_stored() -> str:
    """Every row of every table of publishing as text."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'publishing%'")
        tables = [name for (name,) in cursor.fetchall()]
        texts = []
        for table in tables:
            cursor.execute(f"SELECT coalesce(json_agg(t)::text, '') FROM {table} t")  # noqa: S608 - our own tables
            texts.append(cursor.fetchone()[0])
    return "\n".join(texts)


def test_secrets_are_stored_nowhere_in_the_clear(target: Target) -> None:
    suppliers(1)
    run(rest(target.url))
    run(webhook(target.url))
    stored = everything_stored()
    assert "Bearer \u2022\u2022\u2022\u2022" in stored
    assert TOKEN not in stored
    assert SIGNING.removeprefix("whsec_") not in stored
    assert target.calls[0].headers["authorization"] == f"Bearer {TOKEN}"


def test_a_sealed_secret_opens_in_its_own_row_only(target: Target) -> None:
    first, second = rest(target.url, code="one"), rest(target.url, code="two")
    assert open_sealed(first, "auth_sealed") == TOKEN
    second.auth_sealed = first.auth_sealed
    with pytest.raises(SealBroken):
        open_sealed(second, "auth_sealed")


def test_a_key_file_is_rotated_by_a_line_on_top(target: Target, settings: Settings, tmp_path: Path) -> None:
    endpoint = rest(target.url)
    old = Path(settings.KEYS_FILE).read_text()
    ring = tmp_path / "keys"
    ring.write_text("2:" + base64.b64encode(b"n" * 32).decode() + "\n" + old)
    settings.KEYS_FILE = ring
    assert open_sealed(endpoint, "auth_sealed") == TOKEN
    assert seal(endpoint, "auth_sealed", "x").startswith("v1|2|")
    ring.write_text("3:" + base64.b64encode(b"m" * 32).decode())
    with pytest.raises(SealBroken):
        open_sealed(endpoint, "auth_sealed")


def test_a_lost_key_rests_the_lane_and_says_so(target: Target, settings: Settings, tmp_path: Path) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    settings.KEYS_FILE = tmp_path / "nothing"
    run(endpoint)
    endpoint.lane.refresh_from_db()
    assert endpoint.lane.last_failure_code == "SECRET_UNREADABLE"
    assert target.calls == []


def test_every_fault_of_a_proposal_is_named_at_once() -> None:
    proposal = Proposal(
        code="bad", name="Bad", kind=EndpointKind.REST, url="http://user:pw@inside/", path="suppliers/{number}",
        domains=("supplier", "planet"), auth_kind=AuthKind.BEARER,
    )  # fmt: skip
    with pytest.raises(Invalid) as refused:
        create_endpoint(proposal=proposal, by=OWNER)
    assert sorted({name for name, _ in refused.value.problems}) == ["auth_secret", "domains", "path", "url"]
    assert not Endpoint.objects.exists()


def test_a_webhook_proves_itself_with_the_challenge(target: Target) -> None:
    endpoint = webhook(target.url, state=EndpointState.PENDING_VERIFICATION)
    assert verify(endpoint=endpoint, by=OWNER).outcome.code == "NO_CHALLENGE"
    assert endpoint.state == EndpointState.PENDING_VERIFICATION

    def echo(call: Call) -> Answer:
        said = Webhook(SIGNING).verify(call.body, call.headers)
        return Answer(200, body=json.dumps({"challenge": said["data"]["challenge"]}).encode())

    target.answer = echo
    assert verify(endpoint=endpoint, by=OWNER).outcome.code == "ACCEPTED"
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.ACTIVE
    assert Attempt.objects.filter(endpoint=endpoint, delivery=None).count() == 2


def test_a_rest_target_proves_itself_by_accepting_the_token(target: Target) -> None:
    endpoint = rest(target.url, state=EndpointState.PENDING_VERIFICATION)
    target.answer = Answer(401)
    assert verify(endpoint=endpoint, by=OWNER).outcome.code == "AUTH_REJECTED"
    target.answer = Answer(200)
    verify(endpoint=endpoint, by=OWNER)
    assert endpoint.state == EndpointState.ACTIVE
    assert [call.method for call in target.calls] == ["GET", "GET"]


def test_a_rotated_secret_fails_no_receiver(target: Target) -> None:
    first, second = suppliers(2)
    endpoint = webhook(target.url)
    new = rotate_secret(endpoint=endpoint, by=OWNER)
    run(endpoint)
    for call in target.calls:
        for secret in (SIGNING, new):
            Webhook(secret).verify(call.body, call.headers)
    endpoint.secrets.filter(expires_at__isnull=False).update(expires_at=F("created_at"))
    resend(deliveries=[endpoint.deliveries.get(record=first).pk], by=OWNER)
    run(endpoint)
    Webhook(new).verify(target.calls[-1].body, target.calls[-1].headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SIGNING).verify(target.calls[-1].body, target.calls[-1].headers)
    assert second.code not in target.calls[-1].body.decode()


def test_sending_again_keeps_id_and_bytes_and_never_turns_the_holding_back(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    run(endpoint)
    [row] = Delivery.objects.filter(endpoint=endpoint)
    assert resend(deliveries=[row.pk], by=OWNER, reason="lost over there") == 1
    run(endpoint)
    first, second = target.calls
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert "webhook-replay" not in first.headers
    assert second.headers["webhook-replay"] == "1"
    done = Intervention.objects.get(verb="resend")
    assert (done.by, done.reason, done.delivery_id) == ("Olga Owner", "lost over there", row.pk)


def test_releasing_twice_offers_once(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = Answer(422)
    run(endpoint)
    ids = list(Delivery.objects.values_list("pk", flat=True))
    assert release(deliveries=ids, by=OWNER) == 1
    assert release(deliveries=ids, by=OWNER) == 0
    target.answer = Answer()
    run(endpoint)
    assert states(endpoint) == ["delivered"]
    assert len(target.calls) == 2


def test_verbs_refuse_what_the_state_does_not_allow(target: Target) -> None:
    endpoint = webhook(target.url)
    with pytest.raises(WrongState):
        resume(endpoint=endpoint, by=OWNER)
    pause(endpoint=endpoint, by=OWNER, reason="month end")
    with pytest.raises(WrongState):
        pause(endpoint=endpoint, by=OWNER, reason="again")
    with pytest.raises(WrongState):
        try_now(endpoint=endpoint, by=OWNER)
    assert endpoint.history.first().history_change_reason == "month end"
    suppliers(1)
    run(endpoint)
    assert target.calls == []
    resume(endpoint=endpoint, by=OWNER)
    assert run(endpoint).delivered == 1


def test_restricted_values_show_their_tail_only() -> None:
    supplier = BY_NAME["supplier"]
    row = {"bank": "First National Bank", "country": "US", "account_tail": "\u2022\u2022\u2022\u20224411"}
    accounts = next(part for part in supplier.parts if part.name == "bank_accounts")
    dots = "\u2022\u2022\u2022\u2022"
    assert masked_row(accounts.attributes, row) == {"bank": dots, "country": dots, "account_tail": f"{dots}4411"}
    added = {"part": "bank_accounts", "added": [row], "removed": []}
    named = {"attribute": "name", "before": None, "after": "Acme", "source": "erp", "rule": "newest"}
    assert changes(masked_body({"domain": "supplier", "changed": [added, named]})) == [
        {"part": "bank_accounts", "added": [masked_row(accounts.attributes, row)], "removed": []},
        {"attribute": "name", "before": None, "after": "Acme"},
    ]
    assert masked_row(supplier.attributes, {"forgotten": "DE89370400440532013000", "blank": ""}) == {
        "forgotten": dots, "blank": "",
    }  # fmt: skip
