"""Endpoints are changed with every fault named, shown before they send, and tested without a trace in the lane."""

import json
import socket
from typing import Any
from uuid import uuid4

import pytest
from pytest_django.fixtures import Settings
from standardwebhooks.webhooks import Webhook

from mdm.errors import Invalid, NotFound, WrongState
from mdm.masking import MASK
from publishing.endpoints import (
    Proposal,
    Start,
    change_endpoint,
    create_endpoint,
    preview,
    problems_of,
    proposal_of,
    rotate_secret,
    test_send,
)
from publishing.models import (
    Attempt,
    AuthKind,
    Endpoint,
    EndpointKind,
    EndpointState,
    Holding,
    Intervention,
    OnReject,
    Replay,
)
from publishing.verbs import disable, release
from tests.factories import golden, publish, source
from tests.publishing.making import OWNER, SIGNING, TOKEN, Answer, Target, rest, run, states, suppliers, webhook
from tests.publishing.test_endpoints import everything_stored

pytestmark = pytest.mark.django_db
NAMES = {"supplier": [{"to": "Name", "from": "attributes.name"}, {"to": "Number", "from": "code"}]}


def change(endpoint: Endpoint, reason: str = "as agreed", **changes: Any) -> Endpoint:
    return change_endpoint(endpoint=endpoint, changes=changes, by=OWNER, reason=reason)


def faults(endpoint: Endpoint, **changes: Any) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        change(endpoint, **changes)
    return dict(refused.value.problems)


def test_a_change_is_kept_with_who_and_why_and_says_nothing_twice(target: Target) -> None:
    endpoint = rest(target.url)
    changed = change(
        endpoint, "fewer at a time", max_in_flight=2, max_per_second=20, on_reject=OnReject.STOP, mapping=NAMES,
        selection={"states": ["active"]}, domains=("supplier",),
    )  # fmt: skip
    assert (changed.max_in_flight, changed.on_reject, changed.mapping) == (2, "stop", NAMES)
    assert changed.state == EndpointState.ACTIVE
    newest = changed.history.first()
    assert newest.history_change_reason == "fewer at a time"
    assert Intervention.objects.filter(verb="change").values_list("by", "reason").get() == (
        OWNER.name,
        "fewer at a time",
    )
    count = changed.history.count()
    change(endpoint, max_in_flight=2)
    assert changed.history.count() == count
    assert proposal_of(changed).auth_secret == ""


def test_a_secret_left_blank_is_kept_and_a_new_one_is_used(target: Target) -> None:
    suppliers(2)
    endpoint = rest(target.url)
    change(endpoint, name="Renamed", auth_secret="")
    run(endpoint)
    change(endpoint, auth_secret="another-token")
    endpoint.deliveries.update(state="waiting")
    run(endpoint)
    assert {call.headers["authorization"] for call in target.calls} == {f"Bearer {TOKEN}", "Bearer another-token"}
    assert "auth_secret" in faults(endpoint, auth_kind=AuthKind.BASIC, auth_user="assay")
    change(endpoint, auth_kind=AuthKind.NONE)
    endpoint.refresh_from_db()
    assert endpoint.auth_sealed == ""


def test_a_rotation_is_seen_by_a_drain_in_progress(target: Target) -> None:
    """The drain ends at its next turn where the endpoint's ``updated_at`` has moved; the next one signs with both."""
    endpoint = webhook(target.url)
    rotate_secret(endpoint=endpoint, by=OWNER)
    before = endpoint.updated_at
    endpoint.refresh_from_db()
    assert endpoint.updated_at > before


def test_another_host_is_verified_before_anything_is_sent_there(target: Target) -> None:
    endpoint = rest(target.url)
    assert change(endpoint, url=f"{target.url}/api").state == EndpointState.ACTIVE
    with Target() as elsewhere:
        moved = change(endpoint, url=elsewhere.url)
        assert moved.state == EndpointState.PENDING_VERIFICATION
        assert "another host" in moved.state_reason
        suppliers(1)
        run(endpoint)
        assert elsewhere.calls == target.calls == []


