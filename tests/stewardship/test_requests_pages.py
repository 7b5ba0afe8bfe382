"""Propose, approve, refuse, withdraw: nothing changes before a second person says yes."""

import pytest
from django.test import Client

from mdm.mastering import contribute
from mdm.models import ExtensionAttribute, GoldenRecord
from mdm.people import AUDITOR, DOMAIN_OWNER, VIEWER
from stewardship.models import ChangeRequest
from tests.factories import check_walls, golden, reload, source, supplier, why
from tests.stewardship.pages import client_of, outsider, text_of, traces
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


@pytest.fixture
def dora() -> Client:
    return client_of(someone("Dora Owner", DOMAIN_OWNER))


@pytest.fixture
def acme() -> GoldenRecord:
    return supplier("V1", "Acme", currency="USD", payment_terms="NET30")


def form_of(client: Client, record: GoldenRecord) -> dict[str, object]:
    """The form as a browser would send it back."""
    form = client.get(f"/records/suppliers/{record.code}/propose/").context["form"]
    return {name: "" if form[name].value() is None else form[name].value() for name in form.fields}


def send(client: Client, record: GoldenRecord, form: dict[str, object], **changed: object):
    return client.post(f"/records/suppliers/{record.code}/propose/", form | changed)


def proposed(client: Client, record: GoldenRecord, **changed: object) -> ChangeRequest:
    answer = send(client, record, form_of(client, record), reason="because", **changed)
    assert answer.status_code == 302, text_of(answer)
    return ChangeRequest.objects.order_by("requested_at").last()


def values_of(record: GoldenRecord) -> tuple[str, str]:
    row = reload(record.pk).supplier
    return row.name, row.payment_terms


def test_only_what_was_changed_is_proposed_and_nothing_takes_effect(stella: Client, acme: GoldenRecord) -> None:
    made = proposed(stella, acme, name="Acme Group", currency="")
    assert made.values == {"name": "Acme Group", "currency": None}
    assert made.before == {"name": "Acme", "currency": "USD"}
    assert values_of(acme) == ("Acme", "NET30")


def test_a_second_person_approves_and_the_new_version_says_who_and_why(
    stella: Client, dora: Client, acme: GoldenRecord
) -> None:
    made = proposed(stella, acme, name="Acme Group")
    page = dora.get(f"/requests/{made.pk}/")
    assert page.context["lines"][0] | {"moved": False} == {
        "label": "Name", "before": "Acme", "after": "Acme Group", "moved": False, "now": "Acme",
        "unpinned": False, "until": "",
    }  # fmt: skip
    answer = dora.post(f"/requests/{made.pk}/approve/", {"digest": made.digest, "reason": "seen the letter"})
    check_walls()
    assert answer["Location"] == f"/requests/{made.pk}/"
    assert values_of(acme)[0] == "Acme Group"
    after = dora.get(f"/requests/{made.pk}/")
    assert after.context["version"] == 2
    assert "Approved by Dora Owner" in text_of(after)
    (event, _) = dora.get(f"/records/suppliers/{acme.code}/history/").context["events"]
    assert (event["who"], event["reason"]) == ("Stella Steward", "because")
    assert "Approved by Dora Owner" in event["note"]


def test_who_proposed_it_cannot_decide_and_is_told_why(stella: Client, acme: GoldenRecord) -> None:
    made = proposed(stella, acme, name="Acme Group")
    page = stella.get(f"/requests/{made.pk}/")
    assert "You proposed this yourself. A colleague has to approve it." in text_of(page)
    assert f"/requests/{made.pk}/approve/" not in page.content.decode()
    for verb in ("approve", "refuse"):
        answer = stella.post(f"/requests/{made.pk}/{verb}/", {"digest": made.digest, "reason": "mine"})
        assert answer.status_code == 409
        assert "You proposed this change yourself." in text_of(answer)
    assert values_of(acme)[0] == "Acme"


