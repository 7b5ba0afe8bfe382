"""Lists and single records as pages and API read them."""

import pytest

from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid, NotFound
from mdm.mastering import contribute, merge
from mdm.models import GoldenRecord
from mdm.queries import Reference, count_by_state, list_records, record_detail, referrers, resolve
from tests.factories import golden, hospital, source, supplier, system, why

pytestmark = pytest.mark.django_db

SUPPLIER = BY_NAME["supplier"]


def many(count: int) -> list[GoldenRecord]:
    return [supplier(f"V{number}", f"Supplier {number % 3}") for number in range(count)]


def walk(order: str, limit: int) -> list[str]:
    """Codes of every page forward, having checked that going back shows the same pages."""
    seen: list[str] = []
    page = list_records(SUPPLIER, order=order, limit=limit)
    while True:
        codes = [row.code for row in page.rows]
        seen += codes
        if not page.next:
            return seen
        following = list_records(SUPPLIER, order=order, limit=limit, after=page.next)
        back = list_records(SUPPLIER, order=order, limit=limit, before=following.previous)
        assert [row.code for row in back.rows] == codes
        page = following


@pytest.mark.parametrize("order", ["code", "-code", "updated", "-updated", "title", "-title"])
def test_pages_join_without_gap_or_overlap_in_every_order(order: str) -> None:
    made = many(7)
    keys = {"code": lambda r: r.code, "updated": lambda r: (r.updated_at, r.code), "title": lambda r: (r.title, r.code)}
    expected = sorted(made, key=keys[order.removeprefix("-")], reverse=order.startswith("-"))
    assert walk(order, 3) == [record.code for record in expected]
    assert walk(order, 7) == [record.code for record in expected]


def test_the_first_page_has_nothing_before_it_and_the_last_nothing_after() -> None:
    many(2)
    page = list_records(SUPPLIER, limit=2)
    assert (page.next, page.previous) == ("", "")
    first = list_records(SUPPLIER, limit=1)
    second = list_records(SUPPLIER, limit=1, after=first.next)
    assert (bool(first.next), first.previous) == (True, "")
    assert (second.next, bool(second.previous)) == ("", True)


@pytest.mark.parametrize("count", [1, 12])
def test_a_page_costs_one_query_however_long_it_is(count: int, django_assert_num_queries) -> None:
    many(count)
    with django_assert_num_queries(1):
        assert len(list_records(SUPPLIER).rows) == count


def test_a_list_shows_references_with_code_and_title() -> None:
    maker = supplier("V1", "Acme")
    golden(
        source("erp", "item", "I1", description="Screw",
               manufacturer={"system": "erp", "domain": "supplier", "key": "V1"})
    )  # fmt: skip
    (row,) = list_records(BY_NAME["item"]).rows
    assert row.values["manufacturer"] == Reference(maker.pk, maker.code, "Acme", "supplier", "active")
    assert row.values["description"] == "Screw"
    assert row.values["implant"] is None


@pytest.mark.parametrize(("asked", "problem"), [({"order": "size"}, "order"), ({"after": "nonsense!"}, None)])
def test_an_impossible_page_is_refused(asked: dict, problem: str | None) -> None:
    with pytest.raises(Invalid) as refused:
        list_records(SUPPLIER, **asked)
    assert problem is None or refused.value.problems[0][0] == problem


def test_counts_name_every_state() -> None:
    many(2)
    supplier("P", "Pending", state="pending")
    assert count_by_state(SUPPLIER) == {"active": 2, "pending": 1, "retired": 0, "merged": 0}


def test_a_record_shows_where_each_value_came_from_and_what_the_others_say() -> None:
    system("erp", supplier=1)
    system("ap", supplier=2)
    record = golden(
        source("erp", "supplier", "V1", name="Acme Inc", tax_id="841368850"),
        source("ap", "supplier", "77", name="ACME", tax_id="841368850", website="acme.example"),
    )
    detail = record_detail(record.code.lower())
    values = {value.attribute.name: value for value in detail.values}
    name, tax, site = values["name"], values["tax_id"], values["website"]
    assert (name.value, name.provenance.source, name.provenance.key, name.provenance.rule, name.provenance.since) == (
        "Acme Inc", "erp", "V1", "source order", 1,
    )  # fmt: skip
    assert [(other.source, other.value, other.agrees) for other in name.others] == [("ap", "ACME", False)]
    assert (name.disputed, tax.disputed) == (True, False)
    assert [(other.source, other.agrees) for other in tax.others] == [("ap", True)]
    assert (site.provenance.source, site.others) == ("ap", [])
    assert [(entry.system, entry.key, entry.method) for entry in detail.crosswalk] == [
        ("erp", "V1", "new"), ("ap", "77", "new"),
    ]  # fmt: skip


