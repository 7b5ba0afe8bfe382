"""What an administrator of the database alters is found, and what an honest restore lost is told apart from it."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from mdm import log
from mdm.checkpoints import private_key, public_pem, write_checkpoint
from mdm.epochs import notice_restore
from mdm.errors import Refused
from mdm.models import ChangeEvent, SourceRecord
from mdm.verify import Verdict, verify
from tests.mdm.making import golden, source

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def places(settings: Any, tmp_path: Path) -> None:
    settings.CHECKPOINT_FILE = tmp_path / "checkpoints.jsonl"
    settings.CHECKPOINT_KEY_FILE = tmp_path / "checkpoint.key"
    settings.LOG_MARK_FILE = tmp_path / "log.mark"


@pytest.fixture
def kept(settings: Any, tmp_path: Path) -> Path:
    """Five events; the auditor took a copy of the checkpoint of the fourth away."""
    change(4)
    write_checkpoint()
    copy = tmp_path / "auditor.jsonl"
    copy.write_bytes(settings.CHECKPOINT_FILE.read_bytes())
    change(1)
    return copy


def change(count: int = 1) -> None:
    number = SourceRecord.objects.count()
    for key in range(number, number + count):
        golden(source("erp", "supplier", f"V{key}", name=f"Supplier {key}"))
    log.sequence_all()


def altered(*statements: str) -> None:
    """What a superuser could do: switch the walls off, write, switch them on again."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for sql in statements:
            cursor.execute(sql)
        cursor.execute("SET LOCAL session_replication_role = origin")


def rewrite_from(seq: int) -> None:
    """Forge a whole chain: alter an event and hash everything after it anew, head included."""
    altered(f"UPDATE mdm_changeevent SET body = replace(body, 'Supplier', 'Forged') WHERE seq = {seq}")  # noqa: S608
    last = ChangeEvent.objects.get(seq=seq - 1).hash or ""
    for event in ChangeEvent.objects.filter(seq__gte=seq).order_by("seq"):
        last = log.link_hash(last, event.seq or 0, event.body)
        altered(f"UPDATE mdm_changeevent SET hash = '{last}' WHERE seq = {event.seq}")  # noqa: S608
    altered(f"UPDATE mdm_loghead SET hash = '{last}'")  # noqa: S608


def cut_after(seq: int) -> None:
    """Cut the tail so that nothing inside the database tells."""
    altered(
        f"DELETE FROM mdm_changeevent WHERE seq > {seq}",  # noqa: S608
        f"UPDATE mdm_loghead SET seq = {seq}, hash = (SELECT hash FROM mdm_changeevent WHERE seq = {seq})",  # noqa: S608
        f"DELETE FROM mdm_checkpoint WHERE seq > {seq}",  # noqa: S608
    )


def first(verdict: Verdict) -> str:
    assert verdict.findings, "the alteration went unseen"
    return verdict.findings[0].where


def test_a_hub_without_a_log_is_green() -> None:
    verdict = verify()
    assert (verdict.is_green, verdict.events) == (True, 0)


def test_an_untouched_log_with_its_checkpoints_is_green(kept: Path) -> None:
    verdict = verify(file=kept)
    assert (verdict.is_green, verdict.events, verdict.checkpoints, verdict.notes) == (True, 5, 2, [])


ATTACKS: dict[str, tuple[Callable[[], None], str]] = {
    "one event altered and nothing else": (
        lambda: altered("UPDATE mdm_changeevent SET body = replace(body, 'Supplier 2', 'X') WHERE seq = 3"),
        "event 3 (supplier.created)",
    ),
    "a chain forged to its end": (lambda: rewrite_from(3), "event 4"),
    "the tail cut with its head": (lambda: cut_after(2), "event 3"),
    "an event put in beyond the head": (
        lambda: altered("UPDATE mdm_loghead SET seq = 4, hash = (SELECT hash FROM mdm_changeevent WHERE seq = 4)"),
        "event 5",
    ),
    "everything emptied": (
        lambda: altered(
            "DELETE FROM mdm_changeevent", "DELETE FROM mdm_checkpoint",
            "UPDATE mdm_loghead SET seq = 0, hash = repeat('0', 64)",
        ),
        "event 1",
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", ATTACKS)
def test_an_administrator_is_found_out_by_a_checkpoint_kept_elsewhere(kept: Path, attack: str) -> None:
    act, where = ATTACKS[attack]
    act()
    assert first(verify(file=kept, chain_only=True)) == where


def test_a_cut_tail_is_invisible_from_inside_alone(settings: Any, kept: Path) -> None:
    cut_after(2)
    settings.CHECKPOINT_FILE.unlink()
    assert verify(chain_only=True).is_green
    assert not verify(chain_only=True, file=kept).is_green


def test_a_forged_checkpoint_is_named_with_its_place(kept: Path) -> None:
    content = json.loads(kept.read_text())
    kept.write_text(json.dumps(content | {"hash": "f" * 64}) + "\nnonsense\n")
    whats = [(finding.where, finding.what) for finding in verify(file=kept, chain_only=True).findings]
    assert whats[0][0] == "auditor.jsonl, line 1: the checkpoint of event 4"
    assert "does not bear the signature" in whats[0][1]
    assert whats[1] == ("auditor.jsonl, line 2", "is no checkpoint that can be read")


def test_the_auditors_own_key_decides(settings: Any, kept: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_text(public_pem(private_key().public_key()))
    assert verify(file=kept, public_key=own, chain_only=True).is_green
    settings.CHECKPOINT_KEY_FILE.unlink()
    own.write_text(public_pem(private_key().public_key()))
    assert "which is not known" in verify(file=kept, public_key=own, chain_only=True).findings[0].what
    with pytest.raises(Refused, match="holds no Ed25519 public key"):
        verify(public_key=kept)


def test_what_a_restore_lost_is_said_and_is_no_alteration(kept: Path) -> None:
    cut_after(2)
    assert notice_restore() is not None
    change(3)
    verdict = verify(file=kept)
    assert verdict.is_green
    [note] = verdict.notes
    assert note.startswith("Events 3 to 4 of the life")
    said = StringIO()
    with pytest.raises(SystemExit):
        call_command("verify_log", "--checkpoints", str(kept), "--no-restores", stdout=said)
    assert "RESTORED Events 3 to 4" in said.getvalue()


def test_a_head_in_a_life_nobody_began_is_found(kept: Path) -> None:
    altered("UPDATE mdm_loghead SET epoch = gen_random_uuid()")
    assert "nothing says when and why it began" in verify(chain_only=True).findings[0].what


def test_a_life_that_began_elsewhere_is_found(kept: Path) -> None:
    altered(
        "INSERT INTO mdm_logepoch (epoch, from_seq, from_hash, reason, by, at) "
        "SELECT epoch, 3, repeat('a', 64), 'x', 'x', now() FROM mdm_loghead ON CONFLICT DO NOTHING",
        "UPDATE mdm_logepoch SET from_seq = 3, from_hash = repeat('a', 64)",
    )
    assert first(verify(chain_only=True)) == "event 2"


def test_files_that_cannot_be_used_are_refused_in_words(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="cannot be read"):
        call_command("verify_log", "--checkpoints", str(tmp_path / "none.jsonl"))
