"""Measuring a hub: what people decided, a random sample, random checks, proposals, and the command that tells it."""

from io import StringIO
from math import log
from pathlib import Path

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from matching import checking, proposing, sampling, verdicts
from matching.measured import decided, picture
from matching.models import CandidateKind, MatchCandidate, Measurement, RuleSet
from matching.preparing import prepare
from mdm import mastering
from mdm.cause import Actor
from mdm.domains import BY_NAME
from mdm.errors import Refused
from mdm.mastering import merge, unmerge
from mdm.models import Link
from tests.factories import linked, source, supplier, why
from tests.matching.conftest import Run
from tests.stewardship.questions import question, twins

pytestmark = pytest.mark.django_db
SUPPLIER = BY_NAME["supplier"]


def joined(count: int, *, start: int = 0) -> list[tuple[int, int]]:
    """Pairs of rows of two sources that matching links by itself."""
    pairs = []
    for number in range(start, start + count):
        told = {"name": f"{NAMES[number]} Medical Supply Inc", "phone": f"+1805447{number:04d}"}
        rows = [source(code, "supplier", f"{code}-{number}", **told) for code in ("erp", "ap")]
        pairs.append((rows[0].pk, rows[1].pk))
    return pairs


NAMES = ("Amberley", "Brackwater", "Calderon", "Dunmore", "Elkhart", "Fairholm", "Greystone", "Hawkesbury")


def test_a_merge_is_a_yes_a_rejection_a_no_and_an_unmerge_turns_it_round() -> None:
    first, second = twins(name="Acme Medical")
    third, fourth = twins(name="Bolton Surgical")
    yes, no = question(first, second, score=0.9), question(third, fourth, score=0.6)
    merges = merge(winner_id=first.pk, loser_ids=[second.pk], expected={}, cause=why())
    verdicts.close_merged(candidate_id=yes.pk, cause=why())
    verdicts.reject(candidate_id=no.pk, cause=why())
    assert sorted((one.score, one.same) for one in decided(SUPPLIER).questions) == [(0.6, False), (0.9, True)]
    mine, theirs = ([one.pk for one in linked(record)] for record in (first, second))
    came_back = [pk for pk in mine if Link.objects.filter(source_record=pk, merge__isnull=False).exists()]
    unmerge(merge_ids=merges, cause=why())
    kept = [one.pk for one in linked(first)]
    assert theirs == []
    verdicts.bar(first=kept, second=came_back, cause=why())
    assert sorted((one.score, one.same) for one in decided(SUPPLIER).questions) == [(0.6, False), (0.9, False)]


def test_without_random_checks_precision_and_recall_stay_unknown(run: Run) -> None:
    joined(3)
    run("supplier")
    sampling.measure(domain=SUPPLIER, by="test", seed=1)
    found = picture(SUPPLIER)
    assert found.links.pairs == 3
    assert found.links.said.value is None
    assert found.found is None


def test_a_measurement_counts_pairs_bars_and_keys(run: Run) -> None:
    joined(4)
    run("supplier")
    figures = sampling.measure(domain=SUPPLIER, by="test", seed=1).figures
    assert (figures["records"], figures["sampled"], figures["without_pair"]) == (8, 8, 0)
    assert figures["pairs_per_record"] == 1.0
    assert sum(bar["one"] for bar in figures["histogram"]) == 4
    assert sum(bar["two"] for bar in figures["histogram"]) == 0
    assert {tuple(one["features"]) for one in figures["passes"]} == set(SUPPLIER.matching.blocking)
    assert figures["largest_keys"][0]["held_by"] == 2
    assert Measurement.objects.get().by == "test"


def test_a_key_too_common_is_told_with_the_rows_it_leaves_out() -> None:
    for number in range(62):
        supplier(str(number), f"Firm {number}", phone="+15550100101", system_code=f"s{number}")
    prepare(SUPPLIER)
    figures = sampling.measure(domain=SUPPLIER, by="test", seed=1).figures
    phone = next(one for one in figures["passes"] if one["features"] == ["phone"])
    assert (phone["records"], phone["left_out"]) == (62, 62)
    assert figures["largest_keys"][0] == {"features": ["phone"], "texts": ["15550100101"], "held_by": 62}


