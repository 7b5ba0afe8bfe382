"""Waiting source records are claimed, decided and mastered."""

import pytest

from matching import tasks
from matching.models import CandidateKind, MatchCandidate, MatchKey, Prepared
from matching.preparing import prepare
from matching.run import match
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME
from mdm.models import GoldenRecord, GoldenState, Link, LinkMethod, SourceRecord
from mdm.models.log import ChangeEvent
from tests.matching.conftest import Run, change, golden_of
from tests.mdm.making import MARCH, golden, source, system

pytestmark = pytest.mark.django_db

REFERENCE = {"domain": "facility", "key": "Banner Lassen Medical Center"}


@pytest.fixture(params=[True, False], ids=["everything", "what waits"])
def run(request: pytest.FixtureRequest) -> Run:
    """By both doors: as a command matches, in turns, and as the nudge after a file does, at once."""
    return lambda domain: match(BY_NAME[domain], Cause(by=HUB, reason="test"), everything=request.param)


def supplier(system_code: str, key: str, name: str, **values: str) -> SourceRecord:
    return source(system_code, "supplier", key, name=name, **values)


def stub(system_code: str, domain: str, name: str) -> SourceRecord:
    made = source(system_code, domain, name, name=name)
    SourceRecord.objects.filter(pk=made.pk).update(stub=True)
    return made


def part_row(parent: SourceRecord, key: str, **values: str) -> SourceRecord:
    return SourceRecord.objects.create(
        system=parent.system, domain=parent.domain, part="lines", key=key, parent_key=parent.key, values=values,
        content_hash=key, as_of=MARCH, first_seen_at=MARCH, last_seen_at=MARCH,
    )  # fmt: skip


def test_waiting_records_that_belong_together_become_one_golden_record(run: Run) -> None:
    first = supplier("erp", "V1", "WATERS CORP /DE/", tax_id="133668640")
    second = supplier("ap", "000001", "Waters Corporation", tax_id="133668640")
    other = supplier("ap", "000002", "Zimmer Biomet Holdings", tax_id="135555555")
    done = run("supplier")
    assert (done.decided, done.created, done.linked, done.asked) == (3, 2, 1, 0)
    assert golden_of(first) == golden_of(second) != golden_of(other)
    link = Link.objects.get(source_record=second)
    assert link.score is not None
    assert link.score > 0.95
    assert link.explanation["evidence"][0]["feature"] == "tax"
    assert link.explanation["source_record"] == first.pk


def test_a_later_arrival_is_linked_with_score_and_reason(run: Run) -> None:
    first = supplier("erp", "V1", "Waters Corp", tax_id="133668640")
    run("supplier")
    later = supplier("ap", "1", "WATERS TECHNOLOGIES CORPORATION", tax_id="133668640")
    done = run("supplier")
    assert (done.linked, done.created) == (1, 0)
    link = Link.objects.get(source_record=later)
    assert (link.record_id, link.method) == (golden_of(first), LinkMethod.AUTO)
    assert link.explanation["sentence"].startswith("Tax id")


def test_running_again_finds_nothing_and_writes_nothing(run: Run) -> None:
    supplier("erp", "V1", "Waters Corp")
    supplier("ap", "1", "Waters Corp")
    run("supplier")
    events, keys = ChangeEvent.objects.count(), MatchKey.objects.count()
    assert run("supplier").nothing
    assert (ChangeEvent.objects.count(), MatchKey.objects.count()) == (events, keys)


def test_a_doubtful_arrival_waits_as_pending_beside_what_it_resembles(run: Run) -> None:
    first = supplier("erp", "V1", "Amgen Inc", tax_id="953540776", phone="+18054471000")
    run("supplier")
    second = supplier("ap", "1", "Amgen Inc", tax_id="880000000", phone="+18054471000")
    assert run("supplier").asked == 1
    candidate = MatchCandidate.objects.get()
    assert (candidate.state, candidate.domain) == ("open", "supplier")
    assert {m.record_id for m in candidate.members.all()} == {golden_of(first), golden_of(second)}
    assert GoldenRecord.objects.get(pk=golden_of(second)).state == GoldenState.PENDING
    assert GoldenRecord.objects.get(pk=golden_of(first)).state == GoldenState.ACTIVE
    pair = candidate.pairs.get()
    assert pair.vetoes == ["Tax id"]
    assert {pair.left_source_id, pair.right_source_id} == {first.pk, second.pk}
    assert {e["label"] for e in pair.explanation} == {"Name", "Legal form", "Tax id", "Phone"}
    assert "differs" in pair.sentence


