"""Watched folders: files taken by themselves, full ones held where too much is missing, errors told to the owner."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import IntegrityError, transaction
from django.utils import timezone

from mdm.errors import Invalid, NotFound, WrongState
from mdm.intake.dry_running import Report, rehearse
from mdm.intake.feeds import plan_of
from mdm.intake.readers import UnreadableFile
from mdm.intake.receiving import receive
from mdm.models import Batch, Coverage, Feed, FeedWatch, MissingRows, SourceRecord, SourceState, WatchRun, WatchRunState
from mdm.models.watches import LONGEST_PAUSE
from mdm.nudge import nudge

SETTLED = timedelta(seconds=5)  # a file written to more recently may not be whole
AT_ONCE = 50  # files of one look
WATCHER = "Watched folder"

logger = logging.getLogger(__name__)


def folder_of(folder: str) -> Path:
    """The folder inside the hub's watch folder. Raises Invalid for any other, also by way of links and dots."""
    base = Path(settings.WATCH_FOLDER)
    found = (base / folder).resolve()
    if not found.is_relative_to(base.resolve()):
        raise Invalid(
            "This folder is not inside the hub's watch folder.", f"Name a folder inside {base.name}.",
            [("folder", f"Name a folder inside {base.name}, without leading dots or slashes.")],
        )  # fmt: skip
    return found


def set_watch(
    *, code: str, folder: str, pattern: str, coverage: str, missing: str, most_missing: int, every_minutes: int,
    owner: str, owner_mail: str = "",
) -> FeedWatch:  # fmt: skip
    """Let a feed watch a folder, or change how it does. Files that lie there already are taken too.

    Raises NotFound, and Invalid with every reason; nothing is stored then.
    """
    feed = _feed(code)
    problems: list[tuple[str, str]] = []
    try:
        if not folder.strip("/"):
            Path(settings.WATCH_FOLDER).mkdir(parents=True, exist_ok=True, mode=0o750)
        if not folder_of(folder).is_dir():
            problems.append(("folder", "There is no such folder yet. Ask your operator to make it."))
    except Invalid as refusal:
        problems += refusal.problems
    if not pattern.strip():
        problems.append(("pattern", "Say which files: * stands for anything."))
    if "/" in pattern:
        problems.append(("pattern", "The pattern names files, not folders."))
    if coverage not in Coverage.values:
        problems.append(("coverage", "A file holds everything, or what changed."))
    if missing not in MissingRows.values or (missing == MissingRows.RETIRE and coverage != Coverage.FULL):
        problems.append(("missing", "Only a file that holds everything can say what is missing."))
    if not 0 <= most_missing <= 100:
        problems.append(("most_missing", "Give a share from 0 to 100."))
    if not 1 <= every_minutes <= LONGEST_PAUSE:
        problems.append(("every_minutes", f"Give minutes from 1 to {LONGEST_PAUSE:,}."))
    if problems:
        raise Invalid("The folder cannot be watched so.", "Correct it and save again.", problems)
    with transaction.atomic():
        watch = FeedWatch.objects.select_for_update().filter(feed=feed).first() or FeedWatch(feed=feed)
        watch.folder, watch.pattern, watch.coverage, watch.missing = (
            folder.strip("/"),
            pattern.strip(),
            coverage,
            missing,
        )
        watch.most_missing, watch.every_minutes = most_missing, every_minutes
        watch.owner, watch.owner_mail, watch.next_at, watch.problem = owner, owner_mail, timezone.now(), ""
        watch.save()
    return watch


def pause(*, code: str, paused: bool) -> FeedWatch:
    """Stop looking into the folder, or go on at once."""
    watch = find_watch(code)
    watch.paused, watch.next_at = paused, timezone.now()
    watch.save(update_fields=["paused", "next_at"])
    return watch


def run_now(*, code: str) -> FeedWatch:
    """Look into the folder now instead of when it is due; also while it is paused nothing else happens by itself."""
    watch = find_watch(code)
    if watch.paused:
        raise WrongState("The watch is paused.", "Resume it; it looks at once.")
    FeedWatch.objects.filter(pk=watch.pk).update(next_at=timezone.now())
    nudge("mdm.tasks.watch_folders", queue="import")
    return watch


def find_watch(code: str) -> FeedWatch:
    """The watch of the feed. Raises NotFound."""
    watch = FeedWatch.objects.select_related("feed").filter(feed__code=code).first()
    if watch is None:
        raise NotFound("This feed watches no folder.", "Set one up on the feed's page.")
    return watch


def due_watches() -> list[int]:
    """Watches that should look into their folder now."""
    due = FeedWatch.objects.filter(paused=False, feed__active=True, next_at__lte=timezone.now())
    return list(due.order_by("next_at").values_list("pk", flat=True))


def look_into(watch_id: int) -> int:
    """Take, or hold, every new whole file of the folder, oldest first; how many. Two at once take none twice."""
    now = timezone.now()
    watch = FeedWatch.objects.select_related("feed__system").get(pk=watch_id)
    due = FeedWatch.objects.filter(pk=watch_id, paused=False, next_at=watch.next_at, next_at__lte=now)
    if not due.update(next_at=now + timedelta(minutes=watch.every_minutes)):
        return 0
    try:
        files = list(_new_files(watch))[:AT_ONCE]
    except (OSError, Invalid) as error:
        problem = "The watched folder cannot be read. Ask your operator to look at it."
        logger.warning("%s: %s", problem, error)
        if watch.problem != problem:
            tell(watch, problem)
        FeedWatch.objects.filter(pk=watch_id).update(problem=problem)
        return 0
    FeedWatch.objects.filter(pk=watch_id).exclude(problem="").update(problem="")
    return sum(_look_at(watch, file) for file in files)


