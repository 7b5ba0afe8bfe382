"""Why two records are one or not, the evidence a decision keeps, and relations said by a person."""

from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from matching import verdicts
from matching.models import KnownNonMatch, MatchPair, Relation
from matching.preparing import prepare
from mdm.domains import BY_NAME
from mdm.models import GoldenRecord
from stewardship import workflow
from stewardship.models import Decision
from tests.factories import golden, linked, source, supplier, why
from tests.stewardship.pages import client_of, outsider, text_of, traces
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db


def told(left: GoldenRecord, right: GoldenRecord, rows: str = "") -> str:
    prepare(BY_NAME[left.domain])
    address = f"/explain/?of={left.code}&with={right.code}{f'&rows={rows}' if rows else ''}"
    answer = client_of(someone("Stella Steward")).get(address)
    assert answer.status_code == 200, text_of(answer)
    return text_of(answer)


def test_a_pair_below_the_limit_says_how_many_points_are_missing_and_what_is_silent() -> None:
    page = told(supplier("1", "Waters Corp", phone="+15550100101"), supplier("2", "Water Works", system_code="lab"))
    assert "Two records: too little speaks for one" in page
    assert "points short of a question" in page
    assert "they were never compared" in page
    assert "DUNS neither says it" in page
    assert "Phone LAB 2 does not say it" in page


def test_a_veto_is_named_though_everything_else_agrees() -> None:
    same = {"phone": "+18054471000"}
    left = supplier("1", "Amgen Inc", tax_id="953540776", **same)
    page = told(left, supplier("2", "Amgen Inc", tax_id="880000000", system_code="lab", **same))
    assert "Alike, but an identifier differs" in page
    assert "Tax id differs, which forbids linking without a person." in page
    assert "95-3540776" in page


def test_what_a_person_said_comes_first_with_name_and_reason() -> None:
    left, right = twins()
    first, second = ([one.pk for one in linked(record)] for record in (left, right))
    verdicts.bar(first=first, second=second, cause=why())
    assert "A person said that they are not the same" in told(left, right)


def test_a_question_that_waits_is_linked_to() -> None:
    left, right = twins()
    waiting = question(left, right)
    prepare(BY_NAME["supplier"])
    answer = client_of(someone("Stella Steward")).get(f"/explain/?of={left.code}&with={right.code}")
    assert "A person is being asked" in text_of(answer)
    assert f'href="/review/{waiting.pk}/"' in answer.content.decode()


def test_a_key_held_by_too_many_is_shown_as_the_reason_they_never_met() -> None:
    crowd = [supplier(str(n), f"Firm {n}", phone="+15550100101", system_code=f"s{n}") for n in range(62)]
    page = told(crowd[0], crowd[1])
    assert "What they share is shared by more than 60 records" in page
    assert "too many: compares nobody" in page


def test_one_record_is_explained_by_its_own_rows() -> None:
    one = golden(source("erp", "supplier", "1", name="Waters Corp"), source("lab", "supplier", "2", name="Waters"))
    page = told(one, one)
    assert f"They are one record, {one.code}" in page
    assert "ERP 1 and LAB 2 shown above" in page


def test_a_record_of_one_row_has_nothing_to_explain() -> None:
    one = supplier("1", "Waters Corp")
    assert "It has one source row" in told(one, one)


def test_the_points_shown_add_up_to_the_score() -> None:
    left, right = twins()
    prepare(BY_NAME["supplier"])
    answer = client_of(someone("Stella Steward")).get(f"/explain/?of={left.code}&with={right.code}")
    falls = answer.context["fall"]
    assert sum(float(line.shown.replace("\N{MINUS SIGN}", "-")) for line in falls.falls) == pytest.approx(
        float(falls.total.replace("\N{MINUS SIGN}", "-")), abs=0.3
    )
    assert falls.falls[0].label == "Before any evidence"


