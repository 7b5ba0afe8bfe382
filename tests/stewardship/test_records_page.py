"""The golden record page: every tab, where values came from, merged records, and the tree."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from mdm.domains import BY_NAME
from mdm.mastering import contribute, merge
from mdm.models import GoldenRecord, Merge, SourceRow
from mdm.people import AUDITOR
from stewardship.hierarchy import tree
from tests.factories import feed, golden, hospital, source, supplier, system, why
from tests.stewardship.pages import client_of, outsider, text_of, traces
from tests.stewardship.questions import question, someone

pytestmark = pytest.mark.django_db

TABS = ("", "sources/", "references/", "history/", "deliveries/", "duplicates/", "as-it-was/?version=1")


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


def page_of(record: GoldenRecord, tab: str = "") -> str:
    return f"/records/{BY_NAME[record.domain].slug}/{record.code}/{tab}"


def acme() -> GoldenRecord:
    """Known to two systems that disagree on the name; the ERP is trusted more."""
    system("erp", supplier=1)
    return golden(
        source("erp", "supplier", "V1", name="Acme", tax_id="841368850",
               parts={"addresses": [{"role": "order", "line1": "1 Main St", "city": "Reno"}]}),
        source("ap", "supplier", "9", name="Acme Incorporated", phone="+15550100"),
    )  # fmt: skip


def sheet(client: Client, record: GoldenRecord) -> dict[str, dict]:
    return {row["label"]: row for row in client.get(page_of(record)).context["filled"]}


def test_values_name_their_source_rule_version_and_what_others_say(stella: Client) -> None:
    rows = sheet(stella, acme())
    name = rows["Name"]
    assert (name["value"], name["source"].code, name["rule"], name["version"]) == ("Acme", "erp", "source order", 1)
    assert [(loser["source"].code, loser["value"]) for loser in name["losers"]] == [("ap", "Acme Incorporated")]
    assert rows["Phone"]["losers"] == []


def test_an_approved_edit_is_shown_as_pinned_with_its_reason(stella: Client) -> None:
    record = acme()
    contribute(record_id=record.pk, values={"name": "Acme Group"}, expected=1, cause=why("renamed in May"))
    name = sheet(stella, record)["Name"]
    assert name["value"] == "Acme Group"
    assert "renamed in May" in name["pinned"]
    assert "Stella Steward" in name["pinned"]


def test_parts_are_tables_and_long_ones_have_pages_of_their_own(stella: Client) -> None:
    lines = [{"number": f"L{number:03}", "description": f"Line {number}", "price": "1.5"} for number in range(120)]
    contract = golden(source("erp", "contract", "C1", number="C1", parts={"lines": lines}))
    page = stella.get(page_of(contract))
    (part,) = [*page.context["parts"], *page.context["wide_parts"]]
    assert (part["total"], len(part["rows"])) == (120, 10)
    everything = stella.get(part["href"])
    assert len(everything.context["rows"]) == 100
    assert len(stella.get(part["href"] + everything.context["next_href"]).context["rows"]) == 20
    assert stella.get(part["href"], {"q": "line 11"}).context["total"] == 11


def test_sources_stand_side_by_side_with_what_survived(stella: Client) -> None:
    page = stella.get(page_of(acme(), "sources/"))
    rows = {row["label"]: row for row in page.context["compared"]}
    assert [cell["value"] for cell in rows["Name"]["cells"]] == ["Acme", "Acme Incorporated"]
    assert [cell["survives"] for cell in rows["Name"]["cells"]] == [True, False]
    assert (rows["Name"]["state"], rows["Phone"]["state"]) == ("differs", "single")
    assert "V1" in text_of(page)


def test_the_line_as_received_is_shown_unless_it_may_hold_restricted_values(stella: Client) -> None:
    record = acme()
    made = record.links.order_by("pk").first().source_record
    reader = feed("erp-suppliers", "supplier", {"columns": {"Name": "name"}})
    batch = reader.batches.create(feed_version=1, file_name="vendors.csv", sha256="0" * 64)
    made.row = SourceRow.objects.create(batch=batch, line=7, raw="V1;Acme;DE89370400440532013000", state="accepted")
    made.save(update_fields=["row"])
    address = page_of(record, f"sources/{made.pk}/")
    assert "V1;Acme;DE89370400440532013000" in text_of(stella.get(address))
    reader.definition = {"parts": {"bank_accounts": [{"account_tail": "IBAN"}]}}
    reader.save(update_fields=["definition"])
    withheld = text_of(stella.get(address))
    assert "DE89370400440532013000" not in withheld
    assert "The line holds restricted values and is not shown." in withheld


def test_a_source_record_of_another_golden_record_is_not_shown_here(stella: Client) -> None:
    record, other = acme(), supplier("V5", "Bolton")
    foreign = other.links.first().source_record_id
    assert stella.get(page_of(record, f"sources/{foreign}/")).status_code == 404


def test_references_lead_both_ways(stella: Client) -> None:
    maker = acme()
    screw = golden(source("erp", "item", "I1", description="Screw", manufacturer={"record": str(maker.pk)}))
    forward = stella.get(page_of(screw, "references/"))
    assert [(label, target["code"]) for label, target in forward.context["pointed"]] == [("Manufacturer", maker.code)]
    (group,) = stella.get(page_of(maker, "references/")).context["pointing"]
    assert group["count"] == 1
    assert [row["title"] for row in stella.get(group["href"]).context["rows"]] == ["Screw"]


def test_the_tree_shows_all_above_and_two_levels_below(stella: Client) -> None:
    group = hospital("H1", "Group")
    clinic = hospital("H2", "Clinic", parent={"record": str(group.pk)})
    ward = hospital("H3", "Ward", parent={"record": str(clinic.pk)})
    bed = hospital("H4", "Bed", parent={"record": str(ward.pk)})
    facility = BY_NAME["facility"]
    assert tree(facility, supplier("V1", "Alone").pk) is None
    around = tree(facility, clinic.pk)
    assert around is not None
    assert [one.title for one in around.above] == ["Group"]
    assert [(node.record.title, [c.record.title for c in node.children]) for node in around.below] == [
        ("Ward", ["Bed"])
    ]
    deep = tree(facility, bed.pk)
    assert deep is not None
    assert [one.title for one in deep.above] == ["Group", "Clinic", "Ward"]
    assert "Ward" in text_of(stella.get(page_of(clinic, "references/")))


def test_the_tree_survives_a_circle() -> None:
    first = hospital("H1", "First")
    second = hospital("H2", "Second", parent={"record": str(first.pk)})
    contribute(record_id=first.pk, values={"parent": second.code}, expected=1, cause=why())
    around = tree(BY_NAME["facility"], first.pk)
    assert around is not None
    assert {one.title for one in around.above} == {"First", "Second"}


def test_an_address_by_id_or_in_another_kind_leads_to_the_records_own(stella: Client) -> None:
    record = acme()
    assert stella.get(f"/records/suppliers/{record.pk}/history/")["Location"] == page_of(record, "history/")
    assert stella.get(f"/records/items/{record.code}/?x=1")["Location"] == page_of(record) + "?x=1"
    assert stella.get("/records/suppliers/SUP-9999999/").status_code == 404


def test_a_merged_record_says_where_it_went_and_offers_the_way_back(stella: Client) -> None:
    kept, gone = acme(), supplier("V7", "Acme Corp")
    merge(winner_id=kept.pk, loser_ids=[gone.pk], expected={kept.pk: 1, gone.pk: 1}, cause=why("one firm"))
    page = stella.get(page_of(gone))
    assert f"Merged into Acme {kept.code}" in text_of(page)
    assert "one firm" in text_of(page)
    assert f"/records/merges/{Merge.objects.get().pk}/unmerge/" in page.content.decode()
    assert "Propose a change" not in text_of(page)
    assert "Acme Corp" in text_of(stella.get(page_of(kept)))


def test_a_pending_record_says_what_it_waits_for(stella: Client) -> None:
    first, second = supplier("V1", "Acme"), supplier("V2", "Acme", system_code="ap", state="pending")
    asked = question(first, second)
    page = stella.get(page_of(second))
    assert "Not published yet" in text_of(page)
    assert f'href="/review/{asked.pk}/"' in page.content.decode()


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_is_open_to_auditors_and_closed_to_outsiders(tab: str) -> None:
    record = acme()
    auditor = client_of(someone("Ada Auditor", AUDITOR))
    page = auditor.get(page_of(record, tab))
    assert page.status_code == 200
    assert "Retire" not in text_of(page)
    assert "Propose a change" not in text_of(page)
    assert outsider().get(page_of(record, tab)).status_code == 403


@pytest.mark.parametrize("tab", TABS)
def test_a_page_costs_the_same_however_many_sources_speak(stella: Client, tab: str) -> None:
    few = acme()
    many = golden(*(source(f"system{n}", "supplier", f"K{n}", name=f"Acme {n}", phone=f"+1555{n}") for n in range(12)))
    stella.get(page_of(few, tab))
    with CaptureQueriesContext(connection) as small:
        stella.get(page_of(few, tab))
    with CaptureQueriesContext(connection) as large:
        stella.get(page_of(many, tab))
    assert len(large) <= len(small) + 1


def test_opening_pages_leaves_no_trace(stella: Client) -> None:
    record = acme()
    before = traces()
    for tab in TABS:
        assert stella.get(page_of(record, tab)).status_code == 200
    assert traces() == before
