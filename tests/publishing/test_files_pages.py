"""Pages of file endpoints: setting up, writing now, looking at what was sent; and who may not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from mdm.people import AUDITOR, DOMAIN_OWNER
from publishing.models import Endpoint, FileDrop, FileRun, Intervention
from tests.publishing.dropping import PASSWORD, USER, Sftp, file_endpoint, folder_drop
from tests.publishing.making import pass_time, suppliers
from tests.publishing.test_pages import signed_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(tmp_path: Path, outbox: Path) -> Iterator[Sftp]:
    """A server with the folder /in."""
    (tmp_path / "root" / "in").mkdir(parents=True)
    with Sftp(tmp_path / "root") as rig:
        yield rig


def owner() -> Client:
    return signed_in(DOMAIN_OWNER)


def typed(**given: Any) -> dict[str, Any]:
    """The form as a person fills it in."""
    return {
        "name": "Old inventory", "code": "oldinv", "domains": ["supplier"], "place": "folder", "folder": "legacy",
        "file_name": "{code}-{domain}-{number}.csv", "schedule": "02:30", "content": "delta", "format": "csv",
        "control_totals": "on", "control": "json", "header": "on", "encoding": "cp1252", "delimiter": ";",
        "quoting": "minimal", "decimal_mark": ",", "date_format": "DD.MM.YYYY", "line_ending": "crlf", "yes": "J",
        "no": "N", "count": "characters", "when_empty": "skip", "timeout_seconds": "20", "backoff_seconds": "5, 60",
        **given,
    }  # fmt: skip


def test_a_file_endpoint_is_set_up_verified_written_and_looked_at(outbox: Path) -> None:
    suppliers(2)
    client = owner()
    assert b"New scheduled file" in client.get("/publishing/files/new/").content
    saved = client.post("/publishing/files/new/", typed())
    assert saved.status_code == 302, saved.content.decode()
    drop = FileDrop.objects.get()
    assert drop.layout == {
        "delimiter": ";", "decimal_mark": ",", "date_format": "DD.MM.YYYY", "encoding": "cp1252", "yes": "J", "no": "N",
    }  # fmt: skip
    client.post("/publishing/oldinv/verify/")
    assert Endpoint.objects.get().state == "active"
    client.post("/publishing/oldinv/files/write/")
    page = client.get("/publishing/oldinv/files/").content.decode()
    assert "oldinv-supplier-000001.csv" in page
    assert FileRun.objects.get().files[0]["sha256"][:16] in page
    sent = client.get("/publishing/oldinv/files/1/oldinv-supplier-000001.csv")
    assert b"".join(sent.streaming_content) == (outbox / "oldinv-supplier-000001.csv").read_bytes()
    assert sent.headers["Content-Disposition"].startswith("attachment")
    assert Intervention.objects.filter(verb="download file", reason="oldinv-supplier-000001.csv").exists()


def test_every_fault_stands_on_the_page_and_nothing_is_saved(outbox: Path) -> None:
    wrong = typed(folder="../..", schedule="now and then", file_name="{x}.csv", columns="{]")
    client = owner()
    refused = client.post("/publishing/files/new/", wrong)
    assert refused.status_code == 422
    assert "This is no JSON" in refused.content.decode()
    refused = client.post("/publishing/files/new/", {**wrong, "columns": ""})
    page = refused.content.decode()
    for words in ("without .. in it", "Write times as 02:30", "Nothing fills {x}"):
        assert words in page
    assert not Endpoint.objects.exists()


def test_settings_are_shown_again_and_changed(outbox: Path) -> None:
    client = owner()
    client.post("/publishing/files/new/", typed())
    page = client.get("/publishing/oldinv/files/change/").content.decode()
    assert 'value="02:30"' in page
    assert client.get("/publishing/oldinv/settings/change/").headers["Location"].endswith("/files/change/")
    settings = client.get("/publishing/oldinv/settings/").content.decode()
    assert 'href="/publishing/oldinv/files/change/"' in settings
    assert "calls" not in settings
    changed = client.post("/publishing/oldinv/files/change/", typed(schedule="every 5 minutes", encoding="utf-8"))
    assert changed.status_code == 302, changed.content.decode()
    drop = FileDrop.objects.get()
    assert (drop.schedule, "encoding" in drop.layout) == ("every 5 minutes", False)


def test_what_waits_for_its_turn_is_not_late(outbox: Path, clock: None) -> None:
    client = owner()
    client.post("/publishing/files/new/", typed())
    client.post("/publishing/oldinv/verify/")
    suppliers(2)
    turn = FileDrop.objects.get().next_run_at
    assert turn is not None
    for path in ("/publishing/", "/publishing/oldinv/"):
        page = client.get(path).content.decode()
        assert f"Next file {turn:%d %b %H:%M} UTC" in page
        assert "figure--warn" not in page
        assert "num late" not in page
    pass_time(seconds=25 * 3600)
    assert "num late" in client.get("/publishing/").content.decode()


def test_the_key_of_a_server_is_fetched_compared_and_kept(server: Sftp) -> None:
    client = owner()
    shown = client.post("/publishing/files/host-key/", {"host": "127.0.0.1", "port": str(server.port)})
    assert server.host_key.get_fingerprint("sha256") in shown.content.decode().replace("&#x2B;", "+")
    missing = client.post("/publishing/files/host-key/", {"host": "127.0.0.1", "port": "5432"})
    assert "another kind of service" in missing.content.decode()
    given = typed(
        place="sftp", host="127.0.0.1", port=str(server.port), user=USER, auth_secret=PASSWORD, folder="/in",
        host_key=server.shown_key,
    )  # fmt: skip
    saved = client.post("/publishing/files/new/", given)
    assert saved.status_code == 302, saved.content.decode()
    client.post("/publishing/oldinv/verify/")
    assert Endpoint.objects.get().state == "active"
    page = client.get("/publishing/oldinv/files/change/").content.decode()
    assert PASSWORD not in page
    kept = client.post("/publishing/oldinv/files/change/", {**given, "auth_secret": "", "name": "Renamed"})
    assert kept.status_code == 302, kept.content.decode()
    assert Endpoint.objects.get().name == "Renamed"


def test_who_only_reads_neither_writes_nor_sets_up_nor_takes_files(outbox: Path) -> None:
    suppliers(1)
    file_endpoint(folder_drop("legacy"))
    client = signed_in(AUDITOR)
    assert client.get("/publishing/drop/files/").status_code == 200
    assert client.post("/publishing/drop/files/write/").status_code == 403
    assert client.get("/publishing/files/new/").status_code == 403
    assert client.post("/publishing/files/host-key/", {"host": "127.0.0.1", "port": "22"}).status_code == 403
    assert client.get("/publishing/drop/files/1/supplier-000001.csv").status_code == 403
    assert list(outbox.iterdir()) == []


def test_no_download_leads_out_of_the_run(outbox: Path) -> None:
    suppliers(1)
    file_endpoint(folder_drop("legacy"))
    client = owner()
    client.post("/publishing/drop/files/write/")
    for name in ("records.jsonl", "..%2f..%2fkeys", "supplier-000002.csv"):
        assert client.get(f"/publishing/drop/files/1/{name}").status_code == 404