def test_a_refusal_needs_a_reason_and_leaves_the_record_alone(stella: Client, dora: Client, acme: GoldenRecord) -> None:
    made = proposed(stella, acme, name="Acme Group")
    again = dora.post(f"/requests/{made.pk}/refuse/", {"reason": ""})
    assert again.status_code == 422
    assert "Say why, so that it can be mended." in text_of(again)
    dora.post(f"/requests/{made.pk}/refuse/", {"reason": "no letter"})
    assert "no letter" in text_of(stella.get(f"/requests/{made.pk}/"))
    assert values_of(acme)[0] == "Acme"
    assert dora.post(f"/requests/{made.pk}/approve/", {"digest": made.digest}).status_code == 409


def test_a_request_is_withdrawn_by_its_author_alone(stella: Client, dora: Client, acme: GoldenRecord) -> None:
    made = proposed(stella, acme, name="Acme Group")
    assert dora.post(f"/requests/{made.pk}/withdraw/").status_code == 409
    stella.post(f"/requests/{made.pk}/withdraw/")
    made.refresh_from_db()
    assert made.state == "withdrawn"


def test_all_problems_are_named_at_once_and_what_was_typed_stays(stella: Client, acme: GoldenRecord) -> None:
    before = traces()
    answer = send(
        stella, acme, form_of(stella, acme), name="x" * 201, duns="12", parent="Nobody Inc", reason="",
        valid_until="2020-01-01",
    )  # fmt: skip
    assert answer.status_code == 422
    assert set(answer.context["form"].errors) == {"name", "duns", "parent", "reason", "valid_until"}
    assert answer.context["form"]["duns"].value() == "12"
    assert traces() == before


def test_an_unchanged_form_proposes_nothing(stella: Client, acme: GoldenRecord) -> None:
    answer = send(stella, acme, form_of(stella, acme), reason="because")
    assert answer.status_code == 422
    assert "Nothing" in text_of(answer)


def test_a_reference_is_given_by_code_or_by_an_unmistakable_name(stella: Client, acme: GoldenRecord) -> None:
    group = supplier("V5", "Acme Holding")
    supplier("V6", "Twin")
    supplier("V7", "Twin")
    first = proposed(stella, acme, parent="acme holding")
    assert first.values == {"parent": str(group.pk)}
    again = send(stella, acme, form_of(stella, acme), parent=group.code.lower(), reason="because")
    assert str(first.pk) in again.content.decode()  # the tick that says: I have seen it
    made = proposed(stella, acme, parent=group.code.lower(), beside=str(first.pk))
    assert made.values == {"parent": str(group.pk)}
    unclear = send(stella, acme, form_of(stella, acme), parent="Twin", reason="because")
    assert "Several records are called that" in text_of(unclear)
    near = send(stella, acme, form_of(stella, acme), parent="Holding", reason="because")
    assert f"Did you mean {group.code} Acme Holding?" in text_of(near)


def test_added_attributes_are_proposed_like_any_other(stella: Client, dora: Client, acme: GoldenRecord) -> None:
    ExtensionAttribute.objects.create(domain="supplier", name="diverse", label="Diverse supplier")
    made = proposed(stella, acme, **{"ext.diverse": "Women owned"})
    dora.post(f"/requests/{made.pk}/approve/", {"digest": made.digest})
    assert reload(acme.pk).supplier.extension == {"diverse": "Women owned"}
    assert "Diverse supplier" in text_of(dora.get("/requests/?view=decided"))


def test_a_proposal_can_be_linked_to_with_values_filled_in(stella: Client, acme: GoldenRecord) -> None:
    page = stella.get(f"/records/suppliers/{acme.code}/propose/?name=Acme%20Group&reason=x&nonsense=1")
    assert page.context["form"]["name"].value() == "Acme Group"
    assert not page.context["form"]["reason"].value()


def test_a_stale_form_keeps_what_was_typed_and_shows_what_changed(stella: Client, acme: GoldenRecord) -> None:
    form = form_of(stella, acme)
    contribute(record_id=acme.pk, values={"payment_terms": "NET60"}, expected=1, cause=why("renegotiated"))
    answer = send(stella, acme, form, name="Acme Group", reason="because")
    assert answer.status_code == 412
    assert "renegotiated" in text_of(answer)
    again = {name: answer.context["form"][name].value() or "" for name in answer.context["form"].fields}
    assert again["name"] == "Acme Group"
    assert send(stella, acme, again).status_code == 302


