"""Reading batches: what goes in, what costs nothing, what waits, and what a stopped reading leaves behind."""

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from io import BytesIO
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from mdm.intake import batches, due, read, receive, stored_file
from mdm.intake.storing import Counts
from mdm.models import Batch, BatchState, SourceRecord, SourceReference, SourceRow, SourceState
from mdm.tasks import read_batch, sweep
from tests.mdm.intake.making import CENTERS, VENDORS, counts, send, stored, taken, text, without

pytestmark = pytest.mark.django_db

ONE = "V1,ACME INC,84-1368850,RENO,NV,89501,2026-03-01"
TWO = "V2,BRAVO LLC,,ELKO,NV,89801,2026-03-02"


def test_rows_become_source_records_and_are_kept_verbatim() -> None:
    batch = send(stored(VENDORS), text(ONE, TWO))
    assert (batch.state, counts(batch)) == (BatchState.READ, (2, 2, 0, 0, 0))
    assert batch.bytes_read == batch.size == len(text(ONE, TWO))
    assert batch.header == ["NO", "NAME", "TAX", "CITY", "STATE", "ZIP", "UPDATED"]
    record = taken()["V1"]
    assert record.values == {"name": "ACME INC", "tax_id": "841368850"}
    assert record.parts["addresses"][0]["postcode"] == "89501"
    assert (record.state, record.as_of) == (SourceState.WAITING, datetime(2026, 3, 1, tzinfo=UTC))
    assert record.row is not None
    assert (record.row.raw, record.row.line, record.row.state) == (ONE, 2, "accepted")
    assert stored_file(batch).read_bytes() == text(ONE, TWO)


def test_the_same_file_twice_changes_nothing() -> None:
    feed = stored(VENDORS)
    first = send(feed, text(ONE, TWO))
    before = list(SourceRecord.objects.values().order_by("pk"))
    second = send(feed, text(ONE, TWO), "again.csv")
    assert (second.state, second.repeats, counts(second)) == (BatchState.READ, first, (0, 0, 0, 0, 0))
    assert "vendors.csv" in second.problem
    assert second.way_out
    assert list(SourceRecord.objects.values().order_by("pk")) == before
    assert SourceRow.objects.filter(batch=second).count() == 0


def test_the_same_file_is_read_anew_when_asked_or_when_the_feed_changed() -> None:
    feed = stored(VENDORS)
    send(feed, text(ONE))
    asked = send(feed, text(ONE), again=True)
    assert (asked.repeats is not None, counts(asked)) == (True, (1, 0, 0, 1, 0))
    changed = send(stored(without(VENDORS, attributes={"name": "NAME"})), text(ONE))
    assert (changed.repeats, changed.feed_version, counts(changed)) == (None, 2, (1, 0, 1, 0, 0))


def test_unchanged_rows_cost_nothing_and_changed_ones_wait() -> None:
    feed = stored(VENDORS)
    send(feed, text(ONE, TWO))
    SourceRecord.objects.update(state=SourceState.LINKED)
    before = taken()
    batch = send(feed, text(ONE, TWO.replace("BRAVO LLC", "BRAVO INC")))
    after = taken()
    assert counts(batch) == (2, 0, 1, 1, 0)
    assert after["V1"].state == SourceState.LINKED
    assert after["V1"].last_seen_at > before["V1"].last_seen_at
    assert (after["V1"].batch_id, after["V1"].content_hash) == (before["V1"].batch_id, before["V1"].content_hash)
    assert (after["V2"].pk, after["V2"].state) == (before["V2"].pk, SourceState.WAITING)
    assert after["V2"].values["name"] == "BRAVO INC"
    assert after["V2"].first_seen_at == before["V2"].first_seen_at


def test_a_linked_record_that_changes_keeps_what_it_was_judged_by() -> None:
    feed = stored(VENDORS)
    send(feed, text(ONE, TWO))
    SourceRecord.objects.filter(key="V1").update(state=SourceState.LINKED)
    linked = taken()["V1"]
    send(feed, text(ONE.replace("84-1368850", "91-1144442"), TWO.replace("BRAVO LLC", "BRAVO INC")))
    after = taken()
    assert after["V1"].former == {"values": linked.values, "parts": linked.parts, "stub": False}
    assert after["V2"].former is None  # nobody has judged it yet
    send(feed, text(ONE.replace("84-1368850", "91-1144443")))
    assert taken()["V1"].former == after["V1"].former
    SourceRecord.objects.update(state=SourceState.LINKED)
    send(feed, text(ONE))
    assert taken()["V1"].former["values"]["tax_id"] == "911144443"


