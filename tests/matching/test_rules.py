"""Rule sets: what is in force, and how drafts are made, judged, approved and refused."""

from copy import deepcopy
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching import rules
from matching.models import RuleAct, RuleSet, RuleState
from matching.rules_content import THRESHOLDS, content_of, differences, digest, matching_of
from matching.rules_faults import faults
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid, Refused, WrongState
from tests.matching.conftest import Run, golden_of
from tests.matching.ruling import person, tried
from tests.mdm.making import source

pytestmark = pytest.mark.django_db
SUPPLIER = BY_NAME["supplier"]
NAME_ALONE = {"core": {"levels": [[1.0, 17.0]], "otherwise": -3.0, "rarity": 1.0, "veto": False}}


def content(**values: Any) -> dict[str, Any]:
    """The shipped rules of suppliers with other values."""
    return {**deepcopy(content_of(SUPPLIER.matching)), **values}


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_every_shipped_declaration_is_a_rule_set_without_fault_and_comes_back_unchanged(domain: Any) -> None:
    written = content_of(domain.matching)
    assert faults(domain, written) == []
    assert matching_of(domain, written) == domain.matching


def test_number_one_of_every_domain_is_the_shipped_declaration() -> None:
    for domain in DOMAINS:
        found = rules.standing(domain)
        assert (found.number, found.shipped, found.state) == (1, True, RuleState.APPROVED)
        assert rules.effective(domain) == domain.matching
        assert rules.record_shipped(domain=domain) == found


def test_a_new_version_replaces_shipped_rules_and_only_proposes_where_people_have_their_own() -> None:
    old = rules.standing(SUPPLIER)
    RuleSet.objects.filter(pk=old.pk).update(content=content(auto=0.9))  # as an older version shipped it
    made = rules.record_shipped(domain=SUPPLIER)
    old.refresh_from_db()
    assert (made.number, made.state, old.state) == (2, RuleState.APPROVED, RuleState.RETIRED)
    RuleSet.objects.filter(pk=made.pk).update(
        shipped=False, content=content(auto=0.9), decided_by=person("Dora").user_id
    )
    RuleSet.objects.filter(pk=old.pk).update(content=content(auto=0.8))
    proposed = rules.record_shipped(domain=SUPPLIER)
    assert (proposed.number, proposed.state, proposed.shipped) == (3, RuleState.DRAFT, True)
    assert rules.effective(SUPPLIER).auto == 0.9


def test_a_draft_changes_nothing_until_somebody_else_approves_what_was_tried() -> None:
    author, other = person("Anna Author"), person("Bert Boss")
    made = rules.draft(domain=SUPPLIER, content=content(auto=0.97), by=author, reason="Too many wrong links")
    assert (made.number, made.state, rules.effective(SUPPLIER).auto) == (2, RuleState.DRAFT, SUPPLIER.matching.auto)
    seen = digest(made.content)
    with pytest.raises(Refused, match="yourself"):
        rules.approve(rule_set_id=made.pk, seen=seen, by=author)
    with pytest.raises(WrongState, match="would change"):
        rules.approve(rule_set_id=made.pk, seen=seen, by=other)
    tried(made)
    with pytest.raises(WrongState, match="since you read"):
        rules.approve(rule_set_id=made.pk, seen="other", by=other)
    run = rules.approve(rule_set_id=made.pk, seen=seen, by=other, reason="Looks right")
    made.refresh_from_db()
    assert (made.state, made.decided_by_id, rules.effective(SUPPLIER).auto) == (RuleState.APPROVED, other.user_id, 0.97)
    assert (run.rule_set_id, run.before.number, run.state) == (made.pk, 1, "running")
    said = list(RuleAct.objects.filter(rule_set=made).order_by("pk").values_list("verb", "by", "reason"))
    assert said == [("drafted", "Anna Author", "Too many wrong links"), ("approved", "Bert Boss", "Looks right")]


def test_a_trial_of_other_content_or_against_other_rules_does_not_count() -> None:
    author, other = person("Anna Author"), person("Bert Boss")
    made = rules.draft(domain=SUPPLIER, content=content(auto=0.97), by=author, reason="x")
    tried(made)
    changed = rules.change(
        rule_set_id=made.pk, content=content(auto=0.98), seen=digest(made.content), by=author, reason="y"
    )
    with pytest.raises(WrongState, match="would change"):
        rules.approve(rule_set_id=made.pk, seen=digest(changed.content), by=other)


def test_whoever_changed_a_draft_last_does_not_approve_it() -> None:
    author, other = person("Anna Author"), person("Bert Boss")
    made = rules.draft(domain=SUPPLIER, content=content(auto=0.97), by=author, reason="x")
    made = rules.change(
        rule_set_id=made.pk, content=content(auto=0.98), seen=digest(made.content), by=other, reason="y"
    )
    tried(made)
    with pytest.raises(Refused, match="yourself"):
        rules.approve(rule_set_id=made.pk, seen=digest(made.content), by=other)
    with pytest.raises(WrongState, match="meanwhile"):
        rules.change(rule_set_id=made.pk, content=content(), seen="old", by=author, reason="z")