def test_the_sample_is_bounded_by_pairs(monkeypatch: pytest.MonkeyPatch, run: Run) -> None:
    joined(8)
    run("supplier")
    monkeypatch.setattr(sampling, "CHUNK", 2)
    monkeypatch.setattr(sampling, "MOST_PAIRS", 1)
    figures = sampling.measure(domain=SUPPLIER, by="test", seed=1).figures
    assert figures["sampled"] < figures["records"]


def test_an_empty_hub_is_told_so() -> None:
    with pytest.raises(Refused, match="nothing to measure"):
        sampling.measure(domain=SUPPLIER, by="test")


def test_a_link_taken_apart_counts_as_undone(run: Run) -> None:
    (pair, _) = joined(2)
    run("supplier")
    assert sampling.measure(domain=SUPPLIER, by="test").figures["undone"]["links"] == 0
    mastering.unlink(source_record_ids=[pair[1]], cause=why("Two plants"))
    undone = sampling.measure(domain=SUPPLIER, by="test").figures["undone"]
    assert undone["links"] == 1
    assert sorted(undone["shown"][0]["sources"]) == sorted(pair)
    assert undone["shown"][0]["reason"] == "Two plants"


def test_links_drawn_at_random_are_asked_once_and_their_answers_tell_precision(run: Run) -> None:
    joined(4)
    run("supplier")
    assert checking.ask(domain=SUPPLIER, links=3, near=0, seed=1) == 3
    assert checking.ask(domain=SUPPLIER, links=3, near=0, seed=2) == 1
    drawn = list(MatchCandidate.objects.order_by("pk"))
    assert {(one.kind, one.sampled, one.band) for one in drawn} == {(CandidateKind.CONFLICT, True, "auto")}
    for candidate in drawn[:3]:
        verdicts.close_merged(candidate_id=candidate.pk, cause=why())
    verdicts.reject(candidate_id=drawn[3].pk, cause=why())
    said = picture(SUPPLIER).links.said
    assert (said.hits, said.of) == (3, 4)


def near_misses() -> None:
    """Pairs that share a telephone, under other names of another legal form: just short of a question."""
    for number in range(3):
        phone = f"+1805447{number:04d}"
        source("erp", "supplier", f"e{number}", name=f"{NAMES[number]} Surgical Inc", phone=phone)
        source("ap", "supplier", f"a{number}", name=f"{NAMES[number + 4]} Dental Care LP", phone=phone)


def test_near_pairs_are_drawn_where_nobody_was_asked_and_nobody_said_no(run: Run) -> None:
    near_misses()
    run("supplier")
    found = sampling.take(SUPPLIER, seed=1).near()
    assert len(found) == 3
    ruled_out = next(iter(found.values()))
    verdicts.bar(first=ruled_out.sources[:1], second=ruled_out.sources[1:], cause=why())
    assert checking.ask(domain=SUPPLIER, links=0, near=50, seed=1) == 2
    for candidate in MatchCandidate.objects.filter(sampled=True):
        assert candidate.band == "new"
        assert candidate.score < SUPPLIER.matching.review
        assert set(candidate.members.values_list("record", flat=True)) != set(ruled_out.records)
    assert checking.ask(domain=SUPPLIER, links=0, near=50, seed=2) == 0


@pytest.mark.parametrize(("links", "near"), [(0, 0), (-1, 5), (400, 400)])
def test_a_number_that_makes_no_sense_is_refused(links: int, near: int) -> None:
    with pytest.raises(Refused):
        checking.ask(domain=SUPPLIER, links=links, near=near)


def decisions(count: int, *, by_phone: bool) -> None:
    """Questions about twins of one name; those with one telephone are one, or the other way round."""
    for number in range(count):
        one = source("erp", "supplier", f"e{number}", name=f"Firm {number:03d} Holdings", phone=f"+1805447{number:04d}")
        phone = f"+1805447{number:04d}" if number % 2 else f"+1212990{number:04d}"
        other = source("ap", "supplier", f"a{number}", name=f"Firm {number:03d} Holding", phone=phone)
        made = [mastering.NewRecord((row.pk,)) for row in (one, other)]
        left, right = mastering.create(domain=SUPPLIER, records=made, cause=why())
        records = list(mastering.lock_records([left, right]).values())
        asked = question(*sorted(records, key=lambda record: record.pk != left), score=0.7)
        if bool(number % 2) == by_phone:
            merge(winner_id=left, loser_ids=[right], expected={}, cause=why())
            verdicts.close_merged(candidate_id=asked.pk, cause=why())
        else:
            verdicts.reject(candidate_id=asked.pk, cause=why())
    prepare(SUPPLIER)


