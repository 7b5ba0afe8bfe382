"""The demo: loaded once, complete, and honest about what it is."""

import tomllib
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from api.demo import FOLDER
from matching.models import CandidateState, MatchCandidate
from mdm.domains import DOMAINS
from mdm.models import Batch, BatchState, ChangeEvent, ExtensionAttribute, Feed, GoldenRecord, Merge, SourceRow
from publishing.models import Endpoint
from stewardship.models import ChangeRequest, RequestState

FILES = sorted(path.name for path in (FOLDER / "files").iterdir())


@pytest.fixture
def _loaded(settings: Any, tmp_path: Path) -> None:
    settings.DATA_DIR = tmp_path
    call_command("load_demo", stdout=StringIO())


@pytest.mark.django_db
@pytest.mark.usefixtures("_loaded")
def test_the_demo_shows_what_it_should() -> None:
    assert Batch.objects.exclude(state=BatchState.READ).count() == 0
    assert {batch.file_name for batch in Batch.objects.all()} == set(FILES)
    for domain in DOMAINS:
        assert GoldenRecord.objects.filter(domain=domain.name, state="active").count() >= 25, domain.name
        questions = MatchCandidate.objects.filter(domain=domain.name, state=CandidateState.OPEN).count()
        requests = ChangeRequest.objects.filter(domain=domain.name, state=RequestState.OPEN).count()
        assert questions + requests, domain.name
    assert Merge.objects.filter(undone_at=None).count() >= 3
    both_in_use = MatchCandidate.objects.filter(domain="supplier", state=CandidateState.OPEN).exclude(
        records__state="pending"
    )
    assert both_in_use.count() >= 5
    assert ChangeRequest.objects.filter(state=RequestState.APPROVED).count() == 1
    lines = DOMAINS[-1].parts[0].model.objects
    assert lines.filter(item__isnull=False, price__isnull=False).count() > 200  # type: ignore[attr-defined]
    assert SourceRow.objects.filter(state="quarantined").count() >= 10
    assert ExtensionAttribute.objects.get().name == "list_price"
    assert DOMAINS[2].model.objects.exclude(extension={}).exists()  # type: ignore[attr-defined]
    assert set(Endpoint.objects.values_list("code", flat=True)) == {"erp", "procurement", "billing", "inventory"}
    assert not ChangeEvent.objects.filter(seq__isnull=True).exists()
    steward = User.objects.get(username="steward")
    assert steward.check_password("assay-demo")
    assert list(steward.groups.values_list("name", flat=True)) == ["steward"]

    before = _amounts()
    call_command("load_demo", stdout=StringIO())
    assert _amounts() == before


def _amounts() -> list[int]:
    return [model.objects.count() for model in (GoldenRecord, ChangeEvent, Feed, User, Batch, SourceRow, Merge)]


@pytest.mark.django_db
def test_a_hub_without_a_demo_takes_none(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="ASSAY_DEMO"):
        call_command("load_demo", stdout=StringIO())
    assert not User.objects.exists()


def test_every_file_is_named_with_its_rows_and_fed() -> None:
    readme = (FOLDER / "README.md").read_text()
    patterns = [tomllib.loads(path.read_text())["file"]["pattern"] for path in (FOLDER / "feeds").glob("*.toml")]
    for name in FILES:
        path = FOLDER / "files" / name
        encoding = "utf-16" if "supplies" in name else "cp1252"
        rows = len(path.read_bytes().decode(encoding).splitlines()) - (4 if name.startswith("procurement_s") else 1)
        assert f"| `{name}` | {rows} |" in readme
        assert any(Path(name).match(pattern) for pattern in patterns)
    assert "vsoch/hospital-chargemaster" in readme
    assert Path(settings.BASE_DIR) == FOLDER.parent
