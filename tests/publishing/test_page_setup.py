"""Domain owners and administrators set endpoints up on pages; every problem is told at once and beside its field."""

import json
from typing import Any

import pytest

from publishing.models import Endpoint, Replay
from tests.publishing.making import TOKEN, Answer, Call, Target, rest, run, suppliers, webhook
from tests.publishing.test_pages import signed_in

pytestmark = pytest.mark.django_db


def form(url: str, **given: Any) -> dict[str, Any]:
    """The form of a new REST endpoint as a browser posts it."""
    return {
        "kind": "rest", "name": "Depot", "code": "depot", "url": url, "method": "PUT", "path": "/{slug}/{id}",
        "auth_kind": "bearer", "auth_secret": TOKEN, "mode": "latest_state", "on_reject": "park", "max_in_flight": 4,
        "timeout_seconds": 20, "backoff_seconds": "5, 30", "retry_seconds": "", "start": "snapshot",
    } | given  # fmt: skip


def test_a_new_endpoint_waits_to_be_verified_and_shows_no_secret(target: Target) -> None:
    suppliers(1)
    client = signed_in("domain owner")
    answer = client.post("/publishing/new/", form(target.url, domains=["supplier"], states=["active"]))
    assert answer.status_code == 302
    endpoint = Endpoint.objects.get(code="depot")
    assert (endpoint.state, endpoint.domains, endpoint.selection) == (
        "pending_verification", ["supplier"], {"states": ["active"]},
    )  # fmt: skip
    assert Replay.objects.get(endpoint=endpoint).kind == "snapshot"
    page = client.get("/publishing/depot/").content.decode()
    assert "Waiting to be verified" in page
    assert "sandbox_stream" in page
    assert TOKEN not in page + client.get("/publishing/depot/settings/change/").content.decode()


def test_the_signing_secret_of_a_new_webhook_is_shown_once(target: Target) -> None:
    client = signed_in("administrator")
    answer = client.post("/publishing/new/", form(target.url, kind="webhook", auth_kind="none", auth_secret=""))
    assert "whsec_" in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "whsec_" not in client.get("/publishing/depot/settings/").content.decode()


def test_every_problem_of_a_form_is_told_at_once_and_what_was_typed_stays(target: Target) -> None:
    wrong = form("ftp://x/", code="New One", path="{nothing}", auth_secret="", name="Depot & Co")
    answer = signed_in("administrator").post("/publishing/new/", wrong)
    page = answer.content.decode()
    assert answer.status_code == 422
    for words in ("small letters", "Nothing fills {nothing}", "Signing in needs a token", "Depot &amp; Co"):
        assert words in page
    assert not Endpoint.objects.filter(name="Depot & Co").exists()


@pytest.mark.parametrize("code", ["new", "dead-letters", "search"])
def test_a_code_that_begins_an_address_of_ours_is_refused(target: Target, code: str) -> None:
    answer = signed_in("administrator").post("/publishing/new/", form(target.url, code=code))
    assert "choose another code" in answer.content.decode()
    assert not Endpoint.objects.exists()


def test_conditions_and_facilities_are_kept_and_shown_again(target: Target) -> None:
    given = form(
        target.url,
        condition_where=["supplier:addresses.country", ""],
        condition_how=["is", "is"],
        condition_what=["US, CA", ""],
    )
    client = signed_in("administrator")
    client.post("/publishing/new/", given)
    endpoint = Endpoint.objects.get()
    asked = [{"attribute": "addresses.country", "is": ["US", "CA"]}]
    assert endpoint.selection == {"attributes": {"supplier": asked}}
    page = client.get("/publishing/depot/settings/change/").content.decode()
    assert 'value="US, CA"' in page
    shown = client.get("/publishing/depot/settings/").content.decode()
    assert "Suppliers, Addresses: Country is US, CA" in shown
    client.post("/publishing/depot/settings/change/", given | {"reason": "nothing new", "auth_secret": ""})
    endpoint.refresh_from_db()
    assert endpoint.selection == {"attributes": {"supplier": asked}}


def test_settings_change_with_a_reason_and_a_blank_secret_is_kept(target: Target) -> None:
    endpoint = rest(target.url)
    sealed = endpoint.auth_sealed
    client = signed_in("domain owner")
    given = form(target.url, name="Push 2", max_per_second=5, auth_secret="", reason="slower at month end")
    assert client.post("/publishing/push/settings/change/", given).status_code == 302
    endpoint.refresh_from_db()
    assert (endpoint.name, endpoint.code, endpoint.max_per_second) == ("Push 2", "push", 5)
    assert endpoint.auth_sealed == sealed
    history = client.get("/publishing/push/history/").content.decode()
    assert "slower at month end" in history
    assert "Push 2" in history


def test_a_copy_has_the_mapping_but_neither_code_nor_secret(target: Target) -> None:
    fields = [{"to": "Name", "from": "attributes.name"}]
    rest(target.url, mapping={"supplier": fields})
    client = signed_in("administrator")
    page = client.get("/publishing/new/?from=push").content.decode()
    assert "Push (copy)" in page
    client.post("/publishing/new/?from=push", form(target.url))
    assert Endpoint.objects.get(code="depot").mapping == {"supplier": fields}