def test_parts_name_their_source_and_restricted_ones_are_masked() -> None:
    account = {"bank": "First National", "country": "US", "account_tail": "••••4821"}
    parts = {"bank_accounts": [account], "contacts": [{"name": "Ann", "email": "ann@acme.example"}]}
    record = supplier("V1", "Acme", parts=parts)
    rows = {shown.part.name: shown.rows for shown in record_detail(record.pk).parts}
    assert rows["contacts"][0].values["email"] == "ann@acme.example"
    assert (rows["contacts"][0].source, rows["contacts"][0].source_key) == ("erp", "V1")
    assert rows["bank_accounts"][0].values == {"bank": "••••", "country": "••••", "account_tail": "••••4821"}
    open_rows = {shown.part.name: shown.rows for shown in record_detail(record.pk, reveal=True).parts}
    assert open_rows["bank_accounts"][0].values == account


def test_a_losing_reference_is_shown_as_the_record_it_means() -> None:
    system("erp", item=1)
    system("ap", item=2)
    supplier("V1", "Acme")
    other = supplier("V2", "Other")
    made = golden(
        source("erp", "item", "I1", description="Screw",
               manufacturer={"system": "erp", "domain": "supplier", "key": "V1"}),
        source("ap", "item", "9", description="Screw",
               manufacturer={"system": "erp", "domain": "supplier", "key": "V2"}),
    )  # fmt: skip
    maker = next(value for value in record_detail(made.pk).references)
    assert (maker.value.title, maker.others[0].value.record, maker.disputed) == ("Acme", other.pk, True)


def test_a_merged_record_says_where_it_went_through_every_merge() -> None:
    first, second, third = supplier("V1", "A"), supplier("V2", "B"), supplier("V3", "C")
    merge(winner_id=second.pk, loser_ids=[first.pk], expected={}, cause=why())
    merge(winner_id=third.pk, loser_ids=[second.pk], expected={}, cause=why())
    detail = record_detail(first.code)
    assert (detail.state, detail.redirect.record) == ("merged", third.pk)
    assert {loser.code for loser in record_detail(third.pk).absorbed} >= {second.code}
    assert len(record_detail(third.pk).crosswalk) == 3


def test_an_approved_edit_is_named_as_the_origin() -> None:
    record = supplier("V1", "Acme")
    contribute(record_id=record.pk, values={"name": "Acme Medical"}, expected=1, cause=why("they renamed"))
    name = record_detail(record.pk).values[0]
    assert (name.value, name.provenance.source, name.provenance.since) == ("Acme Medical", "stewardship", 2)
    assert [other.value for other in name.others] == ["Acme"]


def test_who_points_here_is_counted_by_domain_and_attribute() -> None:
    maker = supplier("V1", "Acme")
    to_maker = {"system": "erp", "domain": "supplier", "key": "V1"}
    items = [golden(source("erp", "item", f"I{n}", description=f"Item {n}", manufacturer=to_maker)) for n in range(3)]
    contract = golden(source("erp", "contract", "C1", number="C1", supplier=to_maker))
    found = {(who.domain.name, who.attribute): who for who in referrers(maker.pk, "supplier", sample=2)}
    assert {key: who.count for key, who in found.items()} == {("item", "manufacturer"): 3, ("contract", "supplier"): 1}
    assert [shown.code for shown in found["item", "manufacturer"].first] == [item.code for item in items[:2]]
    assert found["contract", "supplier"].first[0].record == contract.pk


def test_parts_point_too() -> None:
    site = hospital("H1", "Reno General")
    rows = {"facilities": [{"facility": {"system": "erp", "domain": "facility", "key": "H1"}}]}
    golden(source("erp", "contract", "C1", number="C1", supplier=None, parts=rows))
    (who,) = referrers(site.pk, "facility") or (None,)
    assert who is None  # the contract is held as pending: it has no supplier
    supplier("V1", "Acme")
    to_supplier = {"system": "erp", "domain": "supplier", "key": "V1"}
    golden(source("erp", "contract", "C2", number="C2", supplier=to_supplier, parts=rows))
    (who,) = referrers(site.pk, "facility")
    assert (who.attribute, who.label, who.count) == ("facilities.facility", "Eligible facilities: Facility", 1)


# Written out: parallel workers must collect the same tests.
UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("name", ["SUP-9999999", UNKNOWN_ID, "", "\x00x"])
def test_an_unknown_record_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        resolve(name)


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_an_empty_list_of_any_domain_is_an_empty_page(domain) -> None:
    page = list_records(domain)
    assert (list(page.rows), page.next, page.previous) == ([], "", "")


def test_a_detail_costs_the_same_with_one_source_and_with_many(django_assert_num_queries) -> None:
    small = supplier("V1", "Acme")
    systems = [system(f"s{number}") for number in range(8)]
    rich = golden(*[source(s.code, "supplier", "X", name=f"Name {n}") for n, s in enumerate(systems)])
    expected = 5 + len(SUPPLIER.parts)
    for record in (small, rich):
        with django_assert_num_queries(expected):
            record_detail(record.pk)