def test_without_a_date_of_its_own_a_change_is_as_of_now() -> None:
    feed = stored(VENDORS)
    started = timezone.now()
    send(feed, text("V1,ACME INC,,RENO,NV,89501,"))
    first = taken()["V1"].as_of
    assert started <= first <= timezone.now()
    send(feed, text("V1,ACME INC,,RENO,NV,89501,", TWO))
    assert taken()["V1"].as_of == first
    send(feed, text("V1,ACME LLC,,RENO,NV,89501,"))
    assert taken()["V1"].as_of > first


def test_good_rows_go_in_and_bad_ones_wait_with_all_reasons() -> None:
    content = text("C1,100,A,Seton,01/02/2026,", "C2,,,,31/02/2026,x", header="ID,CODE,NAME,FACILITY,FROM,TO")
    batch = send(stored(CENTERS), content, "centers.csv")
    assert counts(batch) == (2, 1, 0, 0, 1)
    row = batch.rows.get(state="quarantined")
    assert (row.line, row.key, row.cells["TO"]) == (3, "C2", "x")
    assert {problem["column"] for problem in row.problems} == {"CODE", "FROM", "TO"}
    assert list(taken("cost_center")) == ["C1"]


def test_a_key_that_stands_twice_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "CHUNK", 2)  # repetitions within a chunk and across chunks
    batch = send(stored(VENDORS), text(ONE, ONE, TWO, ONE, ONE.replace("ACME", "ACNE"), TWO.replace("ELKO", "RENO")))
    assert counts(batch) == (6, 2, 0, 2, 2)
    assert taken()["V1"].values["name"] == "ACME INC"
    waiting = batch.rows.filter(state="quarantined").order_by("line")
    assert [row.line for row in waiting] == [6, 7]
    assert "on line 2" in waiting[0].problems[0]["message"]
    assert "on line 6" in waiting[0].problems[0]["message"]


def test_stubs_stand_in_until_the_real_record_comes() -> None:
    centers = text("C1,100,A,Seton,,", "C2,200,B,Seton,,", header="ID,CODE,NAME,FACILITY,FROM,TO")
    send(stored(CENTERS), centers, "centers.csv")
    stub = taken("facility")["Seton"]
    assert (stub.stub, stub.values, stub.state) == (True, {"name": "Seton"}, SourceState.WAITING)
    assert SourceReference.objects.filter(domain="facility", key="Seton").count() == 2
    facilities = {
        "feed": "facilities", "source": "erp", "domain": "facility", "key": {"columns": ["NAME"]},
        "attributes": {"name": "NAME", "city": "CITY"},
    }  # fmt: skip
    send(stored(facilities), text("Seton,Daly City", header="NAME,CITY"), "facilities.csv")
    real = taken("facility")["Seton"]
    assert (real.pk, real.stub, real.values["city"]) == (stub.pk, False, "Daly City")
    send(stored(CENTERS), centers + b"C3,300,C,Seton,,\n", "centers.csv")
    assert taken("facility")["Seton"].values["city"] == "Daly City"


def test_references_follow_a_change() -> None:
    feed = stored(CENTERS)
    header = "ID,CODE,NAME,FACILITY,FROM,TO"
    send(feed, text("C1,100,A,Seton,,", header=header), "a.csv")
    send(feed, text("C1,100,A,O'Connor,,", header=header), "b.csv")
    assert list(SourceReference.objects.values_list("attribute", "key")) == [("facility", "O'Connor")]
    send(feed, text("C1,100,A,,,", header=header), "c.csv")
    assert not SourceReference.objects.exists()