def test_every_fault_of_a_change_is_named_at_once(target: Target) -> None:
    endpoint = rest(target.url)
    told = faults(
        endpoint, url="ftp://x/", domains=("planet",), path="//elsewhere/{number}", mapping={"supplier": [{"to": "A"}]},
        selection={"stats": []}, reveals=("supplier.bank_acounts.bank",), max_in_flight=0, timeout_seconds=61,
        backoff_seconds=(), method="DELETE", name=" ", token_url="https://x.example.org/", auth_secret="a\r\nb: c",
    )  # fmt: skip
    assert sorted(told) == [
        "auth_secret", "backoff_seconds", "domains", "mapping", "max_in_flight", "method", "name", "path", "reveals",
        "selection", "timeout_seconds", "token_url", "url",
    ]  # fmt: skip
    assert told["mapping"].startswith("supplier.A: Give exactly one")
    assert "Did you mean supplier.bank_accounts.bank?" in told["reveals"]
    assert "cannot be changed" in faults(endpoint, code="other", kind=EndpointKind.WEBHOOK)["code"]
    endpoint.refresh_from_db()
    assert endpoint.url == target.url


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def resolve(*args: object, **kwargs: object) -> list[tuple[object, ...]]:
        if not addresses:
            raise OSError("unknown host")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)


@pytest.mark.parametrize(
    ("addresses", "words"),
    [
        (("10.2.3.4",), "ASSAY_ALLOWED_NETWORKS"),
        (("93.184.216.34", "192.168.1.1"), "leads to 192.168.1.1"),
        (("169.254.169.254",), "are never called"),
        (("93.184.216.34",), ""),
        (("10.7.1.1",), ""),
        ((), ""),
    ],
)
def test_a_host_that_leads_inside_is_refused_when_saved_with_the_way_to_allow_it(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, addresses: tuple[str, ...], words: str
) -> None:
    settings.ALLOWED_NETWORKS = ["10.7.0.0/16"]
    resolving(monkeypatch, *addresses)
    proposal = Proposal(code="erp", name="ERP", kind=EndpointKind.WEBHOOK, url="https://erp.example.org/hook")
    told = problems_of(proposal)
    assert [field for field, _ in told] == (["url"] if words else [])
    assert all(words in sentence for _, sentence in told)


def test_a_record_refused_in_the_old_form_is_sent_in_the_new_one(target: Target) -> None:
    suppliers(1)
    endpoint = rest(target.url, mapping=NAMES, retry_seconds=())
    target.answer = lambda call: Answer(200 if "Vendor" in call.json else 422)
    run(endpoint)
    assert states(endpoint) == ["parked"]
    change(endpoint, mapping={"supplier": [{"to": "Vendor", "from": "code"}]})
    release(deliveries=list(endpoint.deliveries.values_list("pk", flat=True)), by=OWNER)
    run(endpoint)
    assert states(endpoint) == ["delivered"]
    assert list(target.calls[-1].json) == ["Vendor"]


@pytest.mark.parametrize(("start", "cursor", "replays"), [
    (Start.BEGINNING, 0, 0), (Start.NOW, 3, 0), (Start.SNAPSHOT, 3, 1),
])  # fmt: skip
def test_a_new_endpoint_begins_where_it_is_told_to(target: Target, start: Start, cursor: int, replays: int) -> None:
    suppliers(3)
    proposal = Proposal(code="new", name="New", kind=EndpointKind.WEBHOOK, url=target.url)
    endpoint = create_endpoint(proposal=proposal, by=OWNER, start=start)
    assert endpoint.state == EndpointState.PENDING_VERIFICATION
    assert endpoint.lane.cursor_low == cursor
    assert Replay.objects.filter(endpoint=endpoint, kind="snapshot").count() == replays


def test_a_preview_is_what_is_sent_with_dots_for_secrets(target: Target) -> None:
    [record] = suppliers(1)
    endpoint = rest(target.url, mapping=NAMES)
    seen = preview(endpoint, record.pk)
    assert (seen.problems, seen.notes, seen.method) == ((), (), "PUT")
    assert seen.headers["authorization"] == f"Bearer {MASK}"
    assert target.calls == []
    run(endpoint)
    [call] = target.calls
    assert call.body.decode() == seen.body
    assert f"{target.url}{call.path}" == seen.url
    hook = webhook(target.url)
    seen = preview(hook, record.pk)
    assert seen.headers["webhook-signature"] == f"v1,{MASK}"
    run(hook)
    assert target.calls[-1].body.decode() == seen.body
    assert not Attempt.objects.filter(delivery=None).exists()


def test_a_preview_of_what_is_only_proposed_says_what_is_wrong_with_it(target: Target) -> None:
    [record] = suppliers(1)
    long = {"supplier": [{"to": "Name", "from": "attributes.name", "longest": 3}]}
    proposal = Proposal(
        code="draft", name="Draft", kind=EndpointKind.REST, url="https://nowhere.invalid/", path="/{id}", mapping=long,
        domains=("item",), auth_kind=AuthKind.BASIC, auth_user="u", auth_secret="p",
    )  # fmt: skip
    seen = preview(proposal, record.pk)
    assert seen.problems == (("Name", "Company 0 Ltd has 13 characters, the target takes 3."),)
    assert seen.body == ""
    assert seen.headers["authorization"] == f"Basic {MASK}"
    assert any("leaves this record out" in note for note in seen.notes)
    assert any("Nobody knows the host" in note for note in seen.notes)
    pending = golden(source("erp", "supplier", "K9", name="Held"), state="pending")
    publish()
    assert "never told to anybody" in preview(proposal, pending.pk).problems[0][1]
    with pytest.raises(NotFound):
        preview(proposal, uuid4())


