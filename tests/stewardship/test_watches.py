"""A folder a feed watches: files taken by themselves, full ones held or speaking for what is missing."""

import os
import time
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from matching.run import match_all
from mdm.errors import Invalid, WrongState
from mdm.intake import watching
from mdm.intake.batches import due, read
from mdm.intake.missing import settle_full_files
from mdm.models import Batch, FeedWatch, GoldenRecord, WatchRun
from mdm.people import DOMAIN_OWNER
from tests.factories import why
from tests.stewardship import sending
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db

SETTINGS = {
    "folder": "erp", "pattern": "vendors*.csv", "coverage": "full", "missing": "retire", "most_missing": 60,
    "every_minutes": 5, "owner": "Dora Owner", "owner_mail": "dora@example.org",
}  # fmt: skip


@pytest.fixture(autouse=True)
def inbox(settings: Any, tmp_path: Path) -> Path:
    sending.in_folder(settings, tmp_path)
    settings.WATCH_FOLDER = tmp_path / "inbox"
    (tmp_path / "inbox" / "erp").mkdir(parents=True)
    return tmp_path / "inbox" / "erp"


@pytest.fixture
def dora() -> Client:
    return client_of(someone("Dora Owner", DOMAIN_OWNER))


def watch(**more: Any) -> FeedWatch:
    sending.feed()
    return watching.set_watch(code="vendors", **{**SETTINGS, **more})


def lay(inbox: Path, content: str = sending.TWO, name: str = "vendors.csv", *, age: float = 60) -> Path:
    path = inbox / name
    path.write_text(content)
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def look() -> list[WatchRun]:
    """What the workers do: look, read, match, see to what is missing."""
    FeedWatch.objects.filter(paused=False).update(next_at=timezone.now())
    for watch_id in watching.due_watches():
        watching.look_into(watch_id)
    for batch_id in due():
        read(batch_id)
    match_all(why())
    settle_full_files()
    return list(WatchRun.objects.order_by("pk"))


def states() -> dict[str, str]:
    links = GoldenRecord.objects.filter(links__ended_at=None).values_list("links__source_record__key", "state")
    return dict(links)


def test_a_file_is_taken_once_when_it_is_whole(inbox: Path) -> None:
    watch(coverage="delta", missing="keep")
    lay(inbox, age=0)
    assert look() == []  # it may still be written
    lay(inbox)
    lay(inbox, name="other.csv")
    [run] = look()
    assert (run.state, run.batch.rows_new if run.batch else 0) == ("taken", 2)
    assert len(look()) == 1
    assert (inbox / "vendors.csv").exists()


def test_a_full_file_retires_what_it_does_not_name_and_brings_back_what_returns(inbox: Path) -> None:
    watch()
    lay(inbox)
    look()
    assert states() == {"V1": "active", "V2": "active"}
    lay(inbox, sending.HEAD + "V2,Bolton Ltd,,\n", age=50)
    run = look()[-1]
    assert (run.report["missing"], len(run.retired)) == (1, 1)
    assert states() == {"V1": "retired", "V2": "active"}
    lay(inbox, sending.TWO + "V3,Third Ltd,,\n", age=40)
    run = look()[-1]
    assert run.reinstated == 1
    assert states()["V1"] == "active"


def test_a_full_file_whose_content_came_before_speaks_for_today(inbox: Path) -> None:
    watch()
    lay(inbox)
    look()
    lay(inbox, sending.HEAD + "V2,Bolton Ltd,,\n", age=50)
    look()
    lay(inbox, age=40)
    run = look()[-1]
    assert (run.batch.rows_read if run.batch else 0, run.reinstated) == (2, 1)
    assert states() == {"V1": "active", "V2": "active"}


def test_a_record_another_source_names_stays(inbox: Path) -> None:
    watch()
    lay(inbox)
    look()
    other = sending.SUPPLIERS.replace('"vendors', '"others').replace('source = "erp"', 'source = "ap"')
    sending.system("ap", supplier=3)
    sending.arrived(sending.feed(other), "No,Name,Tax,Tel\nA7,Acme Medical,84-1368850,\n", name="others.csv")
    match_all(why())
    lay(inbox, sending.HEAD + "V2,Bolton Ltd,,\n", age=50)
    assert look()[-1].retired == []
    assert states()["V1"] == "active"


