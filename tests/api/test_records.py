"""Lists and details over the API."""

from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from mdm.domains import DOMAINS
from mdm.mastering import contribute, merge, unmerge
from tests.api.problems import problem
from tests.factories import golden, publish, source, supplier, system, why

pytestmark = pytest.mark.django_db


def test_a_list_is_read_page_by_page_to_its_end(get: Any) -> None:
    made = [supplier(f"V{number}", f"Supplier {number}").code for number in range(5)]
    seen, cursor = [], None
    for _ in range(5):
        page = get("/suppliers/", limit=2, **({"cursor": cursor} if cursor else {}))
        seen += [row["code"] for row in page["items"]]
        cursor = page["next_cursor"]
        assert page["has_more"] is (cursor is not None)
        if cursor is None:
            break
    assert seen == made


def test_a_row_shows_identity_attributes_and_references(get: Any) -> None:
    maker = supplier("V1", "Acme", tax_id="841368850")
    golden(
        source("erp", "item", "I1", description="Screw", implant=True,
               manufacturer={"system": "erp", "domain": "supplier", "key": "V1"})
    )  # fmt: skip
    (row,) = get("/items/")["items"]
    assert row["attributes"]["manufacturer"] == {"record": str(maker.pk), "code": maker.code, "title": "Acme"}
    assert (row["attributes"]["implant"], row["attributes"]["ndc"], row["state"], row["version"]) == (
        True, None, "active", 1,
    )  # fmt: skip
    assert row["href"] == f"/api/v1/items/{row['id']}"
    assert get("/items/", fields="description, ndc")["items"][0]["attributes"] == {"description": "Screw", "ndc": None}


def test_a_list_hides_pending_and_merged_records_unless_asked(get: Any) -> None:
    shown, lost = supplier("V1", "Acme"), supplier("V2", "ACME")
    held = supplier("V3", "Held", state="pending")
    merge(winner_id=shown.pk, loser_ids=[lost.pk], expected={}, cause=why())
    assert [row["code"] for row in get("/suppliers/")["items"]] == [shown.code]
    assert [row["code"] for row in get("/suppliers/", state="pending,merged")["items"]] == [lost.code, held.code]
    assert len(get("/suppliers/", state="all")["items"]) == 3


def test_limit_is_capped_and_an_empty_page_is_a_page(get: Any, api: Client) -> None:
    assert get("/suppliers/", limit=100000) | {"epoch": None} == {
        "items": [], "next_cursor": None, "has_more": False, "as_of_sequence": 0, "epoch": None,
    }  # fmt: skip
    for limit in ("0", "-1", "many", "1.5"):
        body = problem(api.get("/api/v1/suppliers/", {"limit": limit}), 400, "invalid")
        assert [error["pointer"] for error in body["errors"]] == ["limit"]


def test_all_mistakes_of_a_question_are_named(api: Client) -> None:
    body = problem(api.get("/api/v1/facilities/", {"nmae": "x", "beds": "many", "state": "gone"}), 400, "invalid")
    assert {error["pointer"] for error in body["errors"]} == {"nmae", "beds", "state"}
    assert body["way_out"]
    wrong = {"nmae": "x", "order": "size", "limit": "many", "fields": "name,nmae"}
    body = problem(api.get("/api/v1/facilities/", wrong), 400, "invalid")
    assert sorted(error["pointer"] for error in body["errors"]) == ["fields", "limit", "nmae", "order"]
    body = problem(api.get("/api/v1/facilities/", {"fields": "name,nmae"}), 400, "invalid")
    assert "nmae is unknown" in body["errors"][0]["detail"]
    problem(api.get("/api/v1/facilities/", {"order": "size"}), 400, "invalid")


def test_a_cursor_is_taken_for_what_it_is(get: Any, api: Client) -> None:
    for number in range(3):
        supplier(f"V{number}", f"Supplier {number}")
    cursor = get("/suppliers/", limit=1, name__icontains="supplier")["next_cursor"]
    assert get("/suppliers/", limit=2, name__icontains="supplier", cursor=cursor)["has_more"] is False
    path = "/api/v1/suppliers/"
    problem(api.get(path, {"cursor": cursor}), 400, "cursor-filter-mismatch")
    problem(api.get(path, {"cursor": cursor, "name__icontains": "other"}), 400, "cursor-filter-mismatch")
    for broken in (cursor[:-2], "nonsense", cursor.replace(":", "."), get("/changes")["next_cursor"]):
        problem(api.get(path, {"cursor": broken, "name__icontains": "supplier"}), 400, "cursor-invalid")


def test_a_list_says_from_where_to_follow_the_feed(get: Any) -> None:
    supplier("V1", "Acme")
    publish()
    page = get("/suppliers/")
    changed = supplier("V2", "Later")
    publish()
    (event,) = get("/changes", after_sequence=page["as_of_sequence"])["items"]
    assert (event["code"], event["sequence"]) == (changed.code, page["as_of_sequence"] + 1)


def test_a_detail_shows_provenance_parts_and_crosswalk(get: Any) -> None:
    system("erp", supplier=1)
    system("ap", supplier=2)
    account = {"bank": "First National", "country": "US", "account_tail": "••••4821"}
    record = golden(
        source("erp", "supplier", "V1", name="Acme Inc", parts={"bank_accounts": [account]}),
        source("ap", "supplier", "77", name="ACME"),
    )
    body = get(f"/suppliers/{record.code.lower()}")
    assert body == get(f"/suppliers/{record.pk}")
    name = body["provenance"]["name"]
    assert (name["system"], name["key"], name["rule"], name["since_version"]) == ("erp", "V1", "source order", 1)
    assert name["others"] == [{"system": "ap", "key": "77", "value": "ACME", "agrees": False}]
    assert [(link["system"], link["key"], link["method"]) for link in body["crosswalk"]] == [
        ("erp", "V1", "new"), ("ap", "77", "new"),
    ]  # fmt: skip
    (row,) = body["parts"]["bank_accounts"]
    assert row == {
        "bank": "••••", "country": "••••", "account_tail": "••••4821", "source": {"system": "erp", "key": "V1"},
    }  # fmt: skip


