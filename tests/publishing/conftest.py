"""Fixtures of publishing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.publishing.making import Target, pass_time


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings: Settings) -> None:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]


@pytest.fixture
def outbox(tmp_path: Path, settings: Settings) -> Path:
    """A folder the operator lists for files."""
    (tmp_path / "outbox" / "legacy").mkdir(parents=True)
    settings.FILE_FOLDERS, settings.FILE_ARCHIVE = [str(tmp_path / "outbox")], tmp_path / "sent"
    return tmp_path / "outbox" / "legacy"


@pytest.fixture
def target() -> Iterator[Target]:
    """A target that takes everything."""
    with Target() as server:
        yield server


@pytest.fixture
def clock(db: None) -> Iterator[None]:
    """Time may be passed with ``pass_time`` and stands right again afterwards."""
    yield
    pass_time(0)
