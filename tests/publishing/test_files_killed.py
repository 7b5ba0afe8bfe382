"""A writer killed at any point: nothing is lost, and no number ever means two different files."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest
from django.conf import settings as configured
from django.db import connection
from pytest_django.fixtures import Settings

from publishing.files import runs
from publishing.lanes import LEASE
from publishing.models import Delivery, Endpoint, FileRun, Holding
from tests.publishing.dropping import file_endpoint, folder_drop
from tests.publishing.dying import POINTS
from tests.publishing.making import OWNER, pass_time, rename, suppliers

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("point", POINTS[:-1])
def test_a_killed_writer_leaves_no_number_with_two_meanings(
    tmp_path: Path, settings: Settings, clock: None, point: str
) -> None:
    data = tmp_path / "data"
    (data / "outbox" / "legacy").mkdir(parents=True)
    settings.FILE_FOLDERS, settings.FILE_ARCHIVE = [str(data / "outbox")], data / "sent"
    first, second = suppliers(2)
    endpoint = file_endpoint(folder_drop("legacy"))
    outbox = data / "outbox" / "legacy"
    assert _write_and_die(point, endpoint, data) == -signal.SIGKILL
    seen = {path.name: path.read_bytes() for path in outbox.iterdir() if path.suffix != ".part"}
    rename(first, "Later Ltd")
    pass_time(int(LEASE.total_seconds()) + 1)
    while (done := runs.write(endpoint, OWNER)).run is not None and Delivery.objects.filter(state="waiting").exists():
        pass
    assert done.claimed
    for name, raw in seen.items():
        assert (outbox / name).read_bytes() == raw
    written = FileRun.objects.order_by("number")
    assert [run.number for run in written] == list(range(1, len(written) + 1))
    assert {run.state for run in written} == {"done"}
    assert {path.suffix for path in outbox.iterdir()} == {".csv", ".ctl"}
    assert "Later Ltd" in (outbox / f"supplier-{len(written):06d}.csv").read_text()
    assert not Delivery.objects.filter(state__in=["waiting", "in_flight", "parked"]).exists()
    assert dict(Holding.objects.values_list("record_id", "version")) == {first.pk: 2, second.pk: 1}


def _write_and_die(point: str, endpoint: Endpoint, data: Path) -> int:
    database = connection.settings_dict
    place = f"host={database['HOST']}&port={database['PORT']}"
    url = f"postgresql://{database['USER']}:{quote(database['PASSWORD'])}@/{database['NAME']}?{place}"
    told = {"DATABASE_URL": url, "ASSAY_KEYS_FILE": str(configured.KEYS_FILE), "ASSAY_DATA_DIR": str(data)}
    command = [sys.executable, "-m", "tests.publishing.dying", point, endpoint.code]
    return subprocess.run(command, cwd=PROJECT, env={**os.environ, **told}, check=False).returncode
