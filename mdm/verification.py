"""The last verdict on the log, kept in a file of the data folder for the audit page.

Whoever can write there could write a green one, so it is news, not proof: proof is running ``verify_log``.
"""

import json
import logging
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from mdm.chain import Finding
from mdm.verify import Verdict

FILE = "verification.json"
STARTED = "verification-started"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class LastVerdict:
    """When the log was verified last, and what was seen."""

    at: datetime
    verdict: Verdict


def keep_verdict(verdict: Verdict) -> None:
    """Replace the last verdict. A folder that cannot be written to is a line in the error log."""
    content = {
        "at": timezone.now().isoformat(),
        "events": verdict.events,
        "versions": verdict.versions,
        "records": verdict.records,
        "head": verdict.head,
        "epoch": verdict.epoch,
        "findings": [[finding.where, finding.what] for finding in verdict.findings],
    }
    _write(FILE, json.dumps(content))


def note_start() -> None:
    """A verification begins: whoever waits for it sees that it is under way."""
    _write(STARTED, timezone.now().isoformat())


def last_start() -> datetime | None:
    """When a verification began last, None where that is not known."""
    try:
        return parse_datetime((Path(settings.DATA_DIR) / STARTED).read_text())
    except (OSError, ValueError):
        return None


def _write(name: str, text: str) -> None:
    """Replace a file of the data folder at once, so that nobody reads half of it."""
    folder = Path(settings.DATA_DIR)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=folder, prefix="verification-", delete=False) as target:
            target.write(text)
        Path(target.name).replace(folder / name)
    except OSError:
        logger.exception("%s could not be kept", name)


def last_verdict() -> LastVerdict | None:
    """The last verdict, None where there is none that can be read."""
    try:
        content: dict[str, Any] = json.loads((Path(settings.DATA_DIR) / FILE).read_text())
        at = parse_datetime(content.pop("at"))
        findings = [Finding(where, what) for where, what in content.pop("findings")]
        return LastVerdict(at, Verdict(**content, findings=findings)) if at else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
