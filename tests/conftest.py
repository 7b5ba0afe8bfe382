"""What every test stands on: a real PostgreSQL, closed sockets, and a browser where there is one."""

import os
import shutil
from pathlib import Path

import django
import hypothesis
import pytest
from django.conf import settings

from tests import throwaway

# Machines are noisy: how long an example takes says nothing about the code.
hypothesis.settings.register_profile(
    "noisy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("noisy")

# Before anything reads the settings: test folders may import models in their own conftest.
RIG = throwaway.prepare()
django.setup()

BROWSER_TESTS = Path(__file__).parent / "browser"
CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
NO_CHROMIUM = "no chromium found: install one or set CHROMIUM=/path/to/it"


def chromium() -> str | None:
    """Path of a chromium to drive, or None."""
    if given := os.environ.get("CHROMIUM"):
        return shutil.which(given)
    return next((path for name in CHROMIUM_NAMES if (path := shutil.which(name))), None)


def pytest_unconfigure() -> None:
    if RIG:
        RIG.remove()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything under tests/browser is a browser test, and is skipped aloud where no browser is found."""
    missing = chromium() is None
    for item in items:
        if BROWSER_TESTS in item.path.parents:
            item.add_marker(pytest.mark.browser)
            if missing:
                item.add_marker(pytest.mark.skip(reason=NO_CHROMIUM))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if NO_CHROMIUM in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"{len(skipped)} browser tests were not run: {NO_CHROMIUM}")


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Append-only tables let the test database be emptied between tests that commit.

    The argument gives each parallel worker a database of its own; without it they would share one.
    """
    default = settings.DATABASES["default"]
    default.setdefault("OPTIONS", {})["options"] = "-c assay.allow_truncate=on"
    if template := os.environ.get(throwaway.TEMPLATE_VARIABLE):
        default.setdefault("TEST", {})["TEMPLATE"] = template


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's path; the test is skipped where there is none."""
    path = chromium()
    if path is None:
        pytest.skip(NO_CHROMIUM)
    return path
