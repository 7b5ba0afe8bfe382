"""Places in the feed that the hub remembers: one reader each, no move lost."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from api.models import FeedConsumer
from mdm.models import LogHead
from tests.api.problems import problem
from tests.factories import publish, supplier

pytestmark = pytest.mark.django_db
PLACE = "/api/v1/consumers/warehouse"


def keep(client: Client, cursor: str, tag: str = "") -> Any:
    headers = {"If-Match": tag} if tag else {}
    return client.put(PLACE, {"cursor": cursor}, content_type="application/json", headers=headers)


def test_a_reader_goes_on_where_the_hub_remembers_it(api: Client, get: Any) -> None:
    for number in range(4):
        supplier(f"V{number}", f"Supplier {number}")
    publish()
    first = get("/changes", limit=2)
    kept = keep(api, first["next_cursor"])
    assert (kept.status_code, kept.headers["ETag"], kept.json()["sequence"]) == (200, '"v1"', 2)
    rest = get("/changes", consumer="warehouse")
    assert [event["sequence"] for event in rest["items"]] == [3, 4]
    moved = keep(api, rest["next_cursor"], '"v1"')
    assert (moved.headers["ETag"], api.get(PLACE).json()["sequence"]) == ('"v2"', 4)


def test_of_two_readers_that_share_a_name_one_is_told(api: Client, get: Any) -> None:
    supplier("V1", "Acme")
    publish()
    cursor = get("/changes")["next_cursor"]
    keep(api, cursor)
    assert problem(keep(api, cursor), 428, "precondition-required")
    assert keep(api, cursor, '"v1"').status_code == 200
    assert problem(keep(api, cursor, '"v1"'), 412, "place-moved")
    assert FeedConsumer.objects.get().version == 2


@pytest.mark.django_db(transaction=True)
def test_of_many_moves_at_once_one_succeeds(api: Client, get: Any) -> None:
    cursor = get("/changes")["next_cursor"]
    keep(api, cursor)
    codes: list[int] = []

    def move() -> None:
        try:
            codes.append(keep(api, cursor, '"v1"').status_code)
        finally:
            connection.close()

    movers = [threading.Thread(target=move) for _ in range(6)]
    for mover in movers:
        mover.start()
    for mover in movers:
        mover.join()
    assert sorted(codes) == [200, 412, 412, 412, 412, 412]


def test_a_place_belongs_to_its_client(api: Client, get: Any, client_with: Any) -> None:
    keep(api, get("/changes")["next_cursor"])
    other = client_with("feed:read", "supplier:read", name="other")
    assert other.get(PLACE).status_code == 404
    assert other.get("/api/v1/changes", {"consumer": "warehouse"}).status_code == 404
    assert api.delete(PLACE).status_code == 204
    assert api.get(PLACE).status_code == 404


def test_what_is_no_place_is_refused(api: Client, get: Any) -> None:
    supplier("V1", "Acme")
    publish()
    assert problem(keep(api, "made-up"), 400, "cursor-invalid")
    assert problem(keep(api, ""), 400, "invalid")["errors"][0]["pointer"] == "cursor"
    cursor = get("/changes")["next_cursor"]
    assert problem(keep(api, cursor, "v1"), 400, "invalid")["errors"][0]["pointer"] == "If-Match"
    LogHead.objects.update(epoch="00000000-0000-4000-8000-000000000001")
    problem(keep(api, cursor), 409, "feed-reset")


def test_the_way_out_of_a_place_refused_fits_its_question(api: Client, get: Any) -> None:
    supplier("V1", "Acme")
    publish()
    cursor = get("/changes", domain="supplier")["next_cursor"]
    LogHead.objects.update(epoch="00000000-0000-4000-8000-000000000001")
    oldest = problem(keep(api, cursor), 409, "feed-reset")["oldest_cursor"]
    assert [event["sequence"] for event in get("/changes", domain="supplier", cursor=oldest)["items"]] == [1]


@pytest.mark.parametrize("name", ["a" * 61, "night.run", "n%C3%A4cht", "night run"])
def test_what_is_no_name_is_refused_with_what_is_one(api: Client, get: Any, name: str) -> None:
    place = f"/api/v1/consumers/{name}"
    cursor = get("/changes")["next_cursor"]
    for answer in (
        api.get(place),
        api.put(place, {"cursor": cursor}, content_type="application/json"),
        api.delete(place),
        api.get("/api/v1/changes", {"consumer": name}),
    ):
        assert "1 to 60" in problem(answer, 400, "invalid")["errors"][0]["detail"]
    assert not FeedConsumer.objects.exists()


def test_a_place_is_forgotten_only_as_it_was_read_where_that_is_said(api: Client, get: Any) -> None:
    cursor = get("/changes")["next_cursor"]
    keep(api, cursor)
    keep(api, cursor, '"v1"')
    problem(api.delete(PLACE, headers={"If-Match": '"v1"'}), 412, "place-moved")
    problem(api.delete(f"{PLACE}?now=1"), 400, "invalid")
    assert api.delete(PLACE, headers={"If-Match": '"v2"'}).status_code == 204


@pytest.mark.parametrize("body", ["{", '{"cursor": NaN}', "[" * 100_000, "\xff", '"x"', ""])
def test_what_is_no_body_is_refused(api: Client, body: str) -> None:
    answer = api.put(PLACE, body.encode("latin-1"), content_type="application/json")
    assert answer.json()["code"] in {"parse-error", "invalid"}
    assert answer.status_code == 400


def test_one_place_is_enough(api: Client, get: Any) -> None:
    answer = api.get("/api/v1/changes", {"consumer": "warehouse", "after_sequence": 1})
    assert {error["pointer"] for error in problem(answer, 400, "invalid")["errors"]} == {"consumer", "after_sequence"}
