"""Two people at once: one decides, the other is told so, and nothing is done twice."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from matching.misfits import settle
from matching.models import MatchCandidate
from mdm.errors import MdmError
from mdm.models import Link, Merge, SourceRecord
from stewardship.models import Decision
from stewardship.workflow import merge_candidate, reject_candidate, take_out_misfit, undo
from tests.factories import why
from tests.stewardship.questions import misfit, question, send_other, someone, twins, versions_of

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*acts: Any) -> list[Any]:
    """What each act returned or refused, all begun at the same moment."""
    ready = Barrier(len(acts))

    def run(act: Any) -> Any:
        try:
            ready.wait(10)
            return act()
        except MdmError as refusal:
            return refusal
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def test_of_two_verdicts_on_one_question_one_stands() -> None:
    stella, sam = someone("Stella"), someone("Sam")
    first, second = twins()
    waiting = question(first, second)
    shown = versions_of(first, second)

    def merge(user: User, winner: Any) -> Decision:
        return merge_candidate(
            candidate_id=waiting.pk, winner_id=winner.pk, record_ids=list(shown), shown=shown, user=user
        )

    said = at_once(
        lambda: merge(stella, first),
        lambda: merge(sam, second),
        lambda: reject_candidate(candidate_id=waiting.pk, shown=shown, user=sam),
    )
    assert sum(isinstance(answer, Decision) for answer in said) == 1
    assert sum(isinstance(answer, MdmError) for answer in said) == 2
    assert Decision.objects.count() == 1
    assert Merge.objects.count() <= 1


def test_of_two_undos_one_is_done() -> None:
    stella = someone("Stella")
    first, second = twins()
    decision = merge_candidate(
        candidate_id=question(first, second).pk,
        winner_id=first.pk,
        record_ids=[first.pk, second.pk],
        shown=versions_of(first, second),
        user=stella,
    )
    said = at_once(*[lambda: undo(decision_id=decision.pk, user=stella)] * 2)
    assert sum(isinstance(answer, Decision) for answer in said) == 1
    assert Decision.objects.filter(verb="undo").count() == 1


def test_a_decision_and_the_correction_of_a_source_meet() -> None:
    stella, asked = someone("Stella"), misfit()
    record = asked.members.get().record
    changed = SourceRecord.objects.get(system__code="ap")
    said = at_once(
        lambda: take_out_misfit(candidate_id=asked.pk, shown=versions_of(record), user=stella),
        lambda: send_other(changed, tax_id="841368850"),
    )
    state, decided = MatchCandidate.objects.get().state, Decision.objects.exists()
    assert (state, decided) in (("rejected", True), ("withdrawn", False), ("open", False))
    assert decided == (Link.objects.filter(record=record, ended_at=None).count() == 1)
    assert decided or isinstance(said[0], MdmError)
    assert settle(cause=why()) == ((asked.pk,) if state == "open" else ())