def test_the_version_is_a_strong_tag_and_saves_the_body(api: Client) -> None:
    record = supplier("V1", "Acme")
    path = f"/api/v1/suppliers/{record.pk}"
    assert api.get(path)["ETag"] == '"v1"'
    for held in ('"v1"', 'W/"v1"', '"v0", "v1"', "*"):
        answer = api.get(path, headers={"If-None-Match": held})
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", '"v1"'), held
    contribute(record_id=record.pk, values={"name": "Acme Medical"}, expected=1, cause=why())
    answer = api.get(path, headers={"If-None-Match": '"v1"'})
    assert (answer.status_code, answer["ETag"]) == (200, '"v2"')


def test_a_merged_id_answers_with_where_it_went_and_comes_back_with_unmerge(api: Client) -> None:
    winner, loser = supplier("V1", "Acme"), supplier("V2", "ACME")
    (merge_id,) = merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why())
    answer = api.get(f"/api/v1/suppliers/{loser.code}")
    body = answer.json()
    assert (answer.status_code, body["state"]) == (200, "merged")
    assert body["merged_into"] == {
        "id": str(winner.pk), "code": winner.code, "title": "Acme", "href": f"/api/v1/suppliers/{winner.pk}",
    }  # fmt: skip
    assert answer["Link"] == f'</api/v1/suppliers/{winner.pk}>; rel="canonical"'
    assert [lost["code"] for lost in api.get(f"/api/v1/suppliers/{winner.pk}").json()["absorbed"]] == [loser.code]
    unmerge(merge_ids=[merge_id], cause=why("wrong"))
    answer = api.get(f"/api/v1/suppliers/{loser.code}")
    assert (answer.json()["state"], answer.json()["merged_into"], "Link" in answer) == ("active", None, False)


def test_a_record_as_it_was(get: Any, api: Client) -> None:
    record = supplier("V1", "Acme")
    contribute(record_id=record.pk, values={"name": "Acme Medical"}, expected=1, cause=why("renamed"))
    publish()
    now = get(f"/suppliers/{record.pk}")
    then = get(f"/suppliers/{record.pk}", as_of_version=1)
    assert now.keys() == then.keys()
    assert (then["attributes"], then["version"], then["as_of"]["verb"]) == ({"name": "Acme"}, 1, "created")
    assert get(f"/suppliers/{record.pk}", as_of_sequence=1)["version"] == 1
    at = get(f"/suppliers/{record.pk}", as_of=then["as_of"]["valid_to"])
    assert (at["attributes"]["name"], at["as_of"]["reason"]) == ("Acme Medical", "renamed")
    path = f"/api/v1/suppliers/{record.pk}"
    problem(api.get(path, {"as_of": "2001-01-01"}), 404, "not-found")
    problem(api.get(path, {"as_of": "yesterday"}), 400, "invalid")
    problem(api.get(path, {"as_of": "2001-01-01", "as_of_version": 1}), 400, "invalid")
    problem(api.get(path, {"fields": "name"}), 400, "invalid")


def test_a_merged_record_as_it_was_before_had_not_gone_anywhere(get: Any) -> None:
    winner, loser = supplier("V1", "Acme"), supplier("V2", "ACME")
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why())
    assert get(f"/suppliers/{loser.code}", as_of_version=1)["merged_into"] is None
    assert get(f"/suppliers/{loser.code}", as_of_version=2)["merged_into"]["code"] == winner.code


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_an_unknown_record_is_not_found(domain: Any, api: Client) -> None:
    for name in (f"{domain.prefix}-9999999", str(uuid4()), "%00", "x%2Fy"):
        problem(api.get(f"/api/v1/{domain.slug}/{name}"), 404, "not-found")


def test_a_record_of_another_domain_says_where_it_lives(api: Client) -> None:
    record = supplier("V1", "Acme")
    body = problem(api.get(f"/api/v1/items/{record.code}"), 404, "not-found")
    assert f"/api/v1/suppliers/{record.pk}" in body["way_out"]


def test_a_systems_own_key_and_any_identifier_lead_to_the_record(get: Any, api: Client, client_with: Any) -> None:
    winner, loser = supplier("V1", "Acme", tax_id="841368850"), supplier("V2", "ACME")
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=why())
    (found,) = get("/lookup", system="erp", key="V2")["items"]
    assert (found["id"], found["href"], found["found_by"]) == (str(winner.pk), f"/api/v1/suppliers/{winner.pk}", "key")
    assert get("/lookup", identifier="84-1368850")["items"][0]["code"] == winner.code
    problem(api.get("/api/v1/lookup", {"system": "erp", "key": "V9"}), 404, "not-found")
    problem(api.get("/api/v1/lookup", {"system": "erp"}), 400, "invalid")
    problem(api.get("/api/v1/lookup", {"identifier": "1", "domain": "planet"}), 400, "invalid")
    problem(api.get("/api/v1/lookup", {"identifer": "1"}), 400, "invalid")
    blind = client_with("item:read", name="blind")
    problem(blind.get("/api/v1/lookup", {"system": "erp", "key": "V1"}), 404, "not-found")
