"""Runs of file endpoints into a folder: what they hold, what is settled by them, what becomes of what does not fit."""

import csv
import hashlib
import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from mdm.errors import WrongState
from mdm.mastering import retire
from mdm.models import GoldenRecord
from publishing import tasks, verbs
from publishing.clock import now
from publishing.files import queries, runs
from publishing.files.demo import ensure_demo_files
from publishing.files.spooling import folder_of
from publishing.lanes import claim, let_go
from publishing.models import Attempt, Delivery, Endpoint, EndpointKind, FileDrop, FileRun, Holding, Lane
from tests.factories import golden, publish, source, supplier, why
from tests.publishing.dropping import file_endpoint, folder_drop, names, write
from tests.publishing.making import OWNER, pass_time, rename, states, suppliers, webhook

pytestmark = pytest.mark.django_db


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_a_file_holds_each_record_once_in_its_latest_state(outbox: Path) -> None:
    first, second = suppliers(2)
    rename(first, "Renamed Ltd")
    endpoint = file_endpoint(folder_drop("legacy"))
    run = write(endpoint)
    assert (run.state, run.number, run.rows, run.through_seq) == ("done", 1, 2, 3)
    assert names(outbox) == ["supplier-000001.csv", "supplier-000001.csv.ctl"]
    found = {
        row["code"]: (row["name"], row["version"], row["state"]) for row in rows_of(outbox / "supplier-000001.csv")
    }
    assert found == {first.code: ("Renamed Ltd", "2", "active"), second.code: ("Company 1 Ltd", "1", "active")}
    assert states(endpoint) == ["superseded", "delivered", "delivered"]
    held = {holding.record_id: holding for holding in Holding.objects.all()}
    assert held[first.pk].version == 2
    assert all(len(holding.digest) == 64 and not holding.left for holding in held.values())
    assert Delivery.objects.filter(state="delivered").values_list("outcome", flat=True)[0] == "In file 1."
    assert Lane.objects.get().last_success_at is not None
    assert Attempt.objects.get().outcome_code == "ACCEPTED"


def test_the_next_file_holds_what_changed_since_and_none_is_written_for_nothing(outbox: Path) -> None:
    first, _ = suppliers(2)
    endpoint = file_endpoint(folder_drop("legacy"))
    write(endpoint)
    assert runs.run(endpoint=endpoint, by=OWNER) is None
    rename(first, "Renamed Ltd")
    assert write(endpoint).number == 2
    assert [row["name"] for row in rows_of(outbox / "supplier-000002.csv")] == ["Renamed Ltd"]
    assert FileRun.objects.count() == 2


def test_the_control_file_proves_the_file(outbox: Path) -> None:
    suppliers(3)
    endpoint = file_endpoint(folder_drop("legacy"))
    write(endpoint)
    raw = (outbox / "supplier-000001.csv").read_bytes()
    told = json.loads((outbox / "supplier-000001.csv.ctl").read_text())
    assert told["sha256"] == hashlib.sha256(raw).hexdigest()
    assert (told["rows"], told["bytes"], told["number"], told["content"]) == (3, len(raw), 1, "delta")
    assert (told["from_sequence"], told["through_sequence"]) == (1, 3)
    rename(GoldenRecord.objects.order_by("pk")[0], "Other Ltd")
    write(endpoint)
    told = json.loads((outbox / "supplier-000002.csv.ctl").read_text())
    assert (told["from_sequence"], told["through_sequence"]) == (4, 4)


def test_an_empty_file_is_written_where_the_target_asks_for_one(outbox: Path) -> None:
    endpoint = file_endpoint(folder_drop("legacy", layout={"when_empty": "write"}))
    assert write(endpoint).rows == 0
    assert len((outbox / "supplier-000001.csv").read_text().splitlines()) == 1