def test_few_decisions_propose_nothing_and_say_how_many_it_takes() -> None:
    decisions(6, by_phone=True)
    found = proposing.proposal(SUPPLIER)
    assert not found.changes
    assert "at least 50 decisions" in found.why_not
    with pytest.raises(Refused, match="at least 50"):
        proposing.draft_from_decisions(domain=SUPPLIER, by=Actor(name="Stella"))


def test_weights_move_towards_what_people_decide_and_only_into_a_draft() -> None:
    decisions(60, by_phone=False)
    found = proposing.proposal(SUPPLIER)
    assert found.loss is not None
    assert found.loss_before is not None
    assert found.loss < found.loss_before
    old, new = ({one.feature: one for one in rules.comparisons} for rules in (SUPPLIER.matching, found.matching))
    assert new["phone"].levels[0].weight < old["phone"].levels[0].weight
    for comparison in found.matching.comparisons:
        weights = [level.weight for level in comparison.levels] + [comparison.otherwise]
        assert weights == sorted(weights, reverse=True)
    made = proposing.draft_from_decisions(domain=SUPPLIER, by=Actor(name="Stella", kind="person"))
    assert made.state == "draft"
    assert RuleSet.objects.filter(domain="supplier", state="approved").count() == 1


@pytest.mark.parametrize("points", [-20.0, -7.5, 0.0, 7.5, 20.0])
@pytest.mark.parametrize("same", [0.0, 1.0])
def test_the_fit_ends_where_neither_answers_nor_rules_pull_harder(points: float, same: float) -> None:
    answers = proposing._Answers(np.full(40, points), np.eye(40)[:, :2], np.full(40, same))
    steps = proposing._fit(answers)
    table = np.column_stack([np.ones(40), answers.counted])
    pull = log(2) * table.T @ (answers.same - proposing._chance(answers.points + table @ steps))
    assert pull == pytest.approx(proposing._TIGHT * steps, abs=1e-3)


def told(*words: str) -> str:
    out = StringIO()
    call_command("evaluate_matching", *words, stdout=out)
    return out.getvalue()


def test_the_command_tells_every_domain_also_an_empty_one(run: Run) -> None:
    joined(2)
    run("supplier")
    text = told()
    assert "Suppliers\n  blocking: 1 pairs a record" in text
    assert "links without a person: 2, right unknown: nobody has looked at any" in text
    assert "Items\n  no record has been read by matching yet" in text


def test_links_are_held_against_a_truth(run: Run, tmp_path: Path) -> None:
    joined(2)
    run("supplier")
    truth = tmp_path / "truth.csv"
    truth.write_text("source,key,cluster\nerp,erp-0,A\nap,ap-0,A\nerp,erp-1,B\nap,ap-1,C\nerp,gone,A\n")
    text = told("--domain", "supplier", "--truth", str(truth))
    assert "truth: 5 rows, 1 of them not in this hub" in text
    assert "pairs linked: 2, right 1; true pairs 3" in text
    assert "precision 0.5000, recall 0.3333" in text


def test_a_truth_with_faults_is_refused_with_all_of_them(tmp_path: Path) -> None:
    truth = tmp_path / "truth.csv"
    truth.write_text("source,key,cluster\nerp,,A\nerp,1,A\nerp,1,B\n")
    with pytest.raises(CommandError) as refused:
        told("--domain", "supplier", "--truth", str(truth))
    assert "Line 2: source, key and cluster are needed." in str(refused.value)
    assert "Line 4: erp 1 was in another cluster before." in str(refused.value)
    truth.write_text("source,key\nerp,1\n")
    with pytest.raises(CommandError, match="lacks the column cluster"):
        told("--domain", "supplier", "--truth", str(truth))
    with pytest.raises(CommandError, match="name it with --domain"):
        told("--truth", str(truth))
    with pytest.raises(CommandError, match="cannot be read"):
        told("--domain", "supplier", "--truth", str(tmp_path / "nowhere.csv"))
