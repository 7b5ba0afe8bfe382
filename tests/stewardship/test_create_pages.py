"""Proposing a record that is not there yet: search before create beside the form, a second person makes it."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from matching.models import KnownNonMatch
from matching.run import match
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME, DOMAINS
from mdm.domains.suppliers import SupplierAddress
from mdm.mastering import differences, merge
from mdm.models import GoldenRecord, Link, SourceRecord
from mdm.people import AUDITOR, DOMAIN_OWNER, VIEWER
from stewardship.models import ChangeRequest, Decision
from tests.factories import check_walls, source, why
from tests.stewardship.pages import client_of, outsider, text_of, traces
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db
NEW = "/records/suppliers/new/"
BECAUSE = {"reason": "a new source of gloves"}


def run(domain: str = "supplier") -> None:
    match(BY_NAME[domain], Cause(by=HUB, reason="test"), everything=False)  # as the worker does it


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


@pytest.fixture
def dora() -> Client:
    return client_of(someone("Dora Owner", DOMAIN_OWNER))


@pytest.fixture
def waters() -> GoldenRecord:
    made = source("erp", "supplier", "V1", name="Waters Corporation", tax_id="133668640")
    run()
    return GoldenRecord.objects.get(links__source_record=made)


def send(client: Client, **typed: Any) -> Any:
    return client.post(NEW, BECAUSE | typed)


def proposed(client: Client, **typed: Any) -> ChangeRequest:
    answer = send(client, **typed)
    assert answer.status_code == 302, text_of(answer)
    return ChangeRequest.objects.order_by("requested_at").last()


def approve(client: Client, made: ChangeRequest) -> Any:
    return client.post(f"/requests/{made.pk}/approve/", {"digest": made.digest, "reason": "seen the contract"})


def test_nothing_is_made_before_a_second_person_approves(stella: Client, dora: Client) -> None:
    typed = {
        "name": "Northgate Gloves Inc",
        "tax_id": "13-3668640",
        "addresses-city": "Reno",
        "addresses-role": "order",
    }
    made = proposed(stella, **typed)
    assert (made.record, made.base_version, made.values["tax_id"]) == (None, 0, "133668640")
    assert made.parts == {"addresses": [{"role": "order", "city": "Reno"}]}
    assert not GoldenRecord.objects.exists()
    page = dora.get(f"/requests/{made.pk}/")
    assert "Northgate Gloves Inc" in text_of(page)
    assert "Nobody: nothing like it was found." in text_of(page)
    assert "Northgate Gloves Inc" in text_of(dora.get("/requests/"))
    answer = approve(dora, made)
    check_walls()
    made.refresh_from_db()
    record = made.record
    assert (answer["Location"], made.state) == (f"/requests/{made.pk}/", "approved")
    assert (record.title, record.state, record.version) == ("Northgate Gloves Inc", "active", 1)
    assert (record.supplier.tax_id, SupplierAddress.objects.get(record=record).city) == ("133668640", "Reno")
    (entry,) = dora.get(f"/records/suppliers/{record.code}/history/").context["events"]
    assert (entry["who"], entry["reason"]) == ("Stella Steward", "a new source of gloves")
    assert "Approved by Dora Owner" in entry["note"]
    assert "Approved by Dora Owner" in text_of(dora.get(f"/requests/{made.pk}/"))
    assert list(differences()) == []


def test_what_arrives_later_finds_the_record_made_and_outranks_it(stella: Client, dora: Client) -> None:
    made = proposed(stella, name="Northgate Gloves", tax_id="13-3668640", phone="+1 508 478 2000")
    approve(dora, made)
    made.refresh_from_db()
    arrived = source("erp", "supplier", "V9", name="NORTHGATE GLOVES INC", tax_id="133668640")
    run()
    assert Link.objects.get(source_record=arrived, ended_at=None).record_id == made.record_id
    assert GoldenRecord.objects.count() == 1


def test_a_likely_duplicate_has_to_be_seen_and_spoken_to(stella: Client, waters: GoldenRecord) -> None:
    before = traces()
    answer = send(stella, name="Waters Corp")
    assert answer.status_code == 422
    text = text_of(answer)
    assert f"Look at Waters Corporation ({waters.code}) first." in text
    assert "Say why a new one is needed although these are there" in text
    assert [card["alike"].code for card in answer.context["likely"]] == [waters.code]
    assert f'name="seen" value="{waters.code}"' in answer.content.decode()
    assert send(stella, name="Waters Corp", seen=waters.code).status_code == 422
    assert send(stella, name="Waters Corp", although="another company").status_code == 422
    assert traces() == before
    made = proposed(stella, name="Waters Corp", seen=waters.code, although="A bottler in Ohio, not the laboratory one")
    assert made.although == "A bottler in Ohio, not the laboratory one"
    assert [(one["code"], one["band"]) for one in made.alike] == [(waters.code, "auto")]


def test_the_reason_is_kept_and_matching_never_joins_the_two(
    stella: Client, dora: Client, waters: GoldenRecord
) -> None:
    made = proposed(stella, name="Waters Corp", seen=waters.code, although="A bottler in Ohio")
    page = text_of(dora.get(f"/requests/{made.pk}/"))
    assert "A bottler in Ohio" in page
    assert "It may be there already" in page
    approve(dora, made)
    made.refresh_from_db()
    barred = KnownNonMatch.objects.get()
    assert made.source_record_id in (barred.first_id, barred.second_id)
    assert barred.reason == "A bottler in Ohio"
    assert Decision.objects.get(verb="approve").non_matches == [barred.pk]
    run()
    assert GoldenRecord.objects.exclude(state="merged").count() == 2


def test_a_duplicate_that_came_since_stops_the_approval(stella: Client, dora: Client) -> None:
    made = proposed(stella, name="Waters Corp")
    source("erp", "supplier", "V1", name="Waters Corporation", tax_id="133668640")
    run()
    assert "What looks the same has come since it was proposed" in text_of(dora.get(f"/requests/{made.pk}/"))
    answer = approve(dora, made)
    assert answer.status_code == 409
    assert "has come since and looks the same" in text_of(answer)
    made.refresh_from_db()
    assert (made.state, made.record) == ("open", None)


def test_one_shown_under_its_old_code_counts_as_seen_after_a_merge(
    stella: Client, dora: Client, waters: GoldenRecord
) -> None:
    made = proposed(stella, name="Waters Corp", seen=waters.code, although="A bottler in Ohio")
    other = source("ap", "supplier", "1", name="Zimmer", tax_id="987654321")
    run()
    holder = GoldenRecord.objects.get(links__source_record=other)
    merge(winner_id=holder.pk, loser_ids=[waters.pk], expected={}, cause=why())
    assert approve(dora, made).status_code == 302


def test_who_proposed_it_cannot_make_it_and_may_withdraw_it(stella: Client) -> None:
    made = proposed(stella, name="Northgate Gloves")
    assert "You proposed this yourself." in text_of(stella.get(f"/requests/{made.pk}/"))
    assert approve(stella, made).status_code == 409
    stella.post(f"/requests/{made.pk}/withdraw/")
    made.refresh_from_db()
    assert (made.state, made.record) == ("withdrawn", None)


def test_a_refusal_makes_nothing(stella: Client, dora: Client) -> None:
    made = proposed(stella, name="Northgate Gloves")
    dora.post(f"/requests/{made.pk}/refuse/", {"reason": "we have enough"})
    assert "we have enough" in text_of(stella.get(f"/requests/{made.pk}/"))
    assert not SourceRecord.objects.exists()


def test_what_was_read_is_what_is_approved(stella: Client, dora: Client) -> None:
    made = proposed(stella, name="Northgate Gloves")
    answer = dora.post(f"/requests/{made.pk}/approve/", {"digest": "other", "reason": ""})
    assert answer.status_code == 409
    assert not GoldenRecord.objects.exists()


def test_all_problems_are_named_at_once_and_what_was_typed_stays(stella: Client, waters: GoldenRecord) -> None:
    answer = send(stella, name="Waters Corp", duns="12", parent="Nobody Inc", reason="", website="x" * 300)
    assert answer.status_code == 422
    form = answer.context["form"]
    assert set(form.errors) == {"__all__", "although", "duns", "parent", "reason", "website"}
    assert form["duns"].value() == "12"
    nameless = send(stella, tax_id="98-7654321")
    assert "A supplier needs a name." in text_of(nameless)


def test_while_typing_the_alike_are_told_with_why_and_what_to_do(stella: Client, waters: GoldenRecord) -> None:
    before = traces()
    answer = stella.post(f"{NEW}alike/", {"name": "Waters Co", "phone": "+1 508 478 2000"})
    (card,) = answer.context["likely"] or answer.context["similar"]
    assert (card["alike"].code, card["adds"]) == (waters.code, ["Phone"])
    assert card["use_href"] == f"/records/suppliers/{waters.code}/propose/?phone=%2B1+508+478+2000"
    assert stella.get(card["use_href"]).context["form"]["phone"].value() == "+1 508 478 2000"
    assert "Use this one instead" in text_of(answer)
    assert 'id="alike-told" hx-swap-oob="true"' in answer.content.decode()
    whole = stella.post(f"{NEW}alike/", {"name": "Waters Corporation", "tax_id": "13-3668640"})
    assert whole.context["likely"][0]["use_href"] == f"/records/suppliers/{waters.code}/"
    assert "Tax id and name agree." in text_of(whole)
    assert traces() == before


@pytest.mark.parametrize(
    "name",
    ["", "A", "\u533b\u7597\u5668\u68b0", "\u05e8\u05d7\u05d5\u05d1 \u202e\u05d4", "x" * 40_000, "word " * 8_000],
)
def test_whatever_is_typed_is_answered(stella: Client, waters: GoldenRecord, name: str) -> None:
    answer = stella.post(f"{NEW}alike/", {"name": name, "phone": name, "tax_id": "000000000"})
    assert answer.status_code == 200
    assert not answer.context["likely"]


def test_empty_states_say_what_to_do(stella: Client) -> None:
    assert "Begin with what it is called" in text_of(stella.get(NEW))
    assert "Nobody looks like it" in text_of(stella.post(f"{NEW}alike/", {"name": "Quixotic"}))
    assert "Begin with what it is called" in text_of(stella.post(f"{NEW}alike/", {"addresses-role": "order"}))
    assert stella.get(f"{NEW}?name=Quixotic&nonsense=x").context["form"]["name"].value() == "Quixotic"


def test_only_those_who_may_propose_see_the_way(stella: Client) -> None:
    viewer = client_of(someone("Vera Viewer", VIEWER))
    auditor = client_of(someone("Aud Itor", AUDITOR))
    for client, code in ((viewer, 200), (auditor, 403), (outsider(), 403)):
        assert client.get(NEW).status_code == code
        assert client.post(f"{NEW}alike/", {"name": "x"}).status_code == code
    assert Client().get(NEW).status_code == 302
    before = traces()
    assert send(auditor, name="Northgate").status_code == 403
    assert traces() == before
    assert NEW in viewer.get("/records/suppliers/").content.decode()
    assert NEW not in auditor.get("/records/suppliers/").content.decode()
    assert stella.get("/records/vendors/new/").status_code == 404


@pytest.mark.parametrize("domain", [domain.slug for domain in DOMAINS])
def test_every_domain_has_its_form(stella: Client, domain: str) -> None:
    page = stella.get(f"/records/{domain}/new/")
    assert page.status_code == 200
    assert page.context["form"].telling
    assert stella.post(f"/records/{domain}/new/alike/", {}).status_code == 200


def test_a_reference_is_kept_by_the_record_it_means(stella: Client, dora: Client, waters: GoldenRecord) -> None:
    answer = stella.post("/records/items/new/", BECAUSE | {"description": "Column 5 um", "manufacturer": waters.code})
    assert answer.status_code == 302, text_of(answer)
    made = ChangeRequest.objects.get()
    assert made.values["manufacturer"] == {"record": str(waters.pk)}
    assert "Waters Corporation" in text_of(dora.get(f"/requests/{made.pk}/"))
    approve(dora, made)
    made.refresh_from_db()
    other = source("ap", "supplier", "1", name="Zimmer", tax_id="987654321")
    run()
    holder = GoldenRecord.objects.get(links__source_record=other)
    merge(winner_id=holder.pk, loser_ids=[waters.pk], expected={}, cause=why())
    assert made.record.item.manufacturer_id == holder.pk  # follows the merge


@pytest.mark.parametrize(
    "wrong",
    [
        {"state": "approved", "decided_at": "2026-03-01T00:00Z"},
        {"base_version": 1},
    ],
)
def test_the_walls_of_a_request_for_a_new_record(stella: Client, wrong: dict[str, Any]) -> None:
    made = proposed(stella, name="Northgate Gloves")
    if "state" in wrong:
        wrong = wrong | {"decided_by": someone("Dora Owner", DOMAIN_OWNER)}
    with pytest.raises(IntegrityError, match="change_request_names_a_new_record"), transaction.atomic():
        ChangeRequest.objects.filter(pk=made.pk).update(**wrong)


def test_a_request_about_a_record_carries_no_rows(stella: Client, waters: GoldenRecord) -> None:
    made = proposed(stella, name="Northgate Gloves")
    with pytest.raises(IntegrityError, match="existing_record_has_no_parts"), transaction.atomic():
        ChangeRequest.objects.filter(pk=made.pk).update(base_version=1, record=waters, although="x")