def test_another_pair_of_rows_can_be_chosen_and_a_stranger_cannot() -> None:
    left = golden(source("erp", "supplier", "1", name="Waters Corp"), source("lab", "supplier", "2", name="Waters"))
    right, third = supplier("3", "Waters Inc", system_code="ap"), supplier("4", "Zimmer", system_code="ap")
    row, other = linked(left)[1], linked(right)[0]
    assert "LAB 2 and AP 3" in told(left, right, f"{row.pk},{other.pk}")
    client = client_of(someone("Otto Other"))
    alone = client.get(f"/explain/?rows={row.pk},{other.pk}")
    assert f"{left.code} and Waters Inc {right.code}" in text_of(alone)
    assert client.get(f"/explain/?rows={row.pk},999999").status_code == 404
    stranger = linked(third)[0].pk
    for rows, status in ((f"{row.pk},{stranger}", 404), ("1", 409), ("1,x", 409)):
        answer = client.get(f"/explain/?of={left.code}&with={right.code}&rows={rows}")
        assert answer.status_code == status, rows


def test_the_second_record_is_found_by_words() -> None:
    left, right = supplier("1", "Waters Corp"), supplier("2", "Zimmer Biomet", system_code="lab")
    client = client_of(someone("Stella Steward"))
    assert "The likest ones" not in text_of(client.get(f"/explain/?of={left.code}"))
    found = client.get(f"/explain/?of={left.code}&with=zimmer")
    assert f"of={left.code}&amp;with={right.code}" in found.content.decode()
    assert "No other supplier bears it." in text_of(client.get(f"/explain/?of={left.code}&with=nobody"))
    assert client.get("/explain/").status_code == 200


def test_the_page_costs_the_same_for_two_rows_and_for_ten() -> None:
    client = client_of(someone("Stella Steward"))

    def cost(rows: int) -> int:
        left = golden(*(source(f"s{n}", "supplier", f"{rows}-{n}", name=f"Waters {rows}") for n in range(rows)))
        right = supplier(f"r{rows}", f"Waters {rows}", system_code="other")
        prepare(BY_NAME["supplier"])
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/explain/?of={left.code}&with={right.code}").status_code == 200
        return len(queries)

    cost(1)
    assert cost(10) == cost(2)


def merged(user: Any) -> Decision:
    left, right = twins(name="Bolton Surgical")
    waiting = question(left, right)
    return workflow.merge_candidate(
        candidate_id=waiting.pk,
        winner_id=left.pk,
        record_ids=[left.pk, right.pk],
        shown=versions_of(left, right),
        user=user,
    )


def test_a_decision_keeps_the_evidence_it_was_made_on() -> None:
    stella = someone("Stella Steward")
    made = merged(stella)
    MatchPair.objects.update(explanation=[], sentence="Nothing of this is left.", score=0.1)
    (pair,) = made.evidence["pairs"]
    assert pair["sentence"] == "Name agrees; phone differs."
    assert [one["weight"] for one in pair["explanation"]] == [14.2, -1.0]
    page = text_of(client_of(stella).get(f"/decisions/{made.pk}/"))
    assert "Name agrees; phone differs." in page
    assert "87.0%" in page
    assert "Nothing of this is left." not in page
    assert "Name agrees; phone differs." in text_of(client_of(stella).get(f"/review/{made.candidate_id}/"))


def test_kept_evidence_cannot_be_changed() -> None:
    made = merged(someone("Stella Steward"))
    with pytest.raises(Exception, match="append-only"), transaction.atomic():
        Decision.objects.filter(pk=made.pk).update(evidence={})


def test_a_merge_by_hand_keeps_what_spoke_for_and_against() -> None:
    left, right = twins()
    prepare(BY_NAME["supplier"])
    made = workflow.merge_records(
        winner_id=left.pk,
        record_ids=[left.pk, right.pk],
        shown=versions_of(left, right),
        user=someone("Stella Steward"),
        reason="Same letterhead",
    )
    (pair,) = made.evidence["pairs"]
    assert {one["label"] for one in pair["explanation"]} >= {"Name", "Phone"}


