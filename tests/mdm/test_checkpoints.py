"""Checkpoints are signed, kept in table and file, and tell a restored database from the one that was known."""

import json
import stat
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from mdm import checkpoints, log
from mdm.checkpoints import backwards, is_genuine, known_keys, private_key, read_file, signed, write_checkpoint
from mdm.epochs import Mark, notice_restore, renew
from mdm.errors import Refused
from mdm.models import LogEpoch, LogHead, SourceRecord
from tests.mdm.making import golden, source

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> Path:
    settings.CHECKPOINT_FILE = tmp_path / "elsewhere" / "checkpoints.jsonl"
    settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoint.key"
    settings.LOG_MARK_FILE = tmp_path / "log.mark"
    return tmp_path


def change(count: int = 1) -> None:
    number = SourceRecord.objects.count()
    for key in range(number, number + count):
        golden(source("erp", "supplier", f"V{key}", name=f"Supplier {key}"))
    log.sequence_all()


def lines(file: Path) -> list[int]:
    return [line.seq for _, line in read_file(file) if line]


def go_back_to(seq: int) -> None:
    """What restoring an older backup does to the log."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM mdm_changeevent WHERE seq > %s", [seq])
        cursor.execute("DELETE FROM mdm_checkpoint WHERE seq > %s", [seq])
        cursor.execute(
            "UPDATE mdm_loghead SET seq = %s, hash = coalesce((SELECT hash FROM mdm_changeevent WHERE seq = %s), %s)",
            [seq, seq, log.GENESIS],
        )
        cursor.execute("SET LOCAL session_replication_role = origin")


def test_a_checkpoint_is_the_signed_head_in_table_and_file(settings: Any) -> None:
    assert write_checkpoint() is None
    change(2)
    row = write_checkpoint()
    assert row is not None
    head = LogHead.objects.get()
    assert (row.epoch, row.seq, row.hash) == (head.epoch, 2, head.hash)
    assert write_checkpoint() is None
    [(_, line)] = read_file(settings.CHECKPOINT_FILE)
    assert line == signed(row)
    assert is_genuine(line, known_keys())


@pytest.mark.parametrize("field", ["seq", "hash", "epoch", "at"])
def test_a_checkpoint_altered_anywhere_is_not_genuine(settings: Any, field: str) -> None:
    change()
    write_checkpoint()
    content = json.loads(settings.CHECKPOINT_FILE.read_text())
    content[field] = {"seq": 2, "at": "2026-01-01T00:00:00+00:00"}.get(field, str(content[field])[::-1])
    forged = checkpoints.read_line(json.dumps(content))
    assert forged is not None
    assert is_genuine(forged, known_keys()) is False
    assert is_genuine(forged, {}) is None


def test_the_key_is_made_once_and_closed_to_others(settings: Any) -> None:
    first = private_key().public_key()
    assert private_key().public_key() == first
    assert stat.S_IMODE(settings.CHECKPOINT_KEY_FILE.stat().st_mode) == 0o600
    said = StringIO()
    call_command("checkpoint_key", stdout=said, stderr=StringIO())
    assert said.getvalue() == checkpoints.public_pem(first)


def test_a_key_brought_from_another_machine_is_known_from_its_first_use(settings: Any) -> None:
    private_key()
    Path(f"{settings.CHECKPOINT_KEY_FILE}.pub").unlink()
    change()
    row = write_checkpoint()
    assert row is not None
    assert is_genuine(signed(row), known_keys())
    assert Path(f"{settings.CHECKPOINT_KEY_FILE}.pub").read_text().count("BEGIN") == 1


def test_a_key_file_of_another_kind_is_refused(settings: Any) -> None:
    settings.CHECKPOINT_KEY_FILE.write_text("nonsense")
    with pytest.raises(Refused, match="holds no Ed25519 private key"):
        private_key()


def test_old_checkpoints_stay_verifiable_under_a_new_key(settings: Any) -> None:
    change()
    write_checkpoint()
    settings.CHECKPOINT_KEY_FILE.unlink()
    change()
    write_checkpoint()
    found = [line for _, line in read_file(settings.CHECKPOINT_FILE) if line]
    assert len({line.key_id for line in found}) == 2
    assert all(is_genuine(line, known_keys()) for line in found)


def test_a_file_that_could_not_be_written_is_caught_up(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    change()
    write_checkpoint()
    kept = settings.CHECKPOINT_FILE
    (kept.parent.parent / "in the way").write_text("")
    settings.CHECKPOINT_FILE = kept.parent.parent / "in the way" / "checkpoints.jsonl"
    change()
    assert write_checkpoint() is not None
    assert "cannot be written" in caplog.text
    settings.CHECKPOINT_FILE = kept
    change()
    write_checkpoint()
    assert lines(kept) == [1, 2, 3]


def test_a_torn_line_stays_a_line_of_its_own(settings: Any) -> None:
    change()
    write_checkpoint()
    with settings.CHECKPOINT_FILE.open("a") as file:
        file.write('{"seq": 2, "ha')
    change()
    write_checkpoint()
    assert [line.seq if line else None for _, line in read_file(settings.CHECKPOINT_FILE)] == [1, None, 2]
    assert [line.seq for line in backwards(settings.CHECKPOINT_FILE)] == [2, 1]


def test_a_long_file_is_read_backwards_block_by_block(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(4):
        change()
        write_checkpoint()
    for size in (1, 7, 300, 1 << 20):
        monkeypatch.setattr(checkpoints, "BLOCK", size)
        assert [line.seq for line in backwards(settings.CHECKPOINT_FILE)] == [4, 3, 2, 1]


def test_checkpoints_and_lives_are_never_altered() -> None:
    change()
    write_checkpoint()
    for attack in (
        "UPDATE mdm_checkpoint SET at = now()",
        "DELETE FROM mdm_checkpoint",
        "UPDATE mdm_logepoch SET at = now()",
        "DELETE FROM mdm_logepoch",
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(attack)


def test_the_first_life_is_written_down_with_the_head() -> None:
    change()
    life = LogEpoch.objects.get()
    assert (life.epoch, life.from_seq, life.from_hash) == (LogHead.objects.get().epoch, 1, log.GENESIS)
    assert notice_restore() is None


def test_a_database_older_than_the_file_begins_a_new_life(caplog: pytest.LogCaptureFixture) -> None:
    change(3)
    write_checkpoint()
    known = LogHead.objects.get().epoch
    go_back_to(1)
    begun = notice_restore()
    assert begun is not None
    assert (begun.from_seq, begun.epoch == known) == (2, False)
    assert "event 3 was numbered before, and the database ends at 1" in begun.reason
    assert "RESTORED" in caplog.text
    assert notice_restore() is None, "the new life is known"
    change()
    write_checkpoint()
    assert notice_restore() is None


def test_the_mark_tells_what_no_checkpoint_has_seen_yet() -> None:
    change(2)
    write_checkpoint()
    change(2)
    mark = Mark()
    mark.leave()
    mark.close()
    go_back_to(3)
    begun = notice_restore()
    assert begun is not None
    assert "event 4" in begun.reason


def test_other_events_under_known_numbers_are_a_restore_too() -> None:
    change(3)
    write_checkpoint()
    go_back_to(1)
    change(4)
    begun = notice_restore()
    assert begun is not None
    assert "event 3 is another one" in begun.reason


def test_a_backup_from_before_a_restore_is_noticed_as_well(settings: Any) -> None:
    change(2)
    write_checkpoint()
    first = LogHead.objects.get()
    renew(reason="restored by hand", by="Olga")
    change(1)
    write_checkpoint()
    go_back_to(2)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM mdm_logepoch WHERE epoch <> %s", [first.epoch])
        cursor.execute("UPDATE mdm_loghead SET epoch = %s", [first.epoch])
        cursor.execute("SET LOCAL session_replication_role = origin")
    begun = notice_restore()
    assert begun is not None
    assert "does not know the life" in begun.reason
    assert notice_restore() is None


def test_the_file_of_another_installation_says_nothing(settings: Any) -> None:
    change()
    write_checkpoint()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("DELETE FROM mdm_changeevent; DELETE FROM mdm_checkpoint")
        cursor.execute("DELETE FROM mdm_logepoch; DELETE FROM mdm_loghead")
        cursor.execute("SET LOCAL session_replication_role = origin")
    log.begin()
    assert notice_restore() is None


def test_the_command_begins_a_new_life_by_hand() -> None:
    change()
    said = StringIO()
    with pytest.raises(CommandError, match="say what was restored"):
        call_command("renew_epoch", "--reason", " ")
    call_command("renew_epoch", "--reason", "Backup of Monday", "--by", "Olga", stdout=said)
    life = LogEpoch.objects.latest("id")
    assert (life.reason, life.by, life.from_seq) == ("Backup of Monday", "Olga", 2)
    assert str(life.epoch) in said.getvalue()
    assert LogHead.objects.get().epoch == life.epoch
    assert notice_restore() is None
