"""Full old partitions become files that prove themselves, and the log goes on being verifiable without them."""

import gzip
import json
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from mdm import log
from mdm.archive import archive, drop, verify_archive
from mdm.cause import HUB
from mdm.errors import Invalid, Refused
from mdm.mastering import contribute
from mdm.models import ChangeEvent, GoldenRecord, LogCut
from mdm.partitions import keep_up
from mdm.queries import feed_head
from mdm.verify import verify
from publishing.models import EndpointState, Lane, ReplayKind
from publishing.replaying import start_replay
from tests.mdm.making import golden, source, why
from tests.publishing.making import webhook

pytestmark = pytest.mark.django_db

TOMORROW = timezone.now().date() + timedelta(days=1)


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> None:
    settings.CHECKPOINT_FILE = tmp_path / "checkpoints.jsonl"
    settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoint.key"


def run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def settle_walls() -> None:
    run("SET CONSTRAINTS ALL IMMEDIATE")
    run("SET CONSTRAINTS ALL DEFERRED")


@pytest.fixture
def old() -> None:
    """Three events in a partition that is full, two in a later one."""
    run("SELECT setval(pg_get_serial_sequence('mdm_changeevent', 'id'), 999990)")
    for key in range(3):
        golden(source("erp", "supplier", f"V{key}", name=f"Supplier {key}"))
    run("SELECT setval(pg_get_serial_sequence('mdm_changeevent', 'id'), 2000100)")
    settle_walls()
    keep_up()
    for key in range(3, 5):
        golden(source("erp", "supplier", f"V{key}", name=f"Supplier {key}"))
    log.sequence_all()
    settle_walls()
    assert keep_up().sealed == ("mdm_changeevent_p000000",)


def test_a_full_partition_is_sealed_and_takes_no_more(old: None) -> None:
    assert keep_up().sealed == ()
    assert [event.seq for event in ChangeEvent.objects.filter(seq__gt=3).order_by("seq")] == [4, 5]


def test_an_archive_holds_the_chain_and_proves_itself(old: None, tmp_path: Path) -> None:
    written = archive(before=TOMORROW, folder=tmp_path / "2026")
    assert (written.from_seq, written.to_seq, written.partitions) == (1, 3, ("mdm_changeevent_p000000",))
    verdict = verify_archive(tmp_path / "2026")
    assert (verdict.is_green, verdict.events) == (True, 3)
    said = StringIO()
    call_command("verify_log", "--archive", str(tmp_path / "2026"), stdout=said)
    assert "Green" in said.getvalue()
    assert ChangeEvent.objects.count() == 5


def test_an_altered_archive_names_its_first_altered_event(old: None, tmp_path: Path) -> None:
    archive(before=TOMORROW, folder=tmp_path / "a")
    [file] = (tmp_path / "a").glob("*.gz")
    with gzip.open(file, "rt") as written:
        lines = [json.loads(line) for line in written]
    lines[1]["body"] = lines[1]["body"].replace("Supplier 1", "Forged")
    with gzip.open(file, "wt") as out:
        out.writelines(json.dumps(line) + "\n" for line in lines)
    findings = verify_archive(tmp_path / "a").findings
    assert findings[0].where == "event 2 (supplier.created)"
    with pytest.raises(Refused, match="nothing was dropped"):
        drop(archive(before=TOMORROW, folder=tmp_path / "b").__class__(tmp_path / "a", 1, 3, ()), by="Olga")


@pytest.fixture
def outdated(old: None) -> None:
    """What the old events tell is old news: their records have changed since."""
    for record in GoldenRecord.objects.order_by("code")[:3]:
        contribute(record_id=record.pk, values={"website": "new.example"}, expected=1, cause=why("moved"))
    log.sequence_all()
    settle_walls()


def test_what_a_new_target_would_need_is_not_dropped(old: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="present state of 3 active records"):
        call_command("archive_log", "--before", str(TOMORROW), "--out", str(tmp_path / "a"), "--drop")
    assert (ChangeEvent.objects.count(), LogCut.objects.count()) == (5, 0)


def test_what_an_endpoint_that_stands_still_has_not_been_told_is_not_dropped(outdated: None, tmp_path: Path) -> None:
    webhook("http://127.0.0.1:8801/hook", state=EndpointState.PAUSED, code="erp")
    Lane.objects.update(cursor_low=2)
    written = archive(before=TOMORROW, folder=tmp_path / "a")
    with pytest.raises(Refused, match="have not been told yet: erp"):
        drop(written, by="Olga")
    assert ChangeEvent.objects.count() == 8
    Lane.objects.update(cursor_low=3)
    settle_walls()
    drop(written, by="Olga")
    assert ChangeEvent.objects.count() == 5


def test_a_range_that_begins_with_dropped_events_is_refused_with_where_to_begin(outdated: None, tmp_path: Path) -> None:
    endpoint = webhook("http://127.0.0.1:8801/hook", code="erp")
    Lane.objects.update(cursor_low=8)
    drop(archive(before=TOMORROW, folder=tmp_path / "a"), by="Olga")
    with pytest.raises(Invalid) as refused:
        start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, from_seq=2, by=HUB)
    assert list(refused.value.problems) == [
        ("from_seq", "Events up to 3 were archived and dropped. Begin with 4, or send every record as it is.")
    ]
    assert start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, from_seq=4, by=HUB).to_seq == 8


@pytest.mark.parametrize(
    ("command", "word", "said"),
    [
        ("archive_log", "--before=soon", "soon is not a day: write it as 2026-12-31"),
        ("verify_log", "--limit=0", "0 is not a number of 1 or more"),
        ("verify_log", "--limit=all", "all is not a number of 1 or more"),
    ],
)
def test_a_wrong_word_is_answered_in_words(command: str, word: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command(command, word, *(["--out", "a"] if command == "archive_log" else []))


def test_a_folder_that_is_no_archive_is_named_with_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"no archive that can be read: .+ is missing\. Name a whole folder"):
        call_command("verify_log", "--archive", str(tmp_path))


def test_dropping_leaves_a_log_that_goes_on_where_the_archive_ends(outdated: None, tmp_path: Path) -> None:
    call_command("archive_log", "--before", str(TOMORROW), "--out", str(tmp_path / "a"), "--drop", stdout=StringIO())
    assert list(ChangeEvent.objects.order_by("seq").values_list("seq", flat=True)) == [4, 5, 6, 7, 8]
    assert LogCut.objects.get().through_seq == 3
    verdict = verify()
    assert (verdict.findings, verdict.events) == ([], 5)
    said = StringIO()
    call_command("verify_log", stdout=said)
    assert "ARCHIVED Events 1 to 3 were archived as events-1-3.jsonl.gz" in said.getvalue()
    assert feed_head().oldest == 4
    assert verify_archive(tmp_path / "a").is_green


def test_what_is_not_full_or_not_old_is_not_archived(old: None, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="No whole partition"):
        call_command("archive_log", "--before", "2020-01-01", "--out", str(tmp_path / "a"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").write_text("")
    with pytest.raises(Refused, match="not empty"):
        archive(before=TOMORROW, folder=tmp_path / "full")
    with pytest.raises(Refused, match="no archive"):
        verify_archive(tmp_path)
