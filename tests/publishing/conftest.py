"""Fixtures of publishing."""

from collections.abc import Iterator

import pytest
from pytest_django.fixtures import Settings

from tests.publishing.making import Target, pass_time


@pytest.fixture(autouse=True)
def _loopback_is_allowed(settings: Settings) -> None:
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]


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