def test_an_approval_of_what_has_moved_on_changes_nothing(stella: Client, dora: Client, acme: GoldenRecord) -> None:
    made = proposed(stella, acme, name="Acme Group")
    contribute(record_id=acme.pk, values={"name": "Acme Ltd"}, expected=1, cause=why("renamed"))
    page = dora.get(f"/requests/{made.pk}/")
    assert page.context["stale"]
    assert "Name now reads Acme Ltd" in text_of(page)
    answer = dora.post(f"/requests/{made.pk}/approve/", {"digest": made.digest})
    assert answer.status_code == 412
    assert "Acme Ltd" in text_of(answer)
    assert values_of(acme)[0] == "Acme Ltd"


def test_a_change_elsewhere_in_the_record_does_not_stand_in_the_way(
    stella: Client, dora: Client, acme: GoldenRecord
) -> None:
    made = proposed(stella, acme, name="Acme Group")
    contribute(record_id=acme.pk, values={"payment_terms": "NET60"}, expected=1, cause=why())
    assert not dora.get(f"/requests/{made.pk}/").context["stale"]
    dora.post(f"/requests/{made.pk}/approve/", {"digest": made.digest})
    assert values_of(acme) == ("Acme Group", "NET60")


def test_references_and_booleans_read_as_people_say_them(stella: Client, dora: Client) -> None:
    maker = supplier("V1", "Acme")
    item = golden(source("erp", "item", "I1", description="Screw"))
    page = f"/records/items/{item.code}/propose/"
    form = stella.get(page).context["form"]
    sent = {name: form[name].value() or "" for name in form.fields}
    stella.post(page, sent | {"manufacturer": maker.code, "implant": "true", "reason": "because"})
    made = ChangeRequest.objects.get()
    lines = {line["label"]: line["after"] for line in dora.get(f"/requests/{made.pk}/").context["lines"]}
    assert lines == {"Manufacturer": "Acme", "Implant": "Yes"}
    assert not dora.get(f"/requests/{made.pk}/").context["stale"]


def test_the_list_shows_open_ones_first_mine_and_decided(stella: Client, dora: Client, acme: GoldenRecord) -> None:
    one = proposed(stella, acme, name="Acme Group")
    two = proposed(dora, acme, payment_terms="NET60")
    dora.post(f"/requests/{one.pk}/refuse/", {"reason": "no"})

    def shown(view: str) -> list:
        return [row["request"].pk for row in stella.get("/requests/", {"view": view}).context["rows"]]

    assert (shown("open"), shown("mine"), shown("decided")) == ([two.pk], [one.pk], [one.pk])
    counts = stella.get("/requests/").context["navigation_counts"]
    assert counts["stewardship:requests"] == 1


def test_auditors_read_and_do_not_act_outsiders_do_neither(stella: Client, acme: GoldenRecord) -> None:
    made = proposed(stella, acme, name="Acme Group")
    auditor, viewer = client_of(someone("Ada Auditor", AUDITOR)), client_of(someone("Vic Viewer", VIEWER))
    nobody = outsider()
    before = traces()
    assert auditor.get(f"/requests/{made.pk}/").status_code == 200
    assert "Approving needs the role" in text_of(auditor.get(f"/requests/{made.pk}/"))
    assert nobody.get("/requests/").status_code == nobody.get(f"/requests/{made.pk}/").status_code == 403
    for client in (auditor, viewer, nobody):
        for verb in ("approve", "refuse"):
            assert (
                client.post(f"/requests/{made.pk}/{verb}/", {"digest": made.digest, "reason": "x"}).status_code == 403
            )
    for client in (auditor, nobody):
        assert client.post(f"/records/suppliers/{acme.code}/propose/", {"name": "x"}).status_code == 403
    assert traces() == before
    assert values_of(acme)[0] == "Acme"
