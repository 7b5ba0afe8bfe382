"""A place for an installation of its own."""

import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ops.launching import await_nobody


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder the database's account can reach; afterwards nothing runs in it and it is gone."""
    base = Path(tempfile.mkdtemp(prefix="assay-test-up-"))
    base.chmod(0o711)
    yield base / "data of an installation"  # blanks, as people name folders
    for pid in await_nobody(base, seconds=5):
        os.kill(pid, signal.SIGKILL)
    shutil.rmtree(base)
