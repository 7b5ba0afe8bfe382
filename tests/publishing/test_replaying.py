"""Replays: a range, what is missing, or all as it is now; once more each, the same bytes, wherever it was killed."""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from mdm import canonical
from mdm.domains import BY_NAME
from mdm.errors import Invalid, WrongState
from mdm.mastering import NewRecord, contribute, create
from mdm.models import SourceRecord
from publishing import again, replaying
from publishing.lanes import LEASE
from publishing.models import (
    Delivery,
    Endpoint,
    EndpointKind,
    EndpointState,
    Holding,
    Intervention,
    JobState,
    Lane,
    Mode,
    Replay,
    ReplayKind,
)
from publishing.purging import purge
from publishing.replaying import cancel_replay, progress, start_replay
from publishing.verbs import pause
from tests.factories import MARCH, publish, supplier, system, why
from tests.publishing.making import OWNER, Answer, Call, Target, pass_time, rename, rest, run, suppliers, webhook

PROJECT = Path(__file__).resolve().parents[2]
DAY = 24 * 3600
pytestmark = pytest.mark.django_db


def replayed(target: Target) -> list[Call]:
    return [call for call in target.calls if "webhook-replay" in call.headers]


def replay(endpoint: Endpoint, kind: ReplayKind, **given: Any) -> Replay:
    """A replay, gone through as far as it goes."""
    job = start_replay(endpoint=endpoint, kind=kind, by=OWNER, **given)
    while run(endpoint).delivered:
        pass
    job.refresh_from_db()
    return job


def test_a_range_is_sent_once_more_with_the_same_id_and_bytes_and_the_mark_of_the_job(target: Target) -> None:
    one, two = suppliers(2)
    rename(one, "Second")
    rename(two, "Second too")
    endpoint = webhook(target.url)
    assert run(endpoint).delivered == 4
    first = {call.headers["webhook-id"]: call.body for call in target.calls}
    job = replay(endpoint, ReplayKind.RANGE, from_seq=2, to_seq=3, reason="lost their disk")
    calls = replayed(target)
    assert sorted(call.json["sequence"][-1] for call in calls) == ["2", "3"]
    assert all(first[call.headers["webhook-id"]] == call.body for call in calls)
    assert {call.headers["webhook-replay"] for call in calls} == {str(job.pk)}
    assert (job.state, job.offered, job.cursor) == (JobState.DONE, 2, 3)
    assert job.finished_at is not None
    done = progress(job)
    assert (done.looked_at, done.total, done.offered, done.delivered, done.waiting, done.percent) == (
        2,
        2,
        2,
        2,
        0,
        100,
    )
    assert Holding.objects.get(record=one).version == 2
    assert "lost their disk" in Intervention.objects.get(verb="replay").reason
    run(endpoint)
    assert len(replayed(target)) == 2


def test_a_range_of_chosen_domains_leaves_the_others_alone(target: Target) -> None:
    suppliers(2)
    endpoint = webhook(target.url)
    run(endpoint)
    assert replay(endpoint, ReplayKind.RANGE, domains=("item",)).offered == 0
    assert replay(endpoint, ReplayKind.RANGE, domains=("supplier",)).offered == 2


def test_where_only_the_latest_state_counts_a_range_gives_the_newest_of_its_records(target: Target) -> None:
    one, _ = suppliers(2)
    endpoint = webhook(target.url, mode=Mode.LATEST_STATE)
    run(endpoint)
    rename(one, "Second")
    run(endpoint)
    job = replay(endpoint, ReplayKind.RANGE, from_seq=1, to_seq=2)
    assert job.offered == 2
    assert sorted(call.json["recordversion"] for call in replayed(target)) == [1, 2]


def test_a_rest_target_ends_with_the_newest_version_after_old_ones(target: Target) -> None:
    one = suppliers(1)[0]
    for name in ("Second", "Third"):
        rename(one, name)
    endpoint = rest(target.url)
    run(endpoint)
    replay(endpoint, ReplayKind.RANGE, from_seq=1, to_seq=2)
    assert [call.json["version"] for call in replayed(target)] == [1, 2, 3]


def test_what_is_missing_is_sent_and_nothing_else(target: Target, clock: None) -> None:
    one, two, three = suppliers(3)
    endpoint = webhook(target.url)
    Lane.objects.update(cursor_low=publish())
    rename(two, "Second")
    run(endpoint)
    job = replay(endpoint, ReplayKind.MISSING)
    assert sorted(call.json["subject"] for call in replayed(target)) == [str(one.pk), str(three.pk)]
    assert replay(endpoint, ReplayKind.MISSING).offered == 0
    Holding.objects.filter(record=two).update(version=1, seq=2)
    assert replay(endpoint, ReplayKind.MISSING).offered == 1
    assert target.versions(two) == [2, 2]
    assert job.kind == ReplayKind.MISSING