def test_a_question_is_answered_by_a_relation_and_the_answer_can_be_undone() -> None:
    stella = someone("Stella Steward")
    left, right = twins(newcomer=True)
    waiting = question(left, right)
    client = client_of(stella)
    page = client.get(f"/review/{waiting.pk}/").content.decode()
    assert f'value="parent:{right.pk}"' in page
    shown = [f"{pk}:{version}" for pk, version in versions_of(left, right).items()]
    answer = client.post(
        f"/review/{waiting.pk}/relate/", {"relation": f"parent:{right.pk}", "shown": shown, "reason": "One group"}
    )
    assert answer.status_code == 302
    (relation,) = Relation.objects.all()
    assert (relation.kind, relation.first_id, relation.second_id) == ("parent", right.pk, left.pk)
    assert KnownNonMatch.objects.filter(withdrawn_at__isnull=True).count() == 1
    assert GoldenRecord.objects.get(pk=right.pk).state == "active"
    for record, words in ((right, "Parent of"), (left, "Belongs to")):
        assert words in text_of(client.get(f"/records/suppliers/{record.code}/"))
        assert words in text_of(client.get(f"/records/suppliers/{record.code}/references/"))
    decision = Decision.objects.get(verb="relate")
    assert client.post(f"/decisions/{decision.pk}/undo/").status_code == 302
    assert not Relation.objects.filter(withdrawn_at__isnull=True).exists()
    assert not KnownNonMatch.objects.filter(withdrawn_at__isnull=True).exists()
    waiting.refresh_from_db()
    assert waiting.state == "open"


def test_two_records_are_related_by_hand_and_it_can_be_undone() -> None:
    left, right = supplier("1", "Waters Corp"), supplier("2", "Zimmer Biomet", system_code="lab")
    prepare(BY_NAME["supplier"])
    client = client_of(someone("Stella Steward"))
    shown = [f"{pk}:{version}" for pk, version in versions_of(left, right).items()]
    answer = client.post("/explain/relate/", {"relation": f"successor:{left.pk}", "shown": shown})
    made = Decision.objects.get()
    assert answer["Location"] == f"/decisions/{made.pk}/"
    page = text_of(client.get(f"/explain/?of={left.code}&with={right.code}"))
    assert "Related, not the same" in page
    assert f"{left.code}: succeeded by {right.code}" in page
    client.post(f"/decisions/{made.pk}/undo/")
    assert not Relation.objects.filter(withdrawn_at__isnull=True).exists()
    assert not KnownNonMatch.objects.filter(withdrawn_at__isnull=True).exists()


def test_a_relation_by_hand_answers_the_question_that_waits_about_the_two() -> None:
    left, right = twins()
    waiting = question(left, right)
    made = workflow.relate_records(
        kind="equivalent", first=left.pk, second=right.pk, shown=versions_of(left, right), user=someone("Stella")
    )
    waiting.refresh_from_db()
    assert (waiting.state, made.candidate_id) == ("rejected", waiting.pk)


@pytest.mark.parametrize("relation", ["", "cousin:{left}", "parent:nobody", "parent:{stranger}"])
def test_a_relation_that_makes_no_sense_is_refused_and_changes_nothing(relation: str) -> None:
    left, right = twins()
    stranger = supplier("9", "Zimmer")
    waiting = question(left, right)
    client = client_of(someone("Stella Steward"))
    before = traces()
    shown = [f"{pk}:{version}" for pk, version in versions_of(left, right).items()]
    sent = {"relation": relation.format(left=left.pk, stranger=stranger.pk), "shown": shown}
    for address in (f"/review/{waiting.pk}/relate/", "/explain/relate/"):
        assert client.post(address, sent).status_code in (409, 422)
    assert traces() == before
    assert not Relation.objects.exists()


def test_an_outsider_sees_and_relates_nothing() -> None:
    left, right = twins()
    shown = [f"{pk}:{version}" for pk, version in versions_of(left, right).items()]
    client = outsider()
    assert client.get(f"/explain/?of={left.code}&with={right.code}").status_code == 403
    assert client.post("/explain/relate/", {"relation": f"other:{left.pk}", "shown": shown}).status_code == 403
    made = merged(someone("Stella Steward"))
    assert client.get(f"/decisions/{made.pk}/").status_code == 403
    assert not Relation.objects.exists()