def test_a_full_file_holds_every_record_and_what_it_lacks_is_gone(outbox: Path) -> None:
    first, second = suppliers(2)
    endpoint = file_endpoint(folder_drop("legacy", content="full"))
    write(endpoint)
    rename(first, "Renamed Ltd")
    retire(record_id=second.pk, expected=None, cause=why("closed"))
    publish()
    Endpoint.objects.update(selection={"states": ["active"]})
    run = write(endpoint)
    assert (run.content, run.rows) == ("full", 1)
    assert [row["name"] for row in rows_of(outbox / "supplier-000002.csv")] == ["Renamed Ltd"]
    assert json.loads((outbox / "supplier-000002.csv.ctl").read_text())["content"] == "full"
    assert not Delivery.objects.exclude(state__in=["delivered", "superseded"]).exists()
    assert dict(Holding.objects.values_list("record_id", "left")) == {first.pk: False, second.pk: True}


def test_a_retired_record_is_told_and_one_never_held_is_not(outbox: Path) -> None:
    [held] = suppliers(1)
    endpoint = file_endpoint(folder_drop("legacy"))
    write(endpoint)
    retire(record_id=held.pk, expected=None, cause=why("closed"))
    publish()
    write(endpoint)
    assert [row["state"] for row in rows_of(outbox / "supplier-000002.csv")] == ["retired"]


def test_a_record_that_leaves_the_selection_is_named_once_more_without_values(outbox: Path) -> None:
    [held] = suppliers(1)
    endpoint = file_endpoint(
        folder_drop("legacy"),
        selection={"attributes": {"supplier": [{"attribute": "name", "is": ["Company 0 Ltd"]}]}},
    )
    write(endpoint)
    rename(held, "Other Ltd")
    write(endpoint)
    [row] = rows_of(outbox / "supplier-000002.csv")
    assert (row["code"], row["state"], row["name"]) == (held.code, "left", "")
    assert Holding.objects.get().left
    rename(held, "Another Ltd")
    assert runs.run(endpoint=endpoint, by=OWNER) is None


def test_what_does_not_fit_is_parked_with_its_reason_and_the_rest_goes_out(outbox: Path) -> None:
    good = supplier("K1", "Plain Ltd")
    odd = supplier("K2", "Łódź Ltd")
    publish()
    endpoint = file_endpoint(folder_drop("legacy", layout={"encoding": "latin-1"}))
    run = write(endpoint)
    assert [row["code"] for row in rows_of(outbox / "supplier-000001.csv")] == [good.code]
    parked = Delivery.objects.get(record=odd)
    assert (parked.state, parked.outcome_code) == ("parked", "NOT_RENDERED")
    assert parked.outcome == "The encoding latin-1 does not have Ł (U+0141), ź (U+017A)."
    assert run.error.startswith(f"1 left out. {odd.code}: The encoding latin-1")
    rename(odd, "Lodz Ltd")
    write(endpoint)
    assert [row["name"] for row in rows_of(outbox / "supplier-000002.csv")] == ["Lodz Ltd"]
    assert states(endpoint) == ["delivered", "superseded", "delivered"]


def test_a_parked_record_goes_out_with_the_next_file_once_it_is_released(outbox: Path) -> None:
    odd = supplier("K2", "Łódź Ltd")
    publish()
    endpoint = file_endpoint(folder_drop("legacy", layout={"encoding": "latin-1"}))
    assert runs.run(endpoint=endpoint, by=OWNER) is None
    assert states(endpoint) == ["parked"]
    FileDrop.objects.update(layout={"encoding": "utf-8"})
    verbs.release(deliveries=list(Delivery.objects.values_list("pk", flat=True)), by=OWNER)
    write(endpoint)
    assert [row["code"] for row in rows_of(outbox / "supplier-000001.csv")] == [odd.code]


def test_a_mapping_gives_the_columns_and_their_order(outbox: Path) -> None:
    suppliers(1)
    fields: list[dict[str, Any]] = [
        {"to": "VENDOR", "from": "code"},
        {"to": "NAME1", "from": "attributes.name", "longest": 7, "too_long": "cut"},
        {"to": "BLOCKED", "from": "state", "words": {"active": "N"}, "default": "Y"},
        {"to": "CLIENT", "constant": "100"},
    ]
    endpoint = file_endpoint(folder_drop("legacy"), mapping={"supplier": fields})
    write(endpoint)
    code = GoldenRecord.objects.get().code
    assert (outbox / "supplier-000001.csv").read_text() == f"VENDOR,NAME1,BLOCKED,CLIENT\n{code},Company,N,100\n"