def _new_files(watch: FeedWatch) -> Iterator[Path]:
    base, seen = folder_of(watch.folder), set(watch.runs.values_list("file_name", "size", "modified_at"))
    whole_before = timezone.now() - SETTLED
    found = [
        (modified(path), path)
        for path in base.iterdir()
        if fnmatchcase(path.name, watch.pattern) and path.is_file() and path.resolve().is_relative_to(base)
    ]
    for at, path in sorted(found):
        if at <= whole_before and (path.name[-255:], path.stat().st_size, at) not in seen:
            yield path


def modified(path: Path) -> datetime:
    """When the file was last written to."""
    return datetime.fromtimestamp(path.stat().st_mtime_ns // 1000 / 1_000_000, UTC)


def _look_at(watch: FeedWatch, path: Path) -> bool:
    """Look at one file and take it, or hold it; whether it was ours to look at."""
    run = WatchRun(
        watch=watch, file_name=path.name[-255:], size=path.stat().st_size, modified_at=modified(path),
        state=WatchRunState.FAILED, at=timezone.now(), problem="It was being looked at when the worker stopped.",
        way_out="Save the file anew; it is looked at then.",
    )  # fmt: skip
    try:
        with transaction.atomic():
            run.save()
    except IntegrityError:
        return False
    problem, way_out = "", ""
    try:
        report = _reported(watch, path) if watch.coverage == Coverage.FULL else None
        if report is not None and (problem := held_because(watch, report)):
            way_out = "Take it all the same, or leave it out and ask the source for a whole one."
            run.state, run.report = WatchRunState.HELD, report.as_json()
        else:
            run.report = report.as_json() if report else {}
            # A full file speaks for today also where its content came before and others in between.
            full = watch.coverage == Coverage.FULL
            run.batch = receive(feed=watch.feed, file=path, file_name=path.name, by=WATCHER, again=full)
            run.state = WatchRunState.TAKEN
    except (UnreadableFile, Invalid) as error:
        problem, way_out = error.message, error.way_out
    except OSError:
        logger.exception("Watched file %s", path.name)
        problem, way_out = "The file could not be read from the folder.", "Ask your operator, then save the file anew."
    run.problem, run.way_out = problem, way_out
    run.save(update_fields=["state", "report", "batch", "problem", "way_out"])
    if problem:
        tell(watch, f"{run.file_name}: {problem} {way_out}")
    return True


def _reported(watch: FeedWatch, path: Path) -> Report:
    return rehearse(file=path, plan=plan_of(watch.feed), system_id=watch.feed.system_id, feed_id=watch.feed_id)


def held_because(watch: FeedWatch, report: Report) -> str:
    """Why a full file is not taken without a person; blank where it is."""
    if not report.read:
        return "The file has no row."
    known = known_records(watch.feed)
    missing = report.missing or 0
    if missing * 100 > known * watch.most_missing:
        return (
            f"{missing:,} of {known:,} records of this feed are not in the file: "
            f"more than the {watch.most_missing} % allowed."
        )
    return ""


def known_records(feed: Feed) -> int:
    """How many records the feed brought so far."""
    records = SourceRecord.objects.filter(batch__feed=feed, part=feed.part, stub=False)
    return records.exclude(state=SourceState.RETIRED).count()


@transaction.atomic
def take_held(*, run_id: int, by: str) -> Batch:
    """Take a held file all the same; its guard is passed by a person. Raises NotFound, WrongState, Invalid."""
    run = _held(run_id)
    path = folder_of(run.watch.folder) / run.file_name
    if not path.is_file() or path.stat().st_size != run.size or modified(path) != run.modified_at:
        raise WrongState(
            "The file in the folder is not the one that was held.", "Look at the newer one, or leave this out."
        )
    run.batch = receive(feed=run.watch.feed, file=path, file_name=run.file_name, by=by)
    run.state, run.decided_by = WatchRunState.TAKEN, by
    run.save(update_fields=["batch", "state", "decided_by"])
    return run.batch


@transaction.atomic
def leave_out(*, run_id: int, by: str) -> WatchRun:
    """Leave a held file out for good; a newer one of the same name is looked at anew. Raises NotFound, WrongState."""
    run = _held(run_id)
    run.state, run.decided_by = WatchRunState.DISMISSED, by
    run.save(update_fields=["state", "decided_by"])
    return run


def _held(run_id: int) -> WatchRun:
    run = WatchRun.objects.select_for_update(of=("self",)).select_related("watch__feed").filter(pk=run_id).first()
    if run is None:
        raise NotFound("There is no such file.", "Look at the files of the watch.")
    if run.state != WatchRunState.HELD:
        raise WrongState(f"This file is not held any more: {run.get_state_display().lower()}.", "Look at it again.")
    return run


def tell(watch: FeedWatch, text: str) -> None:
    """Mail the owner, where an address is known. Never raises: the page says it in any case."""
    logger.warning("Watched folder of %s: %s", watch.feed.code, text)
    if not watch.owner_mail:
        return
    try:
        EmailMessage(f"Assay: {watch.feed.title}", text, to=[watch.owner_mail]).send()
    except (SMTPException, OSError) as error:
        logger.warning("The owner of %s was not told: %s", watch.feed.code, error)


def _feed(code: str) -> Feed:
    feed = Feed.objects.filter(code=code, active=True).first()
    if feed is None:
        raise NotFound(f'There is no feed "{code}".', "Look at the list of feeds.")
    return feed