def test_parked_records_are_missing(target: Target) -> None:
    suppliers(1)
    target.answer = Answer(422)
    endpoint = webhook(target.url, retry_seconds=())
    run(endpoint)
    target.answer = Answer()
    assert replay(endpoint, ReplayKind.MISSING).offered == 1
    assert Delivery.objects.get().state == "delivered"


def test_a_snapshot_sends_each_record_once_as_it_is_now(target: Target) -> None:
    one, two = suppliers(2)
    rename(one, "Second")
    endpoint = webhook(target.url)
    run(endpoint)
    assert replay(endpoint, ReplayKind.SNAPSHOT).offered == 2
    assert {(c.json["subject"], c.json["recordversion"]) for c in replayed(target)} == {
        (str(one.pk), 2), (str(two.pk), 1),
    }  # fmt: skip


def test_after_a_change_of_the_filter_the_missing_are_told_what_matches_and_what_left(target: Target) -> None:
    dollars, euros = supplier("1", "Acme", currency="USD"), supplier("2", "Bolt", currency="EUR")
    publish()
    endpoint = webhook(target.url)
    run(endpoint)
    told_in_full = {call.headers["webhook-id"] for call in target.calls}
    endpoint.selection = {"attributes": {"supplier": [{"attribute": "currency", "is": ["USD"]}]}}
    endpoint.save(update_fields=["selection"])
    assert replay(endpoint, ReplayKind.MISSING).offered == 1
    last = target.calls[-1]
    assert last.json["type"] == "assay.supplier.left.v1"
    assert last.json["subject"] == str(euros.pk)
    assert last.headers["webhook-id"] == last.json["id"] not in told_in_full
    assert set(Holding.objects.filter(left=False).values_list("record_id", flat=True)) == {dollars.pk}
    assert replay(endpoint, ReplayKind.MISSING).offered == 0
    endpoint.selection = {}
    endpoint.save(update_fields=["selection"])
    assert replay(endpoint, ReplayKind.MISSING).offered == 1
    assert target.calls[-1].json["type"] == "assay.supplier.created.v1"
    assert Holding.objects.filter(left=False).count() == 2


def test_what_was_purged_is_made_anew(target: Target, clock: None) -> None:
    one = suppliers(1)[0]
    rename(one, "Second")
    endpoint = webhook(target.url)
    run(endpoint)
    pass_time(31 * DAY)
    assert purge() == 1
    assert replay(endpoint, ReplayKind.RANGE).offered == 2
    assert [call.json["recordversion"] for call in replayed(target)] == [1, 2]


def test_no_more_than_a_window_waits_at_a_time(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying.advance, "__kwdefaults__", {"most": 5, "seconds": 0.0})
    monkeypatch.setattr(again, "LOOKED_AT", 7)
    suppliers(20)
    endpoint = webhook(target.url)
    run(endpoint)
    waiting: list[int] = []
    job = start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, by=OWNER)
    while job.state != JobState.DONE or Delivery.objects.exclude(state="delivered").exists():
        assert run(endpoint).delivered
        job.refresh_from_db()
        waiting.append(Delivery.objects.filter(state="waiting").count())
    assert max(waiting) <= 5
    assert sorted(call.json["sequence"] for call in replayed(target)) == [f"{seq:020d}" for seq in range(1, 21)]


def test_it_rests_while_the_endpoint_stands_still_and_ends_when_cancelled(target: Target) -> None:
    suppliers(2)
    endpoint = webhook(target.url)
    run(endpoint)
    job = start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, by=OWNER)
    pause(endpoint=endpoint, by=OWNER, reason="month end")
    run(endpoint)
    job.refresh_from_db()
    assert (job.offered, job.state) == (0, JobState.WAITING)
    cancel_replay(replay=job, by=OWNER, reason="no longer asked for")
    Endpoint.objects.update(state=EndpointState.ACTIVE)
    run(endpoint)
    assert replayed(target) == []
    with pytest.raises(WrongState, match="The replay is cancelled"):
        cancel_replay(replay=job, by=OWNER)


def test_one_replay_of_an_endpoint_at_a_time(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    run(endpoint)
    first = start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, by=OWNER)
    with pytest.raises(WrongState, match="A replay to Hook is running"):
        start_replay(endpoint=endpoint, kind=ReplayKind.MISSING, by=OWNER)
    first.pk = None
    with pytest.raises(IntegrityError, match="replay_of_an_endpoint_runs_one_at_a_time"), transaction.atomic():
        first.save(force_insert=True)