def test_a_full_file_that_leaves_out_too_much_is_held_and_its_owner_is_told(inbox: Path, dora: Client) -> None:
    watch(most_missing=10)
    lay(inbox)
    look()
    lay(inbox, sending.HEAD + "V2,Bolton Ltd,,\n", age=50)
    run = look()[-1]
    assert (run.state, run.report["missing_keys"]) == ("held", ["V1"])
    assert "more than the 10 % allowed" in mail.outbox[-1].body
    assert mail.outbox[-1].to == ["dora@example.org"]
    assert states()["V1"] == "active"
    assert "1 of 2 records of this feed are not in the file" in text_of(dora.get("/feeds/vendors/watch/"))
    assert dora.post(f"/feeds/vendors/watch/{run.pk}/decide/", {"act": "take"}).status_code == 302
    look()
    assert states()["V1"] == "retired"
    with pytest.raises(WrongState):
        watching.leave_out(run_id=run.pk, by="Dora Owner")


def test_an_empty_full_file_never_retires_everything(inbox: Path) -> None:
    watch(most_missing=100)
    lay(inbox)
    look()
    for content in (sending.HEAD, "", "%PDF-1.7"):
        lay(inbox, content, age=30 + len(content))
        assert look()[-1].state in ("held", "failed")
    assert set(states().values()) == {"active"}


def test_a_held_file_that_was_replaced_is_not_taken_for_the_one_shown(inbox: Path) -> None:
    watch(most_missing=10)
    lay(inbox)
    look()
    lay(inbox, sending.HEAD + "V2,Bolton Ltd,,\n", age=50)
    run = look()[-1]
    lay(inbox, sending.HEAD + "V9,Other,,\n", age=20)
    with pytest.raises(WrongState):
        watching.take_held(run_id=run.pk, by="Dora Owner")


@pytest.mark.parametrize("folder", ["..", "../..", "/etc", "erp/../../x", "none"])
def test_no_folder_outside_is_watched(folder: str) -> None:
    with pytest.raises(Invalid) as refused:
        watch(folder=folder)
    assert refused.value.problems[0][0] == "folder"
    assert not FeedWatch.objects.exists()


def test_a_link_out_of_the_folder_is_not_followed(inbox: Path, tmp_path: Path) -> None:
    watch()
    secret = tmp_path / "secret.csv"
    lay(tmp_path, name="secret.csv")
    (inbox / "vendors-link.csv").symlink_to(secret)
    assert look() == []


def test_everything_wrong_with_the_form_is_said_at_once_and_kept(dora: Client) -> None:
    sending.feed()
    typed = {"folder": "none", "pattern": "", "coverage": "delta", "missing": "retire", "most_missing": "x",
             "every_minutes": "0"}  # fmt: skip
    page = dora.post("/feeds/vendors/watch/set/", typed)
    assert page.status_code == 422
    assert len(page.context["refusal"].problems) == 5
    assert 'value="none"' in page.content.decode()


def test_a_paused_watch_takes_nothing_until_it_goes_on(inbox: Path, dora: Client) -> None:
    watch()
    dora.post("/feeds/vendors/watch/pause/", {"act": "pause"})
    lay(inbox)
    assert look() == []
    assert dora.post("/feeds/vendors/watch/now/").status_code == 409
    dora.post("/feeds/vendors/watch/pause/", {"act": "resume"})
    assert len(look()) == 1


def test_a_folder_that_went_away_is_said_once_to_the_owner(inbox: Path, dora: Client) -> None:
    watch()
    inbox.rmdir()
    look()
    look()
    assert len(mail.outbox) == 1
    assert "cannot be read" in text_of(dora.get("/feeds/vendors/watch/"))


def test_stewards_decide_and_only_owners_set_up() -> None:
    watch()
    stella = client_of(someone("Stella Steward"))
    assert stella.get("/feeds/vendors/watch/").status_code == 200
    assert stella.post("/feeds/vendors/watch/set/", {}).status_code == 403
    assert stella.post("/feeds/vendors/watch/pause/", {}).status_code == 403
    assert stella.post("/feeds/vendors/watch/now/").status_code == 302


@pytest.mark.parametrize(
    "change",
    ["coverage = 'odd'", "coverage = 'delta', missing = 'retire'", "most_missing = 101", "every_minutes = 0"],
)
def test_postgresql_refuses_a_watch_that_makes_no_sense(change: str) -> None:
    watch()
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE mdm_feedwatch SET {change}")  # noqa: S608 - our own texts


@pytest.mark.parametrize("change", ["state = 'odd'", "batch_id = NULL"])
def test_postgresql_refuses_a_run_that_makes_no_sense(inbox: Path, change: str) -> None:
    watch(coverage="delta", missing="keep")
    lay(inbox)
    look()
    assert Batch.objects.count() == 1
    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE mdm_watchrun SET {change}")  # noqa: S608 - our own texts
