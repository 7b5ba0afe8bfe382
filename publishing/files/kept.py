"""The files that were sent, kept on this machine for 30 days: taken out by people, cleared away by time."""

import shutil
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings
from django.db import transaction

from mdm.cause import Actor
from mdm.errors import NotFound
from publishing.clock import now
from publishing.files.closing import names_of
from publishing.files.spooling import KEPT, folder_of
from publishing.models import UNFINISHED, FileRun, Intervention


def still_there(run: FileRun) -> list[str]:
    """The names of a run this machine still has."""
    folder = folder_of(run.endpoint.code, run.number)
    return [name for name in names_of(run.files) if (folder / name).is_file()]


@transaction.atomic
def take_out(*, run: FileRun, name: str, by: Actor) -> Path:
    """A file of the run to look at; who took it is written down. Raises NotFound where it is no longer kept."""
    if name not in still_there(run):
        raise NotFound(
            f"{name} is not kept here any more.", f"Files are kept for {KEPT.days} days where they are made."
        )
    Intervention.objects.create(endpoint=run.endpoint, verb="download file", by=by.name, reason=name, at=now())
    return folder_of(run.endpoint.code, run.number) / name


def tidy() -> int:
    """Clear away what is older than 30 days, unless its run is unfinished. Returns how many runs; repeatable."""
    root = Path(settings.FILE_ARCHIVE)
    if not root.is_dir():
        return 0
    before = now() - KEPT
    unfinished = {
        folder_of(code, number)
        for code, number in FileRun.objects.filter(state__in=UNFINISHED).values_list("endpoint__code", "number")
    }
    old = [folder for folder in root.glob("*/*") if folder not in unfinished and _made(folder) < before]
    for folder in old:
        shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def _made(folder: Path) -> datetime:
    return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
