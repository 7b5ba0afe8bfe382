"""Records side by side by choice, merged by hand, and the list of past merges."""

import pytest
from django.test import Client

from matching.preparing import prepare
from mdm.domains import BY_NAME
from mdm.models import Merge
from mdm.people import VIEWER
from stewardship.workflow import unmerge
from tests.factories import hospital, reload, supplier
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def form(winner, *ticked) -> dict[str, object]:
    return {
        "chosen": "yes",
        "winner": str(winner.pk),
        "records": [str(record.pk) for record in ticked],
        "shown": [f"{record.pk}:{reload(record.pk).version}" for record in ticked],
    }


def test_any_two_records_say_why_nobody_asked() -> None:
    first, other = supplier("1", "Acme Medical"), supplier("2", "Bolton Surgical", system_code="ap")
    prepare(BY_NAME["supplier"])
    client = signed_in(someone("Stella"))
    answer = client.get(f"/compare/?records={first.code},{other.pk}").content.decode()
    assert "Acme Medical" in answer
    assert "Bolton Surgical" in answer
    assert "they were never compared" in answer


def test_records_are_merged_by_hand_with_a_reason_and_not_without() -> None:
    first, second = twins()
    client = signed_in(someone("Stella"))
    address = f"/compare/?records={first.code},{second.code}"
    refused = client.post(address, form(first, first, second))
    assert refused.status_code == 422
    assert "say why these are one" in refused.content.decode()
    assert not Merge.objects.exists()
    done = client.post(address, form(second, first, second) | {"reason": "one firm"})
    assert done.headers["Location"] == f"/records/suppliers/{second.code}/"
    assert reload(first.pk).merged_into_id == second.pk


def test_a_stale_comparison_is_shown_anew() -> None:
    first, second = twins()
    stale = form(first, first, second) | {"reason": "one firm", "shown": [f"{first.pk}:1", f"{second.pk}:8"]}
    answer = signed_in(someone("Stella")).post(f"/compare/?records={first.code},{second.code}", stale)
    assert answer.status_code == 412
    assert "Nothing was decided." in answer.content.decode()
    assert not Merge.objects.exists()


def test_a_viewer_compares_and_cannot_merge() -> None:
    first, second = twins()
    client = signed_in(someone("Vera", VIEWER))
    address = f"/compare/?records={first.code},{second.code}"
    assert "decision-bar" not in client.get(address).content.decode()
    assert client.post(address, form(first, first, second) | {"reason": "x"}).status_code == 403
    assert not Merge.objects.exists()


def test_what_cannot_be_compared_is_refused_in_words() -> None:
    first, second = twins()
    client = signed_in(someone("Stella"))
    mixed = client.get(f"/compare/?records={first.code},{hospital('H1', 'Saint Mary').code}")
    assert "Records of different domains cannot be one." in mixed.content.decode()
    assert client.get("/compare/?records=SUP-9999999,SUP-9999998").status_code == 404
    assert client.get(f"/compare/?records={first.code},{first.code}").status_code == 200  # asks for another
    assert "Codes" in client.get("/compare/").content.decode()
    waiting = question(first, second)
    seen = client.get(f"/compare/?records={first.code},{second.code}").content.decode()
    assert f"/review/{waiting.pk}/" in seen


def test_past_merges_are_listed_with_reason_and_the_way_back() -> None:
    stella = someone("Stella Steward")
    first, second = twins()
    client = signed_in(stella)
    client.post(f"/compare/?records={first.code},{second.code}", form(first, first, second) | {"reason": "one firm"})
    merge = Merge.objects.get()
    answer = client.get("/merges/").content.decode()
    assert "one firm" in answer
    assert f"/records/merges/{merge.pk}/unmerge/" in answer
    assert "one firm" not in client.get("/merges/?domain=item").content.decode()
    assert "one firm" in client.get(f"/merges/?record={second.code.lower()}").content.decode()
    unmerge(merge_ids=[merge.pk], user=stella, reason="two firms")
    assert "two firms" in client.get("/merges/?state=undone").content.decode()
    assert "one firm" not in client.get("/merges/?state=standing").content.decode()
    assert "<html" not in client.get("/merges/", headers={"HX-Request": "true"}).content.decode()


def test_merges_page_on_by_place() -> None:
    client = signed_in(someone("Vera", VIEWER))
    assert client.get("/merges/?after=nonsense").status_code == 422
    assert "No merges here" in client.get("/merges/").content.decode()