def test_fixed_width_from_declared_columns(outbox: Path) -> None:
    suppliers(1)
    columns = [
        {"field": "code", "name": "CODE", "width": 12},
        {"field": "attributes.name", "name": "NAME", "width": 9, "cut": True},
        {"field": "version", "name": "VER", "width": 4, "align": "right", "pad": "0", "kind": "integer", "total": True},
        {"field": "state", "name": "ST", "width": 1, "cut": True},
    ]
    layout = {"columns": {"supplier": columns}, "header": False, "trailer": "T{number:5}{rows:7}{sum.VER:13}"}
    endpoint = file_endpoint(folder_drop("legacy", format="fixed", layout=layout, file_name="{domain}-{number}.txt"))
    write(endpoint)
    line, trailer = (outbox / "supplier-000001.txt").read_text().splitlines()
    assert line == f"{GoldenRecord.objects.get().code:<12}Company 00001a".replace("Company 0", "Company 0")
    assert trailer == "T00001" + "0000001" + "0000000000001"
    assert json.loads((outbox / "supplier-000001.txt.ctl").read_text())["sums"] == {"VER": "1"}


def test_parts_are_a_file_of_their_own_after_that_of_their_record(outbox: Path) -> None:
    record = supplier("K1", "Plain Ltd")
    publish()
    columns = [
        {"field": "record.code", "name": "SUPPLIER"},
        {"field": "city", "name": "CITY"},
    ]
    places = [{"role": "remit", "city": "Reno"}, {"role": "order", "city": "Elko"}]
    supplier("K2", "Placed Ltd", parts={"addresses": places})
    publish()
    endpoint = file_endpoint(folder_drop("legacy", layout={"columns": {"supplier.addresses": columns}}))
    run = write(endpoint)
    assert [file["name"] for file in run.files] == ["supplier-000001.csv", "supplier_addresses-000001.csv"]
    assert sorted(row["CITY"] for row in rows_of(outbox / "supplier_addresses-000001.csv")) == ["Elko", "Reno"]
    assert record.code not in (outbox / "supplier_addresses-000001.csv").read_text()


def test_files_of_parents_come_before_those_of_children(outbox: Path) -> None:
    endpoint = file_endpoint(folder_drop("legacy", layout={"when_empty": "write"}), domains=("contract", "supplier"))
    publish()
    run = write(endpoint)
    assert [file["table"] for file in run.files] == ["supplier", "contract"]


def test_missed_turns_are_one_file(outbox: Path, clock: None) -> None:
    suppliers(1)
    endpoint = file_endpoint(folder_drop("legacy", schedule="every 60 minutes"))
    assert queries.due() == []
    pass_time(3 * 3600)
    assert queries.due() == [endpoint.pk]
    assert queries.overdue(endpoint)
    assert runs.write(endpoint, OWNER).run is not None
    assert queries.due() == []
    assert FileDrop.objects.get().next_run_at > now()
    assert FileDrop.objects.get().next_run_at <= now() + timedelta(hours=1)


def test_a_folder_that_is_gone_rests_the_lane_and_nothing_is_lost(outbox: Path, clock: None) -> None:
    suppliers(2)
    endpoint = file_endpoint(folder_drop("legacy"))
    outbox.rmdir()
    run = write(endpoint)
    assert (run.state, run.outcome_code) == ("waiting", "FOLDER_MISSING")
    endpoint.refresh_from_db()
    assert endpoint.state == "degraded"
    assert states(endpoint) == ["waiting", "waiting"]
    assert queries.due() == []
    outbox.mkdir()
    pass_time(10)
    assert queries.due() == [endpoint.pk]
    done = runs.write(endpoint, OWNER).run
    assert done is not None
    assert (done.pk, done.number, done.state, done.rows) == (run.pk, 1, "done", 2)
    endpoint.refresh_from_db()
    assert endpoint.state == "active"


def test_a_run_that_was_never_revealed_is_written_anew_with_what_came_since(outbox: Path, clock: None) -> None:
    first, _ = suppliers(2)
    endpoint = file_endpoint(folder_drop("legacy"))
    outbox.rename(outbox.with_name("away"))
    write(endpoint)
    outbox.with_name("away").rename(outbox)
    rename(first, "Later Ltd")
    run = write(endpoint)
    assert (run.number, run.rows) == (1, 2)
    assert "Later Ltd" in (outbox / "supplier-000001.csv").read_text()


