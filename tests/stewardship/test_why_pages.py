"""Why a value is what it is, editing in place with its preview, the quality card, and long parts by pages."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from mdm.domains import BY_NAME
from mdm.mastering import contribute
from mdm.models import GoldenRecord, SourceRecord
from mdm.people import AUDITOR
from stewardship.models import ChangeRequest
from stewardship.quality_card import quality_of
from tests.factories import check_walls, golden, linked, reload, source, supplier, system, why
from tests.stewardship.pages import client_of, text_of, traces
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db


@pytest.fixture
def user() -> User:
    return someone("Stella Steward")


@pytest.fixture
def stella(user: User) -> Client:
    return client_of(user)


@pytest.fixture
def acme() -> GoldenRecord:
    system("erp", supplier=1)
    system("ap", supplier=2)
    rows = source("erp", "supplier", "V1", name="Acme"), source("ap", "supplier", "7", name="Acme <b>Inc</b>")
    return golden(*rows)


def page_of(record: GoldenRecord, rest: str = "") -> str:
    return f"/records/suppliers/{record.code}/{rest}"


def test_the_page_names_winner_losers_rule_and_their_reasons(stella: Client, acme: GoldenRecord) -> None:
    page = stella.get(page_of(acme, "why/name/"))
    assert [line["words"] for line in page.context["claims"]] == [
        "This value counts.",
        "Trusted less: rank 2, not 1.",
    ]
    assert "<b>Inc</b>" not in page.content.decode()
    assert "The best trusted source that gives a value counts." in text_of(page)
    assert stella.get(page_of(acme, "why/nonsense/")).status_code == 404


def test_a_losing_value_is_pinned_from_there_until_its_source_changes(stella: Client, acme: GoldenRecord) -> None:
    loser = stella.get(page_of(acme, "why/name/")).context["claims"][1]
    form = stella.get(loser["pin_href"].partition("#")[0]).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields} | {"reason": "by letter", "pin": form.pin_fields}
    assert stella.post(page_of(acme, "propose/"), sent).status_code == 302
    request = ChangeRequest.objects.get()
    ap = SourceRecord.objects.get(system__code="ap")
    assert request.values == {"name": "Acme <b>Inc</b>"}
    assert request.watching == {"name": {"source_record": ap.pk, "said": "Acme <b>Inc</b>"}}
    assert "until AP 7 says something else" in text_of(stella.get(f"/requests/{request.pk}/"))


def test_a_pin_shows_its_reason_author_and_lifetime_and_is_taken_back_by_a_request(
    stella: Client, acme: GoldenRecord
) -> None:
    first = linked(acme)[0].pk
    contribute(
        record_id=acme.pk, values={"name": "Acme Group"}, expected=None, cause=why("by letter"), until={"name": first}
    )
    check_walls()
    assert "by letter (Stella Steward), until ERP V1 changes" in text_of(stella.get(page_of(acme)))
    page = stella.get(page_of(acme, "why/name/"))
    assert [(pin["value"], pin["words"]) for pin in page.context["pins"]] == [
        ("Acme Group", "Holds until ERP V1 says something else.")
    ]
    asked = stella.get(page_of(acme, "unpin/name/"))
    assert "Today they say: Acme." in text_of(asked)
    version = reload(acme.pk).version
    assert stella.post(page_of(acme, "unpin/name/"), {"version": version, "reason": "no longer"}).status_code == 302
    assert ChangeRequest.objects.get().unpins == ["name"]
    assert reload(acme.pk).supplier.name == "Acme Group"
    assert stella.get(page_of(acme, "unpin/phone/")).status_code == 409


def test_a_value_is_checked_while_it_is_typed(stella: Client, acme: GoldenRecord) -> None:
    def checked(name: str, text: str):
        sent = {"base_version": acme.version, name: text}
        return stella.post(page_of(acme, f"check/{name}/"), sent).context["checked"]

    before = traces()
    assert checked("phone", "(775) 555-0100").stored == "+1 775-555-0100"
    assert checked("phone", "12").problems
    assert checked("name", "TBD").breaks
    assert not checked("name", "Acme").breaks
    assert checked("name", "x" * 10_000).problems
    assert traces() == before
    assert stella.get(page_of(acme, "edit/name/")).context["field"].value() == "Acme"
    assert client_of(someone("Otto", AUDITOR)).post(page_of(acme, "check/name/"), {"name": "A"}).status_code == 403


def test_several_values_are_previewed_and_sent_as_one_request(stella: Client, acme: GoldenRecord) -> None:
    sent = {"base_version": acme.version, "name": "Acme Group", "phone": "(775) 555-0100", "step": "preview"}
    page = stella.post(page_of(acme, "propose/"), sent)
    assert [(line["before"], line["after"]) for line in page.context["preview"].lines] == [
        ("Acme", "Acme Group"),
        ("", "+1 775-555-0100"),
    ]
    assert not ChangeRequest.objects.exists()
    without = stella.post(page_of(acme, "propose/"), sent | {"step": "send"})
    assert (without.status_code, without.context["values"][0]) == (422, ("name", "Acme Group"))
    assert stella.post(page_of(acme, "propose/"), sent | {"step": "send", "reason": "by letter"}).status_code == 302
    assert ChangeRequest.objects.get().values == {"name": "Acme Group", "phone": "+17755550100"}


def test_a_preview_of_what_does_not_fit_or_has_moved_on_keeps_what_was_typed(
    stella: Client, acme: GoldenRecord
) -> None:
    bad = stella.post(page_of(acme, "propose/"), {"base_version": acme.version, "phone": "12", "step": "preview"})
    assert (bad.status_code, bad.context["form"]["phone"].value()) == (422, "12")
    contribute(record_id=acme.pk, values={"duns": "123456789"}, expected=None, cause=why())
    late = {"base_version": acme.version, "name": "Acme Group", "step": "send", "reason": "by letter"}
    answer = stella.post(page_of(acme, "propose/"), late)
    assert (answer.status_code, answer.context["form"]["name"].value()) == (412, "Acme Group")
    assert answer.context["moved"]


def test_failing_rules_are_named_with_the_way_to_mend_them(stella: Client) -> None:
    record = supplier("V1", "TBD")
    (failing,) = stella.get(page_of(record)).context["quality"].failing
    assert failing.href == page_of(record) + "?edit=name#value-name"
    assert "Keeps it from being published" in text_of(stella.get(page_of(record)))


def test_a_long_part_is_read_by_pages(stella: Client, django_assert_max_num_queries) -> None:
    names = [{"kind": "trading", "name": f"Acme {number:05}"} for number in range(1500)]
    record = golden(source("erp", "supplier", "V1", name="Acme", parts={"names": names}))
    with django_assert_max_num_queries(40):
        page = stella.get(page_of(record))
    (part,) = page.context["parts"]
    assert (part["total"], len(part["rows"])) == (1500, 10)
    found = stella.get(page_of(record, "parts/names/?page=2"))
    assert (found.context["total"], len(found.context["rows"]), found.context["rows"][0]["cells"][1]["value"]) == (
        1500, 100, "Acme 00100",
    )  # fmt: skip
    assert stella.get(page_of(record, "parts/names/?q=trading+00777")).context["total"] == 1
    assert stella.get(page_of(record, "parts/names/?q=%00&page=99")).status_code == 200
    assert quality_of(BY_NAME["supplier"], record, page.context["detail"]).score == 100