def mapped(**given: Any) -> dict[str, Any]:
    return {
        "domain": "supplier", "to": ["Name1", ""], "origin": ["attributes.name", ""], "translate": ["", ""],
        "required": ["yes", ""], "more": ['{"longest": 35}', ""],
    } | given  # fmt: skip


def test_a_mapping_is_saved_from_rows_and_a_wrong_one_is_not(target: Target) -> None:
    endpoint = rest(target.url)
    client = signed_in("administrator")
    assert client.post("/publishing/push/mapping/", mapped()).status_code == 302
    endpoint.refresh_from_db()
    field = {"to": "Name1", "from": "attributes.name", "required": True, "longest": 35}
    assert endpoint.mapping == {"supplier": [field]}
    answer = client.post("/publishing/push/mapping/", mapped(origin=["attributes.nam", ""]))
    assert answer.status_code == 422
    assert "name" in answer.content.decode()
    both_wrong = client.post("/publishing/push/mapping/", mapped(origin=["attributes.nam", ""], more=["{oops", ""]))
    told = [*both_wrong.context["problems"], *(one for row in both_wrong.context["rows"] for one in row.problems)]
    assert len(told) == 2
    assert client.post("/publishing/push/mapping/", {"json": '{"supplier": [', "domain": "supplier"}).status_code == 422
    endpoint.refresh_from_db()
    assert endpoint.mapping == {"supplier": [field]}
    both = json.dumps({"supplier": [field], "item": [{"to": "Id", "from": "code"}]})
    assert client.post("/publishing/push/mapping/", {"json": both, "domain": "supplier"}).status_code == 302
    endpoint.refresh_from_db()
    assert set(endpoint.mapping) == {"supplier", "item"}


def test_the_preview_shows_what_is_typed_and_saves_and_sends_nothing(target: Target) -> None:
    [record] = suppliers(1)
    endpoint = rest(target.url)
    client = signed_in("administrator")
    answer = client.post("/publishing/push/mapping/preview/", mapped(record=str(record.pk)))
    page = answer.content.decode()
    assert "Name1" in page
    assert record.title in page
    assert TOKEN not in page
    wrong = client.post("/publishing/push/mapping/preview/", mapped(record=str(record.pk), origin=["nonsense", ""]))
    assert "could not be sent" in wrong.content.decode()
    endpoint.refresh_from_db()
    assert endpoint.mapping == {}
    assert target.calls == []


def test_a_test_send_shows_the_answer_and_moves_nothing(target: Target) -> None:
    [record] = suppliers(1)
    endpoint = rest(target.url)
    target.answer = Answer(422, body=b'{"detail": "no tax id"}')
    page = signed_in("administrator").post("/publishing/push/mapping/test/", {"record": str(record.pk)})
    assert "no tax id" in page.content.decode()
    assert target.calls[0].headers["webhook-test"] == "1"
    assert endpoint.deliveries.count() == 0


def test_words_for_codes_are_given_beside_them(target: Target) -> None:
    suppliers(1)
    mapping = {"supplier": [{"to": "Terms", "from": "attributes.payment_terms", "translate": "payment_terms"}]}
    rest(target.url, mapping=mapping)
    client = signed_in("administrator")
    assert client.get("/publishing/push/mapping/").status_code == 200
    refused = client.post("/publishing/push/mapping/words/", {"code_set": "payment_terms", "code": "??", "theirs": "X"})
    assert refused.status_code == 422


@pytest.mark.parametrize("role", ["viewer", "auditor", "steward"])
def test_others_see_the_settings_and_set_nothing_up(target: Target, role: str) -> None:
    endpoint = webhook(target.url)
    client = signed_in(role)
    page = client.get("/publishing/hook/mapping/").content.decode()
    assert "Save the mapping" not in page
    assert client.get("/publishing/hook/settings/").status_code == 200
    for path in ("new/", "hook/settings/change/", "search/?q=a"):
        assert client.get("/publishing/" + path).status_code == 403
    for path in ("new/", "hook/settings/change/", "hook/mapping/", "hook/mapping/test/", "hook/verify/",
                 "hook/rotate-secret/", "hook/mapping/words/"):  # fmt: skip
        assert client.post("/publishing/" + path, form(target.url) | mapped()).status_code == 403
    endpoint.refresh_from_db()
    assert (endpoint.mapping, endpoint.secrets.count(), Endpoint.objects.count()) == ({}, 1, 1)
    assert target.calls == []


def test_it_goes_live_from_its_page(target: Target) -> None:
    def echo(call: Call) -> Answer:
        return Answer(body=json.dumps({"challenge": call.json.get("data", {}).get("challenge")}).encode())

    target.answer = echo
    client = signed_in("domain owner")
    client.post(
        "/publishing/new/", form(target.url, kind="webhook", auth_kind="none", auth_secret="", start="beginning")
    )
    suppliers(1)
    client.post("/publishing/depot/verify/")
    endpoint = Endpoint.objects.get()
    assert endpoint.state == "active"
    assert run(endpoint).delivered == 1
