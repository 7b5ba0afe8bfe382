"""The hub asks a target what it holds: by buckets where it has them, page by page, and never for ever."""

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mdm.errors import WrongState
from publishing import asking
from publishing.asking import ask, ask_all, due
from publishing.models import Difference, DriftCheck, Endpoint, Told
from tests.publishing.holding import Kept, bucket, buckets_of, digest, hold_digests, kept_by, of
from tests.publishing.making import OWNER, SIGNING, Answer, Call, Target, pass_time, rest, run, suppliers, webhook

pytestmark = pytest.mark.django_db


class Lister:
    """A target that lists what it holds, ``page`` records at a time; with or without buckets."""

    def __init__(self, held: Kept, *, buckets: bool = True, page: int = 2) -> None:
        self.held, self.buckets, self.page, self.questions = held, buckets, page, list[dict[str, str]]()

    def __call__(self, call: Call) -> Answer:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(call.path).query).items()}
        self.questions.append(asked)
        if asked.get("view") == "buckets":
            named = {f"{number:03x}": value for number, value in buckets_of(self.held).items()}
            return self.said({"by": "content", "buckets": named}) if self.buckets else Answer(404)
        keys = sorted(self.held)
        if "buckets" in asked:
            keys = [key for key in keys if f"{bucket(key):03x}" in asked["buckets"].split(",")]
        start = int(asked.get("cursor", 0))
        records = [self.record(key) for key in keys[start : start + self.page]]
        more = start + self.page < len(keys)
        return self.said({"records": records, "next_cursor": str(start + self.page) if more else None})

    def record(self, key: str) -> dict[str, Any]:
        one = self.held[key]
        return {"id": key, "version": one["version"], "digest": digest(one), "fields": one["attributes"]}

    def said(self, document: Any) -> Answer:
        return Answer(200, body=json.dumps(document).encode())


@pytest.fixture
def endpoint(target: Target) -> Endpoint:
    suppliers(5)
    endpoint = rest(target.url)
    run(endpoint)
    hold_digests(endpoint, kept_by(target))
    Endpoint.objects.update(reconcile_path="/holdings")
    endpoint.refresh_from_db()
    return endpoint


def asked(endpoint: Endpoint) -> DriftCheck:
    check = ask(endpoint=endpoint, by=OWNER)
    asking.run(check.pk)
    check.refresh_from_db()
    return check


@pytest.mark.parametrize("buckets", [True, False])
def test_what_differs_is_found_with_and_without_buckets(endpoint: Endpoint, target: Target, buckets: bool) -> None:
    held = kept_by(target)
    altered, lost = sorted(held)[:2]
    held[altered]["attributes"]["name"] = "Theirs"
    del held[lost]
    target.answer = lister = Lister(held, buckets=buckets)
    check = asked(endpoint)
    assert (check.state, check.error, check.differing, check.compared) == ("done", "", 2, 5)
    assert set(Difference.objects.values_list("kind", "field")) == {("altered", "attributes.name"), ("missing", "")}
    assert check.told == (1 if buckets else 4)
    assert len(lister.questions) == (2 if buckets else 3)
    assert not Told.objects.exists()
    held[altered]["attributes"]["name"] = "Company 0 Ltd"
    asked(endpoint)
    assert list(Difference.objects.filter(state="open").values_list("kind", flat=True)) == ["missing"]


def test_the_question_is_signed_in_as_every_call_is(endpoint: Endpoint, target: Target) -> None:
    target.answer = Lister(kept_by(target))
    asked(endpoint)
    call = target.calls[-1]
    assert (call.method, urlsplit(call.path).path) == ("GET", "/holdings")
    assert call.headers["authorization"].startswith("Bearer ")
    hook = webhook(f"{target.url}/webhooks", code="hooked")
    Endpoint.objects.filter(pk=hook.pk).update(reconcile_path="/holdings")
    hook.refresh_from_db()
    assert asking.address(hook) == f"{target.url}/holdings"
    target.answer = Lister({})
    asked(hook)
    assert target.calls[-1].headers["webhook-signature"].startswith("v1,")
    assert SIGNING not in str(target.calls[-1].headers)


def test_a_worker_that_dies_costs_one_page(endpoint: Endpoint, target: Target, clock: None) -> None:
    lister = Lister(kept_by(target), buckets=False)

    def dying(call: Call) -> Answer:
        if len(lister.questions) == 2:
            return Answer(500)
        return lister(call)

    target.answer = dying
    check = ask(endpoint=endpoint, by=OWNER)
    real, asking.TRIES = asking.TRIES, 1
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(asking, "_fail", lambda *_: None)  # killed: it writes nothing any more
            asking.run(check.pk)
    finally:
        asking.TRIES = real
    assert due() == []
    pass_time(200)
    assert due() == [check.pk]
    target.answer = lister
    assert asking.run(check.pk) == "done"
    assert [one.get("cursor") for one in lister.questions[2:]] == ["2", "4"]


def test_a_second_worker_leaves_at_once(endpoint: Endpoint, target: Target) -> None:
    target.answer = Lister(kept_by(target))
    check = ask(endpoint=endpoint, by=OWNER)
    DriftCheck.objects.update(claim_id="01a1fea0-7068-70dd-bb45-8b6dc1166a81", lease_until="2999-01-01T00:00Z")
    assert asking.run(check.pk) == "taken"
    assert due() == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(500), "answered HTTP 500"),
        (Answer(302, {"location": "/elsewhere"}), "answered HTTP 302"),
        (Answer(200, body=b"<html>"), "no JSON object"),
        (Answer(200, body=b"[" * 100_000), "no JSON object"),
        (Answer(200, body=b'{"records": 5}'), "no list `records`"),
        (Answer(200, body=b'{"records": [{"version": 1}]}'), "neither id nor local_id"),
        (Answer(200, body=b'{"records": [], "next_cursor": "same"}'), "leads nowhere"),
    ],
)
def test_a_target_that_answers_nonsense_is_named(
    endpoint: Endpoint, target: Target, answer: Answer, words: str
) -> None:
    target.answer = answer
    check = asked(endpoint)
    assert (check.state, words in check.error) == ("failed", True), check.error
    assert not Difference.objects.exists()


def test_what_cannot_be_kept_is_cleaned(endpoint: Endpoint, target: Target) -> None:
    key = min(kept_by(target))
    record = {"id": key, "version": 1, "fields": {"name": "a\u0000b", "x": "\ud800"}}
    target.answer = Answer(200, body=json.dumps({"records": [record]}).encode())
    assert asked(endpoint).state == "done"
    assert Difference.objects.get(kind="altered").theirs == "ab"


def test_only_targets_that_offer_it_are_asked(endpoint: Endpoint, target: Target) -> None:
    other = webhook(target.url, code="other")
    with pytest.raises(WrongState):
        ask(endpoint=other, by=OWNER)
    assert ask_all() == 1
    assert ask_all() == 0
    assert of(endpoint.holdings.first().record)  # type: ignore[union-attr]