def test_part_rows_wait_for_their_parent_and_follow_it(run: Run) -> None:
    erp = system("erp")
    orphan = SourceRecord.objects.create(
        system=erp, domain="contract", part="lines", key="C1-1", parent_key="C1",
        values={"number": "1", "price": "2.50"}, content_hash="x", as_of=MARCH, first_seen_at=MARCH, last_seen_at=MARCH,
    )  # fmt: skip
    assert run("contract").nothing
    orphan.refresh_from_db()
    assert orphan.state == "waiting"
    parent = source("erp", "contract", "C1", number="C1")
    run("contract")
    link = Link.objects.get(source_record=orphan)
    assert (link.record_id, link.method) == (golden_of(parent), LinkMethod.PARENT)
    late = part_row(parent, "C1-2", number="2", price="3.00")
    run("contract")
    assert golden_of(late) == golden_of(parent)
    record = GoldenRecord.objects.get(pk=golden_of(parent))
    assert record.contract.pk == record.pk
    assert sorted(row.number for row in record.contractline_rows.all()) == ["1", "2"]


def test_a_changed_part_row_is_taken_over(run: Run) -> None:
    parent = source("erp", "contract", "C1", number="C1")
    line = part_row(parent, "C1-1", number="1", price="2.50")
    run("contract")
    change(line, price="9.75")
    assert run("contract").refreshed == 1
    row = GoldenRecord.objects.get(pk=golden_of(parent)).contractline_rows.get()
    assert str(row.price) == "9.7500"


def test_a_changed_record_stays_and_its_golden_record_follows(run: Run) -> None:
    first = supplier("erp", "V1", "Waters Corp", tax_id="133668640")
    run("supplier")
    before = golden_of(first)
    change(first, name="Waters Holdings Corp")
    assert run("supplier").refreshed == 1
    assert golden_of(first) == before
    assert GoldenRecord.objects.get(pk=before).title == "Waters Holdings Corp"
    first.refresh_from_db()
    assert first.state == "linked"


def test_a_change_that_contradicts_its_golden_record_is_a_question(run: Run) -> None:
    first = supplier("erp", "V1", "Waters Corp", tax_id="133668640")
    second = supplier("ap", "1", "Waters Corp", tax_id="133668640")
    run("supplier")
    change(second, tax_id="208365999")
    assert run("supplier").asked == 1
    candidate = MatchCandidate.objects.get()
    assert candidate.kind == CandidateKind.MISFIT
    assert [m.record_id for m in candidate.members.all()] == [golden_of(first)]
    assert golden_of(second) == golden_of(first)
    change(second, tax_id="208365998")
    assert run("supplier").asked == 0


def test_agreeing_with_one_of_two_merged_identifiers_is_no_conflict(run: Run) -> None:
    first = supplier("erp", "V1", "Waters Corp", tax_id="133668640")
    second = supplier("ap", "1", "Micromass Ltd", tax_id="208365999")
    golden(first, second)
    change(second, phone="+15082224444", tax_id="133668640")
    assert run("supplier").asked == 0


def test_a_change_may_reveal_that_two_golden_records_are_one(run: Run) -> None:
    first = supplier("erp", "V1", "Waters Corp", tax_id="133668640")
    second = supplier("ap", "1", "Micromass Ltd")
    run("supplier")
    change(second, tax_id="133668640")
    assert run("supplier").asked == 1
    candidate = MatchCandidate.objects.get()
    assert {m.record_id for m in candidate.members.all()} == {golden_of(first), golden_of(second)}
    change(second, phone="+15082224444")
    assert run("supplier").asked == 0


def test_stubs_of_two_sources_join_the_facility_of_that_name(run: Run) -> None:
    facility = source("legacy", "facility", "7", name="BANNER LASSEN MEDICAL CENTER", city="Susanville", region="CA")
    stubs = [stub(code, "facility", "Banner Lassen Medical Center") for code in ("erp", "billing")]
    run("facility")
    assert {golden_of(s) for s in stubs} == {golden_of(facility)}


def test_cost_centers_of_one_facility_meet_though_a_spreadsheet_ate_their_zeros(run: Run) -> None:
    for code in ("erp", "billing"):
        stub(code, "facility", "Banner Lassen Medical Center")
    run("facility")
    one = source("erp", "cost_center", "CC1", code="10.471", facility={"system": "erp", **REFERENCE})
    two = source("billing", "cost_center", "D1", code="10.47100", facility={"system": "billing", **REFERENCE})
    elsewhere = source(
        "billing",
        "cost_center",
        "D2",
        code="10.471",
        facility={"system": "billing", "domain": "facility", "key": "Other"},
    )
    run("cost_center")
    assert golden_of(one) == golden_of(two) != golden_of(elsewhere)


def test_items_join_by_drug_code_and_never_by_description(run: Run) -> None:
    one = source("erp", "item", "1", description="WARFARIN 1 MG TABLET", ndc="00056016975")
    same = source("billing", "item", "2", description="COUMADIN 1MG TAB", ndc="00056016975")
    alike = source("procurement", "item", "3", description="warfarin 1 mg tablet")
    run("item")
    assert golden_of(one) == golden_of(same)
    assert golden_of(alike) != golden_of(one)