def test_a_refused_draft_keeps_the_reason_and_can_no_longer_be_changed() -> None:
    author, other = person("Anna Author"), person("Bert Boss")
    made = rules.draft(domain=SUPPLIER, content=content(auto=0.97), by=author, reason="x")
    with pytest.raises(Invalid):
        rules.refuse(rule_set_id=made.pk, by=other, reason=" ")
    refused = rules.refuse(rule_set_id=made.pk, by=other, reason="Too strict")
    assert (refused.state, refused.answer, refused.decided_by_id) == (RuleState.REFUSED, "Too strict", other.user_id)
    with pytest.raises(WrongState, match="refused"):
        rules.change(rule_set_id=made.pk, content=content(), seen=digest(made.content), by=author, reason="z")
    own = rules.draft(domain=SUPPLIER, content=content(auto=0.96), by=author, reason="x")
    rules.refuse(rule_set_id=own.pk, by=author, reason="A mistake")
    assert RuleAct.objects.filter(rule_set=own).latest("pk").verb == "withdrawn"


def test_rules_that_cannot_work_are_refused_with_every_fault_at_once() -> None:
    broken = content(auto=0.4, review=0.6, blocking=[["shoe size"], ["taxes", "core"]], block_cap=1, anchors=[])
    broken["comparisons"]["core"]["levels"] = [[0.8, 1.0], [0.9, 2.0]]
    broken["comparisons"]["tax"]["otherwise"] = 30.0
    with pytest.raises(Invalid) as refusal:
        rules.draft(domain=SUPPLIER, content=broken, by=person("Anna Author"), reason="")
    places = [place for place, _ in refusal.value.problems]
    assert sorted(set(places)) == [
        "anchors", "block_cap", "blocking", "core.levels", "reason", "review", "tax.otherwise"
    ]  # fmt: skip
    said = " ".join(sentence for _, sentence in refusal.value.problems)
    assert 'no attribute "shoe size"' in said
    assert 'Did you mean "tax"?' in said
    assert RuleSet.objects.filter(domain="supplier").count() == 1


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"blocking": []}, "nothing would ever match"),
        ({"comparisons": {}}, "nothing would ever match"),
        ({"blocking": [["tax"]]}, "known by name only"),
        ({"prior": -60.0, "auto": 0.9999, "comparisons": NAME_ALONE, "anchors": ["core"]}, "agree in everything"),
        ({"prior": 59.0}, "disagree in everything"),
        ({"auto": "high"}, "probability between"),
        ({"auto": float("nan")}, "probability between"),
        ({"colour": 1}, "colour"),
    ],
)
def test_what_cannot_work_is_said_in_words(values: dict[str, Any], word: str) -> None:
    assert word in " ".join(sentence for _, sentence in faults(SUPPLIER, content(**values)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from([*THRESHOLDS, "anchors", "blocking", "comparisons"]), value=JSON)
def test_whatever_is_sent_is_judged_and_what_is_found_good_can_be_used(place: str, value: Any) -> None:
    given_content = content(**{place: value})
    if not faults(SUPPLIER, given_content):
        assert matching_of(SUPPLIER, given_content).blocking


def test_the_whole_is_judged_whatever_it_is() -> None:
    assert faults(SUPPLIER, None)
    assert faults(SUPPLIER, [])
    assert len(faults(SUPPLIER, {})) == len(THRESHOLDS) + 3


def test_arrivals_are_matched_by_the_rules_in_force(run: Run) -> None:
    source("erp", "supplier", "V1", name="Waters Corp", tax_id="133668640")
    run("supplier")
    strict = content()
    strict["comparisons"] = {name: one for name, one in strict["comparisons"].items() if name != "tax"}
    strict["anchors"] = ["core"]
    made = rules.draft(domain=SUPPLIER, content=strict, by=person("Anna Author"), reason="No tax ids")
    tried(made)
    rules.approve(rule_set_id=made.pk, seen=digest(made.content), by=person("Bert Boss"))
    later = source("ap", "supplier", "1", name="Entirely Other Name", tax_id="133668640")
    assert run("supplier").created == 1
    assert golden_of(later) is not None


def test_rules_an_upgrade_left_unable_to_work_give_way_to_the_shipped_ones() -> None:
    found = rules.standing(SUPPLIER)
    RuleSet.objects.filter(pk=found.pk).update(
        shipped=False, decided_by=person("Dora").user_id, content=content(blocking=[["gone"]])
    )
    assert rules.effective(SUPPLIER) == SUPPLIER.matching


def test_differences_are_told_in_words() -> None:
    after = content(auto=0.97)
    after["comparisons"]["core"]["levels"][0][1] = 12.0
    after["blocking"] = after["blocking"][1:]
    lines = {line["label"]: (line["before"], line["after"]) for line in differences(SUPPLIER, content(), after)}
    assert lines["Linked without a person from"] == ("0.95", "0.97")
    assert lines["Records that share tax id"] == ("are compared", "")
    assert "1 gives +12" in lines["Name: levels"][1]


def test_the_database_refuses_a_second_set_in_force_and_an_author_as_approver() -> None:
    found = rules.standing(SUPPLIER)
    values = {"domain": "supplier", "content": {}, "reason": "x", "created_at": found.created_at}
    values |= {"changed_at": found.created_at, "decided_at": found.created_at}
    anna, bert = person("Anna Author"), person("Bert Boss")
    with pytest.raises(IntegrityError, match="rule_set_in_force"), transaction.atomic():
        RuleSet.objects.create(number=7, state="approved", author_id=anna.user_id, decided_by_id=bert.user_id, **values)
    with pytest.raises(IntegrityError, match="approved_by_its_author"), transaction.atomic():
        RuleSet.objects.create(number=8, state="retired", author_id=anna.user_id, decided_by_id=anna.user_id, **values)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        RuleAct.objects.all().delete()