def test_a_test_is_marked_and_leaves_lane_and_holdings_alone(target: Target) -> None:
    [record] = suppliers(1)
    hook = webhook(target.url, state=EndpointState.PENDING_VERIFICATION)
    push = rest(target.url, state=EndpointState.PENDING_VERIFICATION, mapping=NAMES)
    for endpoint in (hook, push):
        assert test_send(endpoint=endpoint, record_id=record.pk, by=OWNER).outcome.code == "ACCEPTED"
        assert endpoint.deliveries.count() == 0
        endpoint.lane.refresh_from_db()
        assert (endpoint.lane.numbered, endpoint.lane.cursor_low) == (0, 0)
        assert Attempt.objects.get(endpoint=endpoint).delivery is None
    assert not Holding.objects.exists()
    told, given = target.calls
    assert told.headers["webhook-test"] == given.headers["webhook-test"] == "1"
    assert Webhook(SIGNING).verify(told.body, told.headers)["type"] == "assay.test.v1"
    assert told.json["data"]["code"] == record.code
    assert given.json == {"Name": record.title, "Number": record.code}
    assert given.path == f"/suppliers/{record.pk}"
    assert Intervention.objects.filter(verb="test send", by=OWNER.name).count() == 2
    target.answer = Answer(422, body=json.dumps({"detail": "no such vendor group"}).encode())
    assert "no such vendor group" in test_send(endpoint=push, record_id=record.pk, by=OWNER).words


def test_what_cannot_be_sent_is_not_tested(target: Target) -> None:
    [record] = suppliers(1)
    endpoint = rest(target.url, mapping={"supplier": [{"to": "N", "from": "code", "longest": 3}]})
    with pytest.raises(Invalid) as refused:
        test_send(endpoint=endpoint, record_id=record.pk, by=OWNER)
    assert refused.value.problems[0][0] == "N"
    disable(endpoint=endpoint, by=OWNER, reason="over")
    with pytest.raises(WrongState):
        test_send(endpoint=endpoint, record_id=record.pk, by=OWNER)
    assert target.calls == []


def test_what_an_endpoint_is_trusted_with_is_given_and_named(target: Target) -> None:
    account = {"bank": "First National Bank", "country": "US", "account_tail": f"{MASK}4411"}
    golden(source("erp", "supplier", "K1", name="Acme", parts={"bank_accounts": [account]}))
    publish()
    plain, trusted = webhook(target.url, code="a"), webhook(target.url, code="b")
    change(trusted, reveals=("supplier.bank_accounts.bank",))
    run(plain)
    run(trusted)
    first, second = (call.json for call in target.calls)
    [row] = first["data"]["parts"]["bank_accounts"]
    assert (row["bank"], row["country"], row["account_tail"]) == (MASK, MASK, f"{MASK}4411")
    [row] = second["data"]["parts"]["bank_accounts"]
    assert (row["bank"], row["country"]) == ("First National Bank", MASK)
    assert "First National Bank" in json.dumps(second["data"]["changed"])
    assert "First National Bank" not in json.dumps(first)
    assert (first["dataclassification"], second["dataclassification"]) == ("internal", "restricted")


def test_a_restricted_value_is_found_nowhere_in_publishing(target: Target) -> None:
    canary = "Canary Savings Bank 7731"
    account = {"bank": canary, "country": "US", "account_tail": f"{MASK}4411"}
    record = golden(source("erp", "supplier", "K1", name="Acme", parts={"bank_accounts": [account]}))
    publish()
    given = [{"to": "Bank", "from": "parts.bank_accounts.bank"}]
    tight = [{"to": "Bank", "join": ["code", "parts.bank_accounts.bank"], "longest": 4}]
    endpoints = [
        webhook(target.url, code="a"),
        rest(target.url, code="b"),
        rest(target.url, code="c", mapping={"supplier": given}),
        rest(target.url, code="d", mapping={"supplier": tight}),
    ]
    for endpoint in endpoints:
        run(endpoint)
        seen = preview(endpoint, record.pk)
        assert canary not in repr(seen)
    assert endpoints[3].deliveries.get().outcome_code == "NOT_RENDERED"
    assert target.calls[2].json == {"Bank": MASK}
    assert all(canary.encode() not in call.body for call in target.calls)
    assert canary not in everything_stored()
