"""Members that no longer fit: the hub asks, whoever linked them, and stops once nothing stands against them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from matching import misfits, tasks, verdicts
from matching.models import CandidateKind, MatchCandidate, Misfit
from matching.preparing import prepare
from matching.rematch_standing import Standing, standings
from mdm import mastering
from mdm.cause import HUB
from mdm.domains import BY_NAME
from mdm.models import Link, Merge, SourceRecord, SourceState
from tests.matching.conftest import Run, change, golden_of
from tests.mdm.intake.making import VENDORS, send, stored, text, without
from tests.mdm.making import golden, source, why

pytestmark = pytest.mark.django_db
OURS, THEIRS = "133668640", "208365999"


def waters(run: Run, *systems: str, **values: str) -> list[SourceRecord]:
    """One company as these systems know it, linked by matching."""
    made = [
        source(code, "supplier", f"{code}-1", name="Waters Corp", tax_id=OURS, **values)
        for code in systems or ("erp", "ap")
    ]
    run("supplier")
    assert len({golden_of(one) for one in made}) == 1
    return made


def proposal() -> MatchCandidate:
    return MatchCandidate.objects.get(kind=CandidateKind.MISFIT)


def states() -> list[str]:
    return list(MatchCandidate.objects.filter(kind=CandidateKind.MISFIT).order_by("pk").values_list("state", flat=True))


def test_another_tax_id_is_a_proposal_and_the_link_stays(run: Run) -> None:
    first, second = waters(run)
    home = golden_of(first)
    change(second, tax_id=THEIRS)
    assert run("supplier").asked == 1
    asked = proposal()
    assert (asked.state, asked.source_record, asked.members.get().record_id) == ("open", second, home)
    assert "Tax id now differs from the rest" in asked.sentence
    assert golden_of(second) == home
    told = asked.misfit
    assert (told.cause, told.against) == ("veto", [["Tax id", THEIRS, OURS]])
    assert told.before["values"]["tax_id"] == OURS
    assert told.after["values"]["tax_id"] == THEIRS
    assert told.linked["score"] > 0.9 > asked.score
    assert told.linked["other"] == first.pk
    [pair] = asked.pairs.all()
    assert (pair.left_source, pair.right_source, pair.vetoes) == (second, first, ["Tax id"])


def test_a_link_people_verified_is_asked_about_and_not_undone(run: Run) -> None:
    first = source("erp", "supplier", "1", name="Waters Corp", tax_id=OURS)
    second = source("ap", "supplier", "2", name="Micromass Ltd")
    run("supplier")
    mastering.merge(winner_id=golden_of(first), loser_ids=[golden_of(second)], expected={}, cause=why("Renamed"))
    change(second, tax_id=THEIRS)
    run("supplier")
    tasks.sweep()
    assert set(standings([first.pk, second.pk]).values()) == {Standing.VERIFIED}
    assert golden_of(second) == golden_of(first)
    assert Merge.objects.get().undone_at is None
    assert (proposal().source_record, proposal().misfit.linked["by"]) == (second, "Stella Steward")


def test_what_people_knew_when_they_merged_is_not_asked_about(run: Run) -> None:
    first = source("erp", "supplier", "1", name="Waters Corp", tax_id=OURS)
    second = source("ap", "supplier", "2", name="Waters Corp", tax_id=THEIRS)
    run("supplier")
    mastering.merge(
        winner_id=golden_of(first), loser_ids=[golden_of(second)], expected={}, cause=why("One of them is old")
    )
    change(second, phone="+15082224444")
    run("supplier")
    assert states() == []
    change(second, tax_id="911144442")
    run("supplier")
    assert states() == ["open"]


def test_too_little_agrees_after_the_change(run: Run) -> None:
    first = source("erp", "supplier", "1", name="Waters Corp", phone="+15084782000", city="Milford", postcode="01757")
    second = source("ap", "supplier", "2", name="Waters Corp", phone="+15084782000", city="Milford", postcode="01757")
    run("supplier")
    assert golden_of(first) == golden_of(second)
    change(second, name="Bolton Surgical LLC", phone="+13125550199", city="Chicago", postcode="60601")
    assert run("supplier").asked == 1
    asked = proposal()
    assert (asked.misfit.cause, asked.misfit.against) == ("score", [])
    assert asked.score < 0.5 < asked.misfit.base["average"]
    assert "too little agrees" in asked.sentence


def test_the_source_corrects_itself_and_nobody_is_asked_any_more(run: Run) -> None:
    _, second = waters(run)
    change(second, tax_id=THEIRS)
    run("supplier")
    change(second, tax_id=OURS)
    run("supplier")
    asked = proposal()
    assert (asked.state, asked.decided_by) == ("withdrawn", HUB.name)
    assert asked.decision_reason == "It fits the rest of its record again."
    change(second, tax_id=THEIRS)
    run("supplier")
    assert states() == ["withdrawn", "open"]


def test_the_same_change_twice_is_one_proposal_and_another_one_brings_it_up_to_date(run: Run) -> None:
    _, second = waters(run)
    for tax_id in (THEIRS, THEIRS, "911144442"):
        change(second, tax_id=tax_id)
        run("supplier")
    told = proposal().misfit
    assert told.against == [["Tax id", "911144442", OURS]]
    assert (told.before["values"]["tax_id"], told.after["values"]["tax_id"]) == (OURS, "911144442")


def test_when_everybody_says_the_same_again_the_first_one_fits(run: Run) -> None:
    first, second, _ = waters(run, "erp", "ap", "legacy")
    change(first, tax_id=THEIRS)
    run("supplier")
    assert proposal().source_record == first
    change(second, tax_id=THEIRS)
    run("supplier")
    assert states() == ["withdrawn"]


def test_what_is_kept_is_not_asked_about_until_its_identifier_changes_again(run: Run) -> None:
    first, second = waters(run)
    change(second, tax_id=THEIRS)
    run("supplier")
    verdicts.close_merged(candidate_id=proposal().pk, cause=why("It moved its seat"))
    assert set(standings([first.pk, second.pk]).values()) == {Standing.VERIFIED}
    for member in (second, first):
        change(member, phone="+15082224444")
        run("supplier")
    tasks.sweep()
    assert states() == ["merged"]
    change(second, tax_id="911144442")
    run("supplier")
    assert states() == ["merged", "open"]


def test_a_member_that_left_by_another_road_is_not_asked_about(run: Run) -> None:
    _, second = waters(run)
    change(second, tax_id=THEIRS)
    run("supplier")
    mastering.take_out(source_record_ids=[second.pk], cause=why("Another company"))
    tasks.sweep()
    assert (states(), proposal().decision_reason) == (
        ["superseded"],
        "It left, or its record is out of use.",
    )


def test_nobody_is_asked_about_a_record_out_of_use(run: Run) -> None:
    _, second = waters(run)
    home = golden_of(second)
    assert home
    change(second, tax_id=THEIRS)
    run("supplier")
    mastering.retire(record_id=home, expected=None, cause=why("Out of business"))
    tasks.sweep()
    assert states() == ["superseded"]
    change(second, tax_id="911144442")
    run("supplier")
    assert states() == ["superseded"]


def test_a_sweep_judges_again_what_changed_around_it(run: Run) -> None:
    first, second, third = waters(run, "erp", "ap", "legacy")
    change(second, tax_id=THEIRS)
    run("supplier")
    assert misfits.settle(cause=why()) == ()
    mastering.take_out(source_record_ids=[first.pk], cause=why("Another company"))
    assert misfits.settle(cause=why()) == ()
    assert states() == ["open"]
    late = source("crm", "supplier", "crm-1", name="Waters Corp", tax_id=THEIRS)
    prepare(BY_NAME["supplier"])
    mastering.link(links=[mastering.LinkTo(late.pk, golden_of(third), "steward")], cause=why("Both numbers are theirs"))
    tasks.sweep()
    assert states() == ["withdrawn"]


def test_somebody_who_put_it_off_is_not_asked_twice(run: Run) -> None:
    _, second = waters(run)
    change(second, tax_id=THEIRS)
    run("supplier")
    verdicts.skip(candidate_id=proposal().pk, by="Stella", until=timezone.now() + timedelta(days=1))
    change(second, tax_id="911144442")
    run("supplier")
    assert states() == ["skipped"]


def test_an_answer_taken_back_does_not_ask_beside_a_newer_question(run: Run) -> None:
    _, second = waters(run)
    change(second, tax_id=THEIRS)
    run("supplier")
    kept = proposal()
    verdicts.close_merged(candidate_id=kept.pk, cause=why("Kept"))
    change(second, tax_id="911144442")
    run("supplier")
    with pytest.raises(verdicts.WrongState, match="asked about anew"):
        verdicts.reopen(candidate_id=kept.pk, by="Stella")
    assert verdicts.ask_again(candidate_ids=[kept.pk]) == 0


def test_a_change_a_persons_act_took_over_is_judged_all_the_same(run: Run) -> None:
    first, second = waters(run)
    change(second, tax_id=THEIRS)
    SourceRecord.objects.filter(pk=second.pk).update(state=SourceState.LINKED)
    assert tasks.match("supplier")["asked"] == 0
    tasks.prepare_all()
    tasks.sweep()
    assert (proposal().source_record, golden_of(second)) == (second, golden_of(first))


def test_records_alone_and_newcomers_are_not_judged(run: Run) -> None:
    alone = source("erp", "supplier", "1", name="Waters Corp", tax_id=OURS)
    run("supplier")
    change(alone, name="Bolton Surgical LLC", tax_id=THEIRS)
    run("supplier")
    assert not MatchCandidate.objects.exists()


def test_from_file_to_proposal_and_back(run: Run, settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    line = "V1,WATERS CORP,{},MILFORD,MA,01757,"
    feeds = [stored(VENDORS), stored(without(VENDORS, feed="vendors_ap", source="ap"))]
    for feed in feeds:
        send(feed, text(line.format("13-3668640")))
    run("supplier")
    for tax_id, expected in (("20-8365999", ["open"]), ("20-8365999", ["open"]), ("13-3668640", ["withdrawn"])):
        send(feeds[1], text(line.format(tax_id)), again=True)
        run("supplier")
        assert states() == expected


def test_postgresql_asks_once_about_a_member_at_a_time() -> None:
    one, other = source("erp", "supplier", "1", name="Waters"), source("ap", "supplier", "2", name="Waters")
    golden(one, other)
    told: dict[str, Any] = {"domain": "supplier", "score": 0.1, "created_at": timezone.now()}
    asked = MatchCandidate.objects.create(kind="misfit", source_record=one, **told)
    for broken in (
        {"kind": "misfit", "source_record": one},
        {"kind": "misfit"},
        {"kind": "conflict", "source_record": other},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            MatchCandidate.objects.create(**broken, **told)
    for cause in ("veto", "else"):
        with pytest.raises(IntegrityError), transaction.atomic():
            Misfit.objects.create(candidate=asked, cause=cause, after={}, judged_at=timezone.now())
    assert Link.objects.filter(ended_at=None).count() == 2
