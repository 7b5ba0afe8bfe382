"""Witnesses are told of the log's checkpoints, signed, once each and again only while they do not answer."""

from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from mdm.checkpoints import Signed, is_genuine, known_keys, write_checkpoint
from mdm.epochs import renew
from mdm.models import Checkpoint, GoldenRecord
from publishing import lanes, tasks
from publishing.endpoints import Proposal, create_endpoint
from publishing.models import Attempt, Endpoint, EndpointKind, EndpointState, Lane
from publishing.verifying import verify
from publishing.witnessing import due_witnesses, next_for, tell, tell_all
from tests.factories import publish, supplier
from tests.publishing.making import OWNER, SIGNING, Answer, Call, Target, pass_time

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> None:
    settings.CHECKPOINT_FILE = tmp_path / "checkpoints.jsonl"
    settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoint.key"


def witness(url: str) -> Endpoint:
    proposal = Proposal(
        code="notary", name="Notary", kind=EndpointKind.WITNESS, url=url, signing_secret=SIGNING, backoff_seconds=(5,)
    )
    endpoint = create_endpoint(proposal=proposal, by=OWNER, from_now=True)
    Endpoint.objects.filter(pk=endpoint.pk).update(state=EndpointState.ACTIVE)
    return endpoint


def checkpoint() -> Checkpoint:
    """One more supplier, numbered and vouched for."""
    key = GoldenRecord.objects.count()
    supplier(f"V{key}", f"Supplier {key}")
    publish()
    row = write_checkpoint()
    assert row is not None
    return row


def test_a_witness_is_sent_the_newest_checkpoint_signed_twice(target: Target) -> None:
    checkpoint()
    newest = checkpoint()
    endpoint = witness(target.url)
    assert tasks.witness() == 1
    [call] = target.calls
    told = Webhook(SIGNING).verify(call.body, call.headers)
    assert (told["type"], told["id"], told["data"]["seq"]) == ("assay.checkpoint.v1", str(newest.uid), 2)
    assert is_genuine(Signed(**told["data"]), known_keys())
    assert Lane.objects.get(endpoint=endpoint).cursor_low == newest.pk
    assert tell_all() == 0
    assert len(target.calls) == 1


def test_a_witness_that_is_away_rests_and_gets_the_same_bytes_again(target: Target, clock: None) -> None:
    row = checkpoint()
    endpoint = witness(target.url)
    target.answer = Answer(503)
    assert tell(endpoint.pk) == 0
    assert due_witnesses() == []
    pass_time(7)
    target.answer = Answer()
    assert tell(endpoint.pk) == 1
    first, second = target.calls
    assert first.body == second.body
    assert (first.headers["webhook-attempt"], second.headers["webhook-attempt"]) == ("1", "2")
    assert list(Attempt.objects.order_by("pk").values_list("http_code", flat=True)) == [503, 200]
    endpoint.refresh_from_db()
    assert endpoint.state == EndpointState.ACTIVE
    assert Lane.objects.get(endpoint=endpoint).cursor_low == row.pk


def test_the_end_of_each_life_of_the_log_is_told(target: Target) -> None:
    checkpoint()
    end = checkpoint()
    renew(reason="restored", by="Olga")
    begun = checkpoint()
    assert [next_for(0), next_for(end.pk), next_for(begun.pk)] == [end, begun, None]
    endpoint = witness(target.url)
    assert tell(endpoint.pk) == 2
    assert [call.json["data"]["epoch"] for call in target.calls] == [str(end.epoch), str(begun.epoch)]


def test_a_refusal_rests_the_witness_instead_of_parking_the_proof(target: Target) -> None:
    checkpoint()
    endpoint = witness(target.url)
    target.answer = Answer(422)
    assert tell(endpoint.pk) == 0
    lane = Lane.objects.get(endpoint=endpoint)
    assert (lane.cursor_low, lane.failures) == (0, 1)


def test_two_workers_do_not_tell_the_same_witness(target: Target) -> None:
    checkpoint()
    endpoint = witness(target.url)
    assert lanes.claim(endpoint.pk, kinds=(EndpointKind.WITNESS,)) is not None
    assert tell(endpoint.pk) == 0
    assert target.calls == []


def test_a_witness_has_to_answer_the_challenge_first(target: Target) -> None:
    endpoint = witness(target.url)
    Endpoint.objects.filter(pk=endpoint.pk).update(state=EndpointState.PENDING_VERIFICATION)
    checkpoint()
    assert tell_all() == 0
    endpoint.refresh_from_db()

    def echo(call: Call) -> Answer:
        return Answer(body=f'{{"challenge": "{call.json["data"]["challenge"]}"}}'.encode())

    target.answer = echo
    verify(endpoint=endpoint, by=OWNER)
    target.answer = Answer()
    assert tell_all() == 1