def test_rows_of_a_part_know_their_parent() -> None:
    lines = {
        "feed": "lines", "source": "contracts", "domain": "contract", "part": "lines",
        "key": {"columns": ["ID"], "parent": ["NO"]}, "attributes": {"number": "ID", "item": "ID", "price": "PRICE"},
    }  # fmt: skip
    send(stored(lines), text("L1,K1,3.27", header="ID,NO,PRICE"), "lines.csv")
    record = taken("contract")["L1"]
    assert (record.part, record.parent_key, record.values["price"]) == ("lines", "K1", "3.27")
    assert record.values["item"] == {"system": "contracts", "domain": "item", "key": "L1"}


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"NO,NAME\nV1,ACME\n", "TAX"),
        (b"PK\x03\x04 not a workbook", "workbook"),
        (text(ONE) + b"V2," + b"x" * 17_000_000 + b"\n", "longer"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_taken_by_half(content: bytes, word: str) -> None:
    batch = send(stored(VENDORS), content)
    assert batch.state == BatchState.FAILED
    assert word.lower() in (batch.problem + batch.way_out).lower()
    assert batch.way_out
    assert not SourceRow.objects.exists()
    assert not SourceRecord.objects.exists()
    assert send(stored(VENDORS), content).state == BatchState.FAILED


def test_what_postgresql_cannot_hold_is_shown_as_a_sign() -> None:
    feed = stored(without(VENDORS, "parts", attributes={"name": "NAME"}, key={"columns": ["NO"]}))
    batch = send(feed, b'{"NO": "V1", "NAME": "AC\\ud800ME \\u0000 INC"}\n{"NO": "", "NAME": "\\udfff"}\n', "v.jsonl")
    assert (batch.state, batch.rows_read) == (BatchState.READ, 2)
    assert batch.rows_quarantined >= 1


def test_a_mistake_of_the_hub_fails_the_batch_in_words(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_args: object) -> Counts:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(batches, "_write", broken)
    batch = send(stored(VENDORS), text(ONE))
    assert (batch.state, "secret" in batch.problem + batch.way_out) == (BatchState.FAILED, False)
    assert "secret detail" in caplog.text


def test_batches_of_a_feed_are_read_in_the_order_they_came() -> None:
    feed = stored(VENDORS)
    older, newer = (
        receive(feed=feed, file=BytesIO(text(row)), file_name="v.csv", by="test", wake=False)
        for row in (ONE, ONE.replace("ACME INC", "ACME LLC"))
    )
    assert read(newer.pk).state == BatchState.RECEIVED
    assert due() == due(feed) == [older.pk, newer.pk]
    assert sweep() == {str(older.pk): "read", str(newer.pk): "read"}
    assert taken()["V1"].values["name"] == "ACME LLC"
    assert (due(), read_batch(str(newer.pk))) == ([], "read")


def test_a_batch_read_elsewhere_is_left_alone_until_its_reader_is_silent() -> None:
    batch = receive(feed=stored(VENDORS), file=BytesIO(text(ONE)), file_name="v.csv", by="test", wake=False)
    now = timezone.now()
    Batch.objects.filter(pk=batch.pk).update(state="reading", started_at=now, heartbeat_at=now)
    assert (due(), read(batch.pk).state, SourceRow.objects.count()) == ([], "reading", 0)
    Batch.objects.filter(pk=batch.pk).update(heartbeat_at=now - batches.LEASE - timedelta(seconds=1))
    assert due() == [batch.pk]
    assert counts(read(batch.pk)) == (1, 1, 0, 0, 0)


def test_a_reader_that_lost_its_lease_writes_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "CHUNK", 1)
    write = batches._write

    def late(*args: object) -> Counts:
        done = write(*args)  # type: ignore[arg-type]
        if SourceRow.objects.count() == 2:
            Batch.objects.update(started_at=timezone.now())
        return done

    monkeypatch.setattr(batches, "_write", late)
    batch = send(stored(VENDORS), text(ONE, TWO))
    assert (batch.state, counts(batch)) == (BatchState.READING, (1, 1, 0, 0, 0))
    assert list(taken()) == ["V1"]


KILLED = """
import os, signal, sys
import django
django.setup()
from django.conf import settings
from mdm.intake import batches
from pathlib import Path
settings.DATA_DIR = Path(sys.argv[2])
batches.CHUNK = 50
real = batches.map_row
def dying(plan, row):
    if row.line == 130:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(plan, row)
batches.map_row = dying
batches.read(sys.argv[1])
"""


@pytest.mark.django_db(transaction=True)
def test_a_killed_reading_goes_on_without_doubling_anything() -> None:
    feed = stored(VENDORS)
    rows = [f"V{n},ACME {n},,RENO,NV,89501," for n in range(2, 202)] + ["V2,ACME 2,,RENO,NV,89501,", "V3,X,,,,,"]
    batch = receive(feed=feed, file=BytesIO(text(*rows)), file_name="v.csv", by="test", wake=False)
    command = [sys.executable, "-c", KILLED, str(batch.pk), str(settings.DATA_DIR)]
    ended = subprocess.run(command, env={**os.environ, "DATABASE_URL": _url()}, check=False)
    assert ended.returncode == -signal.SIGKILL
    batch.refresh_from_db()
    assert (batch.state, counts(batch)) == (BatchState.READING, (100, 100, 0, 0, 0))
    Batch.objects.update(heartbeat_at=timezone.now() - batches.LEASE * 2)
    assert sweep() == {str(batch.pk): "read"}
    batch.refresh_from_db()
    assert counts(batch) == (202, 200, 0, 1, 1)
    assert SourceRow.objects.count() == 202
    assert SourceRecord.objects.count() == 200


def _url() -> str:
    """The test database, for a program of its own."""
    found = connection.settings_dict
    user = f"{quote(found['USER'])}:{quote(found['PASSWORD'])}" if found["PASSWORD"] else quote(found["USER"])
    port = f"&port={found['PORT']}" if found["PORT"] else ""
    return f"postgresql://{user}@/{found['NAME']}?host={quote(found['HOST'], safe='')}{port}"