def test_two_never_write_at_once_and_a_paused_endpoint_not_at_all(outbox: Path) -> None:
    suppliers(1)
    endpoint = file_endpoint(folder_drop("legacy"))
    other = claim(endpoint.pk, kinds=(EndpointKind.FILE,))
    assert other is not None
    assert not runs.write(endpoint, OWNER).claimed
    with pytest.raises(WrongState, match="being written right now"):
        runs.run(endpoint=endpoint, by=OWNER)
    let_go(other)
    verbs.pause(endpoint=endpoint, by=OWNER, reason="month end")
    with pytest.raises(WrongState, match="does not run"):
        runs.run(endpoint=endpoint, by=OWNER)
    assert names(outbox) == []


def test_a_webhook_has_no_files(outbox: Path) -> None:
    with pytest.raises(WrongState, match="no files"):
        runs.run(endpoint=webhook("http://127.0.0.1:9999/"), by=OWNER)


def test_numbers_of_files_are_given_once(outbox: Path) -> None:
    suppliers(1)
    run = write(file_endpoint(folder_drop("legacy")))
    with pytest.raises(IntegrityError, match="file_run_is_numbered_once_per_endpoint"), transaction.atomic():
        FileRun.objects.create(endpoint=run.endpoint, number=1, content="full", by="x", started_at=now())


def test_what_was_sent_is_kept_for_its_time(outbox: Path) -> None:
    suppliers(1)
    run = write(file_endpoint(folder_drop("legacy")))
    kept = folder_of("drop", run.number) / "supplier-000001.csv"
    assert kept.read_bytes() == (outbox / "supplier-000001.csv").read_bytes()
    assert kept.stat().st_mode & 0o077 == 0


def test_the_sweep_wakes_what_is_due_and_the_task_writes_it(outbox: Path, clock: None) -> None:
    suppliers(2)
    endpoint = file_endpoint(folder_drop("legacy", schedule="every 60 minutes"))
    assert tasks.write_file(str(endpoint.pk)) == 0
    assert tasks.files_sweep() == 0
    pass_time(3600)
    assert tasks.files_sweep() == 1
    assert tasks.write_file(str(endpoint.pk)) == 2
    assert tasks.write_file(str(endpoint.pk)) == 0
    assert names(outbox) == ["supplier-000001.csv", "supplier-000001.csv.ctl"]


def test_old_files_are_cleared_away_unless_their_run_is_unfinished(outbox: Path, clock: None) -> None:
    first, _ = suppliers(2)
    endpoint = file_endpoint(folder_drop("legacy"))
    done = write(endpoint)
    rename(first, "Later Ltd")
    outbox.rename(outbox.with_name("away"))
    begun = write(endpoint)
    assert tasks.tidy_files() == 0
    pass_time(31 * 24 * 3600)
    assert tasks.tidy_files() == 1
    assert not folder_of("drop", done.number).exists()
    assert folder_of("drop", begun.number).exists()


def test_the_demo_writes_items_and_their_packs(outbox: Path) -> None:
    packs = [{"uom": "BX", "quantity": "12"}, {"uom": "EA", "quantity": "1"}]
    item = golden(source("erp", "item", "I1", description="Gauze", hazardous=False, parts={"packs": packs}))
    publish()
    endpoint = ensure_demo_files()
    assert endpoint is not None
    assert ensure_demo_files() == endpoint
    run = write(endpoint)
    folder = outbox.parent / "inventory"
    assert names(folder) == [
        "item-000001.csv", "item-000001.csv.ctl", "item_PACKS-000001.csv", "item_PACKS-000001.csv.ctl",
    ]  # fmt: skip
    [line] = csv.DictReader(io.StringIO((folder / "item-000001.csv").read_text()), delimiter=";")
    assert (line["ITEM_NO"], line["HAZARDOUS"], line["ACTIVE"]) == (item.code, "N", "Y")
    assert run.files[1]["sums"] == {"QUANTITY": "13"}
