"""What happened to a record, what it was at a time, and what the auditor asks."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from mdm.errors import Invalid, NotFound
from mdm.mastering import Actor, Cause, contribute, merge, retire
from mdm.models import GoldenRecord
from mdm.queries import AuditFilters, as_of, audit_csv, audit_entries, history
from tests.factories import golden, publish, source, supplier, why

pytestmark = pytest.mark.django_db

OWNER = Cause(
    by=Actor(name="Olga Owner", kind="person", channel="page"), reason="They moved", approved_by="Ann Approver"
)


def renamed() -> GoldenRecord:
    """A supplier with two versions: V1 Acme, V2 Acme Medical."""
    record = supplier("V1", "Acme")
    contribute(record_id=record.pk, values={"name": "Acme Medical"}, expected=1, cause=OWNER)
    return record


def test_versions_come_newest_first_with_who_and_why() -> None:
    record = renamed()
    second, first = history(record.pk)
    assert (first.version, first.verb, second.version, second.verb) == (1, "created", 2, "changed")
    assert (second.actor, second.reason, second.approved_by, second.channel) == (
        "Olga Owner", "They moved", "Ann Approver", "page",
    )  # fmt: skip
    (change,) = second.changes
    assert (change.attribute, change.label, change.before, change.after, change.source) == (
        "name", "Name", "Acme", "Acme Medical", "stewardship",
    )  # fmt: skip
    assert (first.seq, second.seq) == (None, None)
    publish()
    assert [entry.seq for entry in history(record.pk)] == [2, 1]
    assert [entry.version for entry in history(record.pk, before=2)] == [1]


def test_a_record_as_it_was_in_a_version_at_a_moment_and_at_a_place_in_the_log() -> None:
    record = renamed()
    publish()
    second, first = history(record.pk)
    then = as_of(record.pk, moment=second.moment - timedelta(microseconds=1))
    assert (then.version, then.attributes, then.valid_from, then.valid_to) == (
        1, {"name": "Acme"}, first.moment, second.moment,
    )  # fmt: skip
    assert as_of(record.pk, moment=second.moment).attributes == {"name": "Acme Medical"}
    assert as_of(record.pk, seq=1).version == 1
    assert as_of(record.pk, seq=99).version == 2
    assert as_of(record.pk, version=1).title == "Acme"
    assert as_of(record.pk, version=2).sources == [{"system": "erp", "key": "V1"}]


def test_before_it_existed_there_is_nothing() -> None:
    record = renamed()
    for asked in ({"moment": timezone.now() - timedelta(days=1)}, {"version": 3}, {"seq": 0}):
        with pytest.raises(NotFound):
            as_of(record.pk, **asked)


def test_one_point_in_time_is_asked_for() -> None:
    record = supplier("V1", "Acme")
    for asked in ({}, {"version": 1, "seq": 1}):
        with pytest.raises(Invalid):
            as_of(record.pk, **asked)


def test_past_references_read_as_they_read_then() -> None:
    maker = supplier("V1", "Acme")
    item = golden(
        source("erp", "item", "I1", description="Screw",
               manufacturer={"system": "erp", "domain": "supplier", "key": "V1"})
    )  # fmt: skip
    contribute(record_id=maker.pk, values={"name": "New Name"}, expected=1, cause=OWNER)
    reference = as_of(item.pk, version=1).attributes["manufacturer"]
    assert (reference["record"], reference["code"], reference["title"]) == (str(maker.pk), maker.code, "Acme")


def test_history_and_past_are_masked() -> None:
    account = {"bank": "First National", "country": "US", "account_tail": "••••4821"}
    record = supplier("V1", "Acme", parts={"bank_accounts": [account]})
    (entry,) = history(record.pk)
    bank = next(change for change in entry.changes if change.is_part)
    assert bank.after == [{"bank": "••••", "country": "••••", "account_tail": "••••4821"}]
    assert "First National" not in str(as_of(record.pk, version=1))
    assert "First National" not in "".join(audit_csv(AuditFilters()))


def test_the_auditor_asks_by_person_record_attribute_domain_verb_and_time() -> None:
    record = renamed()
    other = supplier("V2", "Other")
    retire(record_id=other.pk, expected=1, cause=why("closed"))
    begin = audit_entries(AuditFilters(person="Olga Owner")).entries[0].moment

    def found(**asked: object) -> list[tuple[str, int]]:
        return [(entry.code, entry.version) for entry in audit_entries(AuditFilters(**asked)).entries]

    assert found() == [(other.code, 2), (other.code, 1), (record.code, 2), (record.code, 1)]
    assert found(person="Olga Owner") == [(record.code, 2)]
    assert found(record=record.code) == found(record=str(record.pk)) == [(record.code, 2), (record.code, 1)]
    assert found(attribute="name", verb="changed") == [(record.code, 2)]
    assert found(verb="retired") == [(other.code, 2)]
    assert found(domain="item") == []
    assert found(since=begin) == [(other.code, 2), (other.code, 1), (record.code, 2)]
    assert found(until=begin) == [(record.code, 1)]
    assert found(record="SUP-9999999") == []


def test_everything_one_act_changed_has_one_correlation() -> None:
    winner, loser = supplier("V1", "A"), supplier("V2", "B")
    act = why("same company")
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={}, cause=act)
    entries = audit_entries(AuditFilters(correlation_id=act.correlation_id)).entries
    assert {(entry.code, entry.verb) for entry in entries} == {(winner.code, "changed"), (loser.code, "merged")}


def test_audit_pages_join(django_assert_num_queries) -> None:
    for number in range(5):
        supplier(f"V{number}", f"Supplier {number}")
    seen, before = [], ""
    while True:
        with django_assert_num_queries(1):
            page = audit_entries(AuditFilters(), before=before, limit=2)
        seen += [entry.id for entry in page.entries]
        if not page.next:
            break
        before = page.next
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) == 5


def test_the_export_has_one_line_per_changed_attribute_and_no_formulas() -> None:
    record = supplier("V1", "=HYPERLINK(1)", tax_id="841368850")
    rows = list(csv.DictReader(io.StringIO("".join(audit_csv(AuditFilters(record=record.code))))))
    assert {row["attribute"]: row["after"] for row in rows} == {"name": "'=HYPERLINK(1)", "tax_id": "841368850"}
    assert {row["person"] for row in rows} == {"Stella Steward"}
    only = list(csv.DictReader(io.StringIO("".join(audit_csv(AuditFilters(attribute="tax_id"))))))
    assert [row["attribute"] for row in only] == ["tax_id"]
