"""The crosswalk file, the commands, the answer to "why not?", the checks and the figures."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from matching import verdicts, why
from matching.checks import declarations, slips
from matching.evaluation import b_cubed, pairwise
from mdm import mastering
from mdm.domains import BY_NAME
from mdm.errors import Refused
from mdm.models import Batch, Feed, SourceRecord
from mdm.spec import Comparison, Level
from tests.matching.conftest import Run, golden_of
from tests.mdm.making import reload, source
from tests.mdm.making import why as cause


def from_file(record: SourceRecord, name: str) -> SourceRecord:
    feed, _ = Feed.objects.get_or_create(
        code=name, defaults={"title": name, "system": record.system, "domain": "supplier"}
    )
    batch, _ = Batch.objects.get_or_create(feed=feed, feed_version=1, sha256=name, defaults={"file_name": name})
    record.batch = batch
    record.save()
    return record


@pytest.mark.django_db
def test_the_crosswalk_names_file_key_and_the_record_that_answers_now(run: Run, tmp_path: Path) -> None:
    first = from_file(source("erp", "supplier", "V1", name="Waters Corp"), "erp_suppliers.csv")
    second = from_file(source("ap", "supplier", "0001", name="Zimmer Biomet"), "/inbox/ap_suppliers.csv")
    source("ap", "supplier", "by name only", name="Zimmer Biomet")
    run("supplier")
    winner, loser = golden_of(first), golden_of(second)
    assert winner
    assert loser
    mastering.merge(
        winner_id=winner, loser_ids=[loser], expected={w: reload(w).version for w in (winner, loser)}, cause=cause()
    )
    call_command("export_crosswalk", str(tmp_path / "x.csv"))
    with (tmp_path / "x.csv").open(encoding="utf-8") as lines:
        rows = [tuple(row.values()) for row in csv.DictReader(lines)]
    assert rows == [
        ("supplier", "erp_suppliers.csv", "V1", str(winner)),
        ("supplier", "ap_suppliers.csv", "0001", str(winner)),
    ]


def test_an_unwritable_crosswalk_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_crosswalk", str(tmp_path / "no" / "x.csv"))


@pytest.mark.django_db
def test_the_match_command_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    source("erp", "supplier", "V1", name="Waters Corp")
    source("ap", "supplier", "1", name="Waters Corp")
    call_command("match")
    assert capsys.readouterr().out.startswith("Suppliers: 2 rows decided, 1 golden records made, 1 rows joined others")


@pytest.mark.django_db
def test_why_not_names_every_obstacle(run: Run) -> None:
    first = source("erp", "supplier", "V1", name="Amgen Inc", tax_id="953540776", phone="+18054471000")
    second = source("ap", "supplier", "1", name="Amgen Inc", tax_id="880000000", phone="+18054471000")
    run("supplier")
    found = why.explain(first=second.pk, second=first.pk)
    assert found.band == "review"
    assert not found.blocked_out
    assert [str(one) for one in found.obstacles] == ["Tax id differs, which forbids linking without a person."]
    assert found.evidence[0]["left"] == "amgen"
    verdicts.bar(first=[first.pk], second=[second.pk], cause=cause())
    assert why.explain(first=first.pk, second=second.pk).ruled_out


@pytest.mark.django_db
def test_why_not_says_when_two_were_never_compared(run: Run) -> None:
    first = source("erp", "supplier", "V1", name="Waters Corp")
    second = source("ap", "supplier", "1", name="Zimmer Biomet")
    item = source("ap", "item", "1", description="Gauze")
    run("supplier")
    found = why.explain(first=first.pk, second=second.pk)
    assert (found.band, found.blocked_out) == ("new", True)
    for other in (first.pk, item.pk):
        with pytest.raises(Refused):
            why.explain(first=first.pk, second=other)


def test_every_domain_is_declared_in_words_that_exist() -> None:
    assert declarations(None) == []


def test_a_slip_in_a_declaration_is_named() -> None:
    domain = BY_NAME["supplier"]
    odd = Comparison(
        feature="core", label="Odd", measure="guess", otherwise=3.0, levels=(Level(0.5, 1.0), Level(0.9, 2.0))
    )
    broken = replace(
        domain, matching=replace(domain.matching, comparisons=(odd, odd), anchors=("shoe size",), auto=0.4)
    )
    said = " ".join(slips(broken))
    for word in ("guess", "levels fall", "disagreement weighs more", "shoe size", "limit for asking", "compared twice"):
        assert word in said


def test_figures_of_a_clustering() -> None:
    truth = {"a": 1, "b": 1, "c": 1, "d": 2, "e": 2}
    found = {"a": "x", "b": "x", "c": "y", "d": "y", "stranger": "y"}
    pairs = pairwise(found, truth)
    assert (pairs.hit, pairs.joined, pairs.true) == (1, 2, 4)
    assert (pairs.precision, pairs.recall) == (0.5, 0.25)
    assert pairs.f1 == pytest.approx(1 / 3)
    skipped = pairwise(found, truth, skip={frozenset(("c", "d"))})
    assert skipped.precision == 1.0
    precision, recall = b_cubed(found, truth)
    assert precision == pytest.approx((1 + 1 + 0.5 + 0.5 + 1) / 5)
    assert recall == pytest.approx((2 / 3 + 2 / 3 + 1 / 3 + 1 / 2 + 1 / 2) / 5)
