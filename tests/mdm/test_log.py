"""The log: gapless numbers after commit, a chain that shows every alteration, a verifier that names it."""

import threading
from collections.abc import Iterator

import pytest
from django.db import close_old_connections, connection, connections, transaction

from mdm import log
from mdm.mastering import contribute, merge
from mdm.models import ChangeEvent, LogHead
from mdm.verify import verify
from tests.mdm.making import golden, source, why


def altered(sql: str) -> None:
    """What a superuser could do: switch the walls off, write, switch them on again."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)


@pytest.fixture
def story(transactional_db: None) -> Iterator[None]:
    first = golden(source("erp", "supplier", "V1", name="Acme Inc"))
    second = golden(source("ap", "supplier", "7", name="Acme"))
    golden(source("erp", "facility", "F1", name="Mercy", city="Reno"))
    contribute(record_id=first.pk, values={"website": "acme.example"}, expected=1, cause=why("asked by phone"))
    merge(winner_id=first.pk, loser_ids=[second.pk], expected={}, cause=why("one company"))
    log.sequence_all()
    return


def test_numbers_are_dense_and_the_chain_holds(story: None) -> None:
    assert list(ChangeEvent.objects.order_by("seq").values_list("seq", flat=True)) == [1, 2, 3, 4, 5, 6]
    assert LogHead.objects.get().seq == 6
    verdict = verify()
    assert (verdict.is_green, verdict.events, verdict.versions, verdict.records) == (True, 6, 6, 3)
    assert log.sequence() == 0


def test_an_event_outside_a_transaction_is_refused(transactional_db: None) -> None:
    with pytest.raises(RuntimeError, match="outside the transaction"):
        log.emit([])


ATTACKS = {
    "body of an event": (
        "UPDATE mdm_changeevent SET body = replace(body, 'phone', 'fax') WHERE seq = 4",
        "event 4 (supplier.changed)",
    ),
    "author of an event": ("UPDATE mdm_changeevent SET actor = 'Nobody' WHERE seq = 2", "event 2 (supplier.created)"),
    "event removed": ("DELETE FROM mdm_changeevent WHERE seq = 3", "event 3"),
    "tail cut": ("DELETE FROM mdm_changeevent WHERE seq = 6", "event 6"),
    "two events swapped": (
        (
            "UPDATE mdm_changeevent SET seq = CASE seq WHEN 1 THEN 102 ELSE 101 END WHERE seq IN (1, 2); "
            "UPDATE mdm_changeevent SET seq = seq - 100 WHERE seq > 100"
        ),
        "event 1 (supplier.created)",
    ),
    "version in the history": (
        "UPDATE mdm_supplier_version SET website = 'evil.example' WHERE version = 2 AND record_code = 'SUP-0000001'",
        "version 2 of SUP-0000001 (event 4)",
    ),
    "reason in the history": (
        "UPDATE mdm_supplier_version SET history_change_reason = 'none' WHERE version = 2",
        "version 2 of SUP-0000001 (event 4)",
    ),
    "version removed": ("DELETE FROM mdm_facility_version", "version 1 of FAC-0000001 (event 3)"),
    "golden value": ("UPDATE mdm_facility SET city = 'Elko'", "FAC-0000001"),
    "golden state": ("UPDATE mdm_goldenrecord SET state = 'retired' WHERE domain = 'facility'", "FAC-0000001"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_first_altered_row_is_named(story: None, attack: str) -> None:
    sql, where = ATTACKS[attack]
    altered(sql)
    findings = verify().findings
    assert findings, "the alteration went unseen"
    assert findings[0].where == where


def test_concurrent_writers_and_two_sequencers_leave_no_gap(transactional_db: None) -> None:
    def writer(number: int) -> None:
        for turn in range(5):
            golden(source(f"s{number}", "supplier", f"{turn}", name=f"Supplier {number}-{turn}"))
        connections.close_all()

    stop = threading.Event()

    def sequencer() -> None:
        while not stop.is_set():
            log.sequence(3)
        connections.close_all()

    source("warm", "supplier", "0", name="Warm")
    readers = [threading.Thread(target=sequencer) for _ in range(2)]
    writers = [threading.Thread(target=writer, args=(n,)) for n in range(4)]
    for thread in (*readers, *writers):
        thread.start()
    for thread in writers:
        thread.join()
    stop.set()
    for thread in readers:
        thread.join()
    close_old_connections()
    log.sequence_all()
    assert list(ChangeEvent.objects.order_by("seq").values_list("seq", flat=True)) == list(range(1, 21))
    assert verify().is_green
