"""What a merge would mean at each target, asked beforehand, is what each target is told afterwards."""

import pytest
from django.test import override_settings

from mdm.mastering import merge
from mdm.models import GoldenRecord
from mdm.targets import Merging, targets_of
from publishing.models import Endpoint, EndpointState, Holding
from tests.factories import publish, why
from tests.publishing.making import Answer, Call, Target, run, suppliers, webhook

pytestmark = pytest.mark.django_db


def own_ids(call: Call) -> Answer:
    """A target that numbers what it is given by the code it has here."""
    return Answer(body=b'{"id": "V-%s"}' % call.json["data"]["code"].encode())


def asked(winner: GoldenRecord, *losers: GoldenRecord) -> list[tuple[str, str, int | None, str, bool]]:
    return [
        (target.code, one.gone.local_id, one.gone.version, one.into.local_id if one.into else one.into_code, one.told)
        for target in targets_of([Merging(winner.pk, [loser.pk for loser in losers])])
        for one in target.consequences
    ]


def test_it_names_the_ids_the_target_gave_and_the_target_is_told_of_exactly_those(target: Target) -> None:
    target.answer = own_ids
    winner, loser, other = suppliers(3)
    hook = webhook(target.url)
    run(hook)
    assert asked(winner, loser) == [("hook", f"V-{loser.code}", 1, f"V-{winner.code}", True)]
    target.calls.clear()
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={winner.pk: 1, loser.pk: 1}, cause=why("one company"))
    publish()
    run(hook)
    merged = [call.json for call in target.calls if call.json["type"].endswith(".merged.v1")]
    assert [(one["subject"], one["data"]["merged_into"]) for one in merged] == [(str(loser.pk), str(winner.pk))]
    assert other.code not in str(merged)


def test_a_target_that_never_held_the_winner_hears_its_code(target: Target) -> None:
    winner, loser = suppliers(2)
    run(webhook(target.url))
    Holding.objects.filter(record=winner).delete()
    assert asked(winner, loser) == [("hook", "V-1", 1, winner.code, True)]


def test_what_is_still_on_its_way_counts_without_a_version(target: Target) -> None:
    winner, loser = suppliers(2)
    target.answer = Answer(code=503)
    run(webhook(target.url))
    assert asked(winner, loser) == [("hook", "", None, "", True)]


def test_who_asked_not_to_be_told_of_merges_is_named_as_such(target: Target) -> None:
    winner, loser = suppliers(2)
    hook = webhook(target.url)
    run(hook)
    Endpoint.objects.update(selection={"types": ["created", "changed"]}, state=EndpointState.PAUSED)
    assert [one[4] for one in asked(winner, loser)] == [False]
    [found] = targets_of([Merging(winner.pk, [loser.pk])])
    assert found.holding_back == "paused"
    Endpoint.objects.update(selection={}, domains=["item"])
    assert [one[4] for one in asked(winner, loser)] == [False]


def test_targets_that_have_none_of_those_that_go_are_not_named(target: Target) -> None:
    winner, loser = suppliers(2)
    run(webhook(target.url))
    Holding.objects.filter(record=loser).update(left=True)
    assert asked(winner, loser) == []


@override_settings(TARGETS_OF_MERGE="")
def test_without_a_room_that_carries_facts_out_nothing_is_said() -> None:
    winner, loser = suppliers(2)
    assert asked(winner, loser) == []


def test_it_asks_the_database_four_times_however_many(target: Target, django_assert_num_queries) -> None:
    made = suppliers(6)
    for number in range(3):
        run(webhook(target.url, code=f"hook{number}"))
    with django_assert_num_queries(4):
        assert len(asked(*made)) == 15