def test_every_fault_is_named_at_once(target: Target) -> None:
    suppliers(2)
    endpoint = webhook(target.url)
    run(endpoint)
    with pytest.raises(Invalid) as error:
        start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, from_seq=0, to_seq=-3, domains=["vendor"], by=OWNER)
    assert [field for field, _ in error.value.problems] == ["from_seq", "to_seq", "domains"]
    with pytest.raises(Invalid) as error:
        start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, from_seq=3, by=OWNER)
    assert "has been told up to 2" in error.value.problems[0][1]
    Endpoint.objects.update(kind=EndpointKind.WITNESS)
    with pytest.raises(WrongState, match="keeps checkpoints"):
        start_replay(endpoint=endpoint, kind=ReplayKind.SNAPSHOT, by=OWNER)
    assert not Replay.objects.exists()


def test_the_command_starts_goes_through_and_cancels(target: Target) -> None:
    suppliers(2)
    run(webhook(target.url))
    said = StringIO()
    call_command("replay", "hook", "--from", "1", "--here", stdout=said)
    assert "(done): 2 of 2 numbers looked at, 2 offered, 2 delivered, 0 waiting, 0 parked" in said.getvalue()
    call_command("replay", "hook", "--snapshot", stdout=said)
    call_command("replay", "hook", "--cancel", stdout=said)
    assert "(cancelled): 0 of 2" in said.getvalue()
    for given, words in (
        (["nobody", "--missing"], "There is no endpoint nobody"),
        (["hook"], "Say one of"),
        (["hook", "--missing", "--snapshot"], "Say one of"),
        (["hook", "--cancel"], "No replay to Hook is running"),
        (["hook", "--from", "9"], "has been told up to 2"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("replay", *given, stdout=said)


def many_suppliers(count: int) -> None:
    """Active suppliers in one go, their events numbered."""
    erp = system("erp")
    rows = SourceRecord.objects.bulk_create(
        SourceRecord(
            system=erp, domain="supplier", key=f"B{number}", values={"name": f"Bulk {number} Ltd"}, parts={},
            content_hash=canonical.digest([number]), as_of=MARCH, first_seen_at=MARCH, last_seen_at=MARCH,
        )
        for number in range(count)
    )  # fmt: skip
    create(domain=BY_NAME["supplier"], records=[NewRecord((row.pk,), state="active") for row in rows], cause=why())  # type: ignore[arg-type]
    publish()


@pytest.mark.django_db(transaction=True)
def test_a_replay_of_thousands_killed_in_the_middle_goes_on_and_sends_each_once_more(
    target: Target, clock: None
) -> None:
    count = 2000
    many_suppliers(count)
    endpoint = webhook(target.url, max_in_flight=8)
    Lane.objects.update(cursor_low=count)  # told long ago: the deliveries themselves are purged
    job = start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, by=OWNER)
    half = threading.Event()

    def answer(call: Call) -> Answer:
        if len(target.calls) >= count // 2:
            half.set()
        return Answer()

    target.answer = answer
    database = connection.settings_dict
    place = f"host={database['HOST']}&port={database['PORT']}"
    url = f"postgresql://{database['USER']}:{quote(database['PASSWORD'])}@/{database['NAME']}?{place}"
    worker = subprocess.Popen(
        [sys.executable, "-m", "django", "drain", "--until-empty"],
        cwd=PROJECT,
        env={**os.environ, "DATABASE_URL": url, "ASSAY_KEYS_FILE": str(settings.KEYS_FILE)},
        stdout=subprocess.DEVNULL,
    )
    assert half.wait(90)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    job.refresh_from_db()
    assert job.state == JobState.RUNNING
    pass_time(int(LEASE.total_seconds()) + 1)
    while run(endpoint).delivered:
        pass
    job.refresh_from_db()
    assert (job.state, job.offered) == (JobState.DONE, count)
    times = Counter(call.headers["webhook-id"] for call in target.calls)
    assert len(times) == count
    assert len(replayed(target)) == len(target.calls)
    twice = [uid for uid, seen in times.items() if seen > 1]
    assert len(twice) <= 8 * 8  # what stood ready or was on its way when it was killed
    assert len({(call.headers["webhook-id"], call.body) for call in target.calls}) == count


def test_an_old_version_never_turns_back_what_the_target_holds(target: Target) -> None:
    one = suppliers(1)[0]
    contribute(record_id=one.pk, values={"name": "Second"}, expected=None, cause=why())
    publish()
    endpoint = webhook(target.url)
    run(endpoint)
    replay(endpoint, ReplayKind.RANGE, from_seq=1, to_seq=1)
    assert Holding.objects.get().version == 2


def test_where_not_all_types_are_told_the_last_one_told_stands_for_the_record(target: Target) -> None:
    one = suppliers(1)[0]
    rename(one, "Second")
    endpoint = webhook(target.url)
    for types in (["created"], ["created", "left"]):
        endpoint.selection = {"types": types}
        endpoint.save(update_fields=["selection"])
        run(endpoint)
        assert replay(endpoint, ReplayKind.SNAPSHOT).offered == 1
        assert replay(endpoint, ReplayKind.MISSING).offered == 0
    assert {call.json["type"] for call in target.calls} == {"assay.supplier.created.v1"}