def test_items_join_by_the_makers_number_unless_something_speaks_against_it(run: Run) -> None:
    def item(system_code: str, key: str, number: str, description: str, maker: str = "") -> SourceRecord:
        made_by = {"manufacturer": {"domain": "supplier", "system": system_code, "key": maker}} if maker else {}
        return source(
            system_code, "item", key, manufacturer_part_number=number, description=description, **made_by
        )  # fmt: skip

    one = item("erp", "1", "029545-07", "CATHETER,IV,14GA", "Central Ortho Systems")
    same = item("billing", "2", "2954507", "Hymerli IV Catheter 14 Gauge Safety", "Central Ortho Systems, Inc.")
    silent = item("ap", "3", "29545-07", "IV catheter 14 gauge")
    size = item("procurement", "4", "29545-07", "Hymerli IV Catheter 16 Gauge Safety", "Central Ortho Systems")
    another = item("legacy", "5", "29545-07", "Scalpel blade", "Zimmer Biomet Holdings")
    short = [item(code, "6", "A-100", "Pad, sterile") for code in ("erp", "billing")]
    run("item")
    assert golden_of(one) == golden_of(same) == golden_of(silent)
    assert golden_of(size) != golden_of(one)
    assert golden_of(another) != golden_of(one)
    assert golden_of(short[0]) != golden_of(short[1])


@pytest.mark.parametrize("run", [True], indirect=True)
def test_what_mastering_linked_before_matching_saw_it_is_found(run: Run) -> None:
    first = supplier("erp", "V1", "Waters Corp", tax_id="133668640")
    record = golden(first)
    later = supplier("ap", "1", "Waters Corp", tax_id="133668640")
    run("supplier")
    assert golden_of(later) == record.pk


def test_the_order_of_batches_does_not_matter(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch of one still takes along what resembles it."""
    monkeypatch.setattr("matching.run.BATCH", 1)
    records = [
        supplier(code, f"{code}{n}", f"Company{n} Therapeutics", tax_id=f"1336686{n:02}")
        for code in ("erp", "ap", "billing")
        for n in range(10, 14)
    ]
    run("supplier")
    assert len({golden_of(record) for record in records}) == 4


def test_one_record_postgresql_refuses_does_not_stop_the_others(run: Run) -> None:
    known = supplier("erp", "V1", "Waters Corp", tax_id="133668640")
    run("supplier")
    change(known, uei="far too long for its column")
    poison = supplier("ap", "1", "Zimmer Biomet Holdings", currency="DOLLARS")
    good = supplier("ap", "2", "Zimmer Biomet Holdings", tax_id="135555555")
    done = run("supplier")
    assert (done.created, done.refreshed, done.turned_back) == (1, 0, 2)
    assert golden_of(good) is not None
    assert golden_of(poison) is None
    record = GoldenRecord.objects.get(pk=golden_of(known))
    assert (record.version, record.supplier.uei) == (1, "")
    poison.refresh_from_db()
    assert poison.state == "retired"
    assert "too long" in poison.warnings[-1]["message"]
    assert run("supplier").nothing


def test_a_part_row_that_cannot_be_mastered_leaves_the_others_in(run: Run) -> None:
    parent = source("erp", "contract", "C1", number="C1")
    good = part_row(parent, "C1-1", number="1", price="2.50")
    poison = part_row(parent, "C1-2", number="2", uom="CARTON")
    assert run("contract").turned_back == 1
    assert golden_of(good) == golden_of(parent)
    assert golden_of(poison) is None


@pytest.mark.parametrize("everything", [True, False])
def test_what_waits_is_prepared_anew_and_so_is_another_declaration(run: Run, everything: bool) -> None:
    first, second = supplier("erp", "V1", "Waters Corp"), supplier("erp", "V2", "Zimmer")
    run("supplier")
    change(first, name="Waters Corporation")
    assert prepare(BY_NAME["supplier"], everything=everything) == 1
    Prepared.objects.filter(source_record=second).update(declaration="old")
    assert prepare(BY_NAME["supplier"], everything=everything) == 1
    assert prepare(BY_NAME["supplier"], everything=everything) == 0


def test_a_change_somebody_took_over_before_matching_is_found_by_looking_at_everything(run: Run) -> None:
    record = supplier("erp", "V1", "Waters Corp")
    run("supplier")
    change(record, name="Waters Technologies")
    SourceRecord.objects.filter(pk=record.pk).update(state="linked")
    assert prepare(BY_NAME["supplier"], everything=False) == 0
    assert tasks.prepare_all()["supplier"] == 1
