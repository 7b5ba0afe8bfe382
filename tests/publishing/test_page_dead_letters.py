"""Dead letters: everything parked anywhere, filtered, and acted on many at a time with what was left named."""

import pytest

from publishing.models import Delivery
from tests.publishing.making import Answer, Target, pass_time, rename, run, states, suppliers, webhook
from tests.publishing.test_pages import signed_in

pytestmark = pytest.mark.django_db
REFUSAL = Answer(422, body=b'{"detail": "no tax id"}')


def test_they_are_listed_over_all_endpoints_with_the_way_out(target: Target) -> None:
    records = suppliers(2)
    for code in ("hook", "other"):
        endpoint = webhook(target.url, code=code, retry_seconds=())
        target.answer = REFUSAL if code == "hook" else Answer(404)
        run(endpoint)
    client = signed_in("viewer")
    page = client.get("/publishing/dead-letters/").content.decode()
    assert page.count(records[0].title) == 2
    assert "Mend the value the target names" in client.get(
        "/publishing/dead-letters/?code=REJECTED_VALIDATION"
    ).content.decode()  # fmt: skip
    assert "data-pick-one" not in page
    for query, count in (
        ("endpoint=hook", 2), ("owner=integrator", 2), ("owner=operator", 0), ("domain=item", 0), ("age=hour", 0),
        ("code=REJECTED_NOT_FOUND&endpoint=hook", 0), ("age=nonsense&after=-1", 4),
    ):  # fmt: skip
        found = client.get(f"/publishing/dead-letters/?{query}").content.decode()
        assert found.count("<tr data-row>") == count, query


def test_the_ticked_are_released_and_the_others_stay(target: Target) -> None:
    suppliers(3)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = REFUSAL
    run(endpoint)
    first, second, _ = Delivery.objects.order_by("pk").values_list("pk", flat=True)
    answer = signed_in("steward").post(
        "/publishing/dead-letters/release/",
        {"delivery": [first, second], "reason": "mended", "back": "/publishing/hook/parked/"},
        follow=True,
    )
    assert answer.redirect_chain == [("/publishing/hook/parked/", 302)]
    assert "2 records are offered again" in answer.content.decode()
    assert states(endpoint) == ["waiting", "waiting", "parked"]


def test_all_of_a_filter_is_acted_on_and_nothing_beyond_it(target: Target) -> None:
    suppliers(3)
    one, other = (webhook(target.url, code=code, retry_seconds=()) for code in ("hook", "other"))
    target.answer = REFUSAL
    run(one)
    run(other)
    client = signed_in("steward")
    client.post("/publishing/dead-letters/skip/", {"all": "yes", "filter": "endpoint=hook", "reason": "not wanted"})
    assert set(states(one)) == {"skipped"}
    assert set(states(other)) == {"parked"}
    assert one.interventions.filter(verb="skip", reason="not wanted").count() == 3


def test_what_moved_on_meanwhile_is_named(target: Target) -> None:
    suppliers(2)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = REFUSAL
    run(endpoint)
    first, second = Delivery.objects.order_by("pk").values_list("pk", flat=True)
    Delivery.objects.filter(pk=first).update(state="superseded")
    page = signed_in("steward").post(
        "/publishing/dead-letters/release/", {"delivery": [first, second, "x"]}, follow=True
    ).content.decode()  # fmt: skip
    assert "1 record is offered again" in page
    assert "1 of 2 were left as they are" in page


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "/publishing/\\evil", "/publishing//x"])
def test_it_leads_back_to_pages_of_publishing_alone(target: Target, back: str) -> None:
    answer = signed_in("steward").post("/publishing/dead-letters/release/", {"back": back})
    assert answer.headers["Location"] == "/publishing/dead-letters/"


def test_a_skipped_version_lets_the_later_ones_go(target: Target) -> None:
    [record] = suppliers(1)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = REFUSAL
    run(endpoint)
    rename(record, "Second Ltd")
    target.answer = Answer()
    run(endpoint)
    assert states(endpoint) == ["parked", "waiting"]
    parked = Delivery.objects.get(state="parked")
    signed_in("steward").post(f"/publishing/deliveries/{parked.pk}/skip/", {"reason": "not theirs"})
    run(endpoint)
    assert states(endpoint) == ["skipped", "delivered"]


def test_the_age_is_how_long_they_are_parked(target: Target, clock: None) -> None:
    suppliers(1)
    target.answer = REFUSAL
    run(webhook(target.url, retry_seconds=()))
    pass_time(2 * 3600)
    client = signed_in("viewer")
    assert client.get("/publishing/dead-letters/?age=hour").content.decode().count("<tr data-row>") == 1
    assert client.get("/publishing/dead-letters/?age=day").content.decode().count("<tr data-row>") == 0
