"""The pages of drift: who sees, who acts, what each press changes, and what it must not."""

import pytest
from django.test import Client
from django.utils import timezone

from publishing.models import Difference, DriftCheck, Endpoint
from tests.factories import reload
from tests.publishing.holding import compare, kept_by, of
from tests.publishing.making import Target, rest, run, suppliers
from tests.publishing.test_pages import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def endpoint(target: Target) -> Endpoint:
    """A target that altered one record, lost one and has one of its own."""
    altered, lost, _ = suppliers(3)
    endpoint = rest(target.url)
    run(endpoint)
    held = kept_by(target)
    held[of(altered)]["attributes"]["name"] = "<b>Theirs</b>"
    del held[of(lost)]
    held["X-7"] = {"id": "X-7", "version": 1}
    endpoint.holdings.update(digest="0" * 64)
    compare(endpoint, held)
    return endpoint


def act(client: Client, verb: str, rows: object, **given: str) -> str:
    data = {"difference": [row.pk for row in rows], "back": "/publishing/drift/", **given}  # type: ignore[attr-defined]
    return client.post(f"/publishing/drift/{verb}/", data, follow=True).content.decode()


def test_both_sides_stand_side_by_side_and_nothing_is_markup(endpoint: Endpoint) -> None:
    client = signed_in("viewer")
    for address in ("/publishing/drift/", "/publishing/push/drift/"):
        page = client.get(address).content.decode()
        assert "attributes.name" in page
        assert "<b>Theirs" not in page
        assert "X-7" in page
        assert "Missing there" in page
        assert "Send again" not in page
    only = client.get("/publishing/drift/?kind=missing").content.decode()
    assert "attributes.name</span>" not in only
    assert "Nothing differs" not in only


def test_an_empty_list_says_what_will_stand_here(target: Target) -> None:
    rest(target.url)
    steward = signed_in("steward")
    page = steward.get("/publishing/push/drift/").content.decode()
    assert "Nothing was compared yet" in page
    assert "Never compared" in page
    assert "Compare now" not in page
    assert "Nothing was compared yet" in steward.get("/publishing/drift/").content.decode()


def test_an_empty_list_after_a_comparison_says_that_nothing_differs(endpoint: Endpoint) -> None:
    Difference.objects.update(state="gone", settled_at=timezone.now())
    steward = signed_in("steward")
    for path in ("/publishing/drift/", f"/publishing/{endpoint.code}/drift/"):
        assert "Nothing differs" in steward.get(path).content.decode()


def test_a_steward_sends_again_and_hears_what_was_not_possible(endpoint: Endpoint) -> None:
    page = act(signed_in("steward"), "send-again", Difference.objects.all(), reason="ours")
    assert "2 sent again" in page
    assert "1 not possible. Assay knows no such record" in page
    assert set(Difference.objects.values_list("kind", "state")) == {
        ("altered", "sent_again"), ("missing", "sent_again"), ("extra", "open"),
    }  # fmt: skip


def test_only_those_who_answer_for_the_domain_adopt(endpoint: Endpoint) -> None:
    row = Difference.objects.get(kind="altered")
    steward = signed_in("steward")
    assert "/propose/?name=" in steward.get("/publishing/drift/").content.decode()
    assert steward.post("/publishing/drift/adopt/", {"difference": row.pk, "reason": "x"}).status_code == 403
    assert signed_in("viewer").post("/publishing/drift/leave/", {"difference": row.pk}).status_code == 403
    assert reload(row.record_id).version == 1  # type: ignore[arg-type]
    page = act(signed_in("domain owner"), "adopt", [row], reason="they know")
    assert "1 adopted" in page
    assert reload(row.record_id).title == "<b>Theirs</b>"  # type: ignore[arg-type]


def test_all_of_a_filter_is_left_with_a_reason(endpoint: Endpoint) -> None:
    client = signed_in("steward")
    page = act(client, "leave", [], all="yes", filter="kind=extra", reason="their own")
    assert "1 left as they are" in page
    assert list(Difference.objects.filter(state="left").values_list("kind", flat=True)) == ["extra"]
    assert "their own" in client.get("/publishing/drift/?state=left").content.decode()


def test_compare_now_is_for_targets_that_offer_it_and_runs_once(endpoint: Endpoint) -> None:
    client = signed_in("steward")
    assert client.post("/publishing/push/drift/compare/").status_code == 409
    Endpoint.objects.update(reconcile_path="/holdings")
    assert "Compare now" in client.get("/publishing/push/drift/").content.decode()
    page = client.post("/publishing/push/drift/compare/", follow=True).content.decode()
    assert "is being compared" in page
    assert client.post("/publishing/push/drift/compare/").status_code == 409
    assert DriftCheck.objects.filter(via="asked").count() == 1
    DriftCheck.objects.filter(via="asked").update(state="done")
    assert client.get("/publishing/push/drift/comparison/")["HX-Refresh"] == "true"
