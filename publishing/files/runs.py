"""One run of a file endpoint: everything owed is written, brought, revealed and settled, under the lane's claim.

A run that was never revealed is written anew at the next try, with the same number. From the moment something may
have been revealed (state *running*) its bytes are frozen: whatever happens, they and no others go out under that
number. Killed at any point, nothing is lost and no number means two things.
"""

import hashlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from django.db import transaction
from django.db.models import Max

from mdm import log
from mdm.cause import Actor
from mdm.errors import WrongState
from mdm.models import LogHead
from publishing import breaker, outcomes
from publishing.clock import now
from publishing.files import closing, schedule
from publishing.files.going import METHOD, address_of, bring, failure, open_place
from publishing.files.places import PlaceFailed
from publishing.files.rendering import Rendered, Task, render
from publishing.files.spooling import folder_of
from publishing.filling import fill
from publishing.lanes import LEASE, Claim, Fenced, claim, hold, let_go
from publishing.models import (
    LIVE,
    Attempt,
    Endpoint,
    EndpointKind,
    FileContent,
    FileDrop,
    FileRun,
    Intervention,
    JobState,
    Lane,
)
from publishing.replaying import advance
from publishing.sealing import SealBroken
from publishing.sending import Result

RENEW_SECONDS = min(15.0, LEASE.total_seconds() / 6)
REPLAY_SECONDS = 60.0
REPLAY_MOST = 10**9
LOST = (
    "The bytes of this file are gone from this machine, so nobody can say what of it went out; the next one tells all."
)

logger = logging.getLogger(__name__)


class Stopped(Exception):
    """The endpoint was paused or disabled while its file was on the way: nothing more is done."""


@dataclass
class _Run:
    """A run in progress. Calling it renews the claim, at most every few seconds. Raises Fenced."""

    claim: Claim
    endpoint: Endpoint
    drop: FileDrop
    by: Actor
    renewed: float = field(default_factory=time.monotonic)

    def tick(self) -> None:
        if time.monotonic() - self.renewed > RENEW_SECONDS:
            with transaction.atomic():
                hold(self.claim)
            self.renewed = time.monotonic()

    def held(self) -> tuple[Lane, datetime]:
        """The lane, locked, of an endpoint that runs. Raises Fenced and Stopped."""
        lane, moment = hold(self.claim)
        if lane.endpoint.state not in LIVE:
            raise Stopped
        self.renewed = time.monotonic()
        return lane, moment

    def go(self) -> FileRun | None:
        """Finish what an earlier run left, then write what is owed. None where nothing was."""
        begun = FileRun.objects.filter(endpoint=self.endpoint, state=JobState.RUNNING).order_by("number").last()
        if begun is not None:
            self.finish(begun)
            if begun.state == JobState.RUNNING:
                return begun
        return self.anew() or begun

    def anew(self) -> FileRun | None:
        """A new file, or the one that was never revealed, written anew under its number."""
        fill(self.claim, bounded=False)
        advance(self.claim, most=REPLAY_MOST, seconds=REPLAY_SECONDS)
        task = self.task()
        made = render(task, self.tick)
        if not made.files:
            self.nothing(task, made)
            return None
        run = self.enter(task, made)
        try:
            self.send(run, frozen=False)
        except (PlaceFailed, SealBroken) as error:
            self.failed(run, error)
        else:
            self.close(run)
        return run

    def task(self) -> Task:
        with transaction.atomic():
            lane, moment = self.held()
            log.begin()  # a hub whose sequencer never ran has no life to name yet
        runs = FileRun.objects.filter(endpoint=self.endpoint)
        waiting = runs.filter(state=JobState.WAITING).values_list("number", flat=True).first()
        done = runs.filter(state=JobState.DONE).aggregate(through=Max("through_seq"))["through"] or 0
        return Task(
            endpoint=self.endpoint, drop=self.drop,
            number=waiting or (runs.aggregate(last=Max("number"))["last"] or 0) + 1,
            from_seq=1 if self.drop.content == FileContent.FULL else min(done + 1, lane.cursor_low),
            through=lane.cursor_low, epoch=LogHead.objects.get().epoch, moment=moment,
        )  # fmt: skip

    def enter(self, task: Task, made: Rendered) -> FileRun:
        """The run as it is going to be, before any of it leaves this machine."""
        with transaction.atomic():
            self.held()
            run, _ = FileRun.objects.update_or_create(
                endpoint=self.endpoint, number=task.number,
                defaults={
                    "content": task.drop.content, "state": JobState.WAITING, "files": made.files, "rows": made.rows,
                    "through_seq": task.through, "by": self.by.name, "started_at": task.moment, "outcome_code": "",
                    "error": _left_out(made),
                },
            )  # fmt: skip
        return run

    def send(self, run: FileRun, *, frozen: bool) -> None:
        """Bring every file, freeze the run, reveal the files in their order. Raises PlaceFailed and SealBroken."""
        folder, names = folder_of(self.endpoint.code, run.number), closing.names_of(run.files)
        place = open_place(self.endpoint, self.drop, self.tick)
        try:
            bring(place, folder, names, self.tick)
            with transaction.atomic():
                self.held()
                if not frozen:
                    run.state = JobState.RUNNING
                    run.save(update_fields=["state"])
            for name in names:
                place.reveal(name, self.tick)
        finally:
            place.close()

    def finish(self, run: FileRun) -> None:
        """Send the frozen bytes of a run again that may or may not have been revealed, and close it."""
        if not _intact(run, folder_of(self.endpoint.code, run.number)):
            with transaction.atomic():
                _, moment = self.held()
                run.state, run.error, run.finished_at = JobState.FAILED, LOST, moment
                run.outcome_code = outcomes.LOST.code
                run.save(update_fields=["state", "error", "finished_at", "outcome_code"])
            return
        try:
            self.send(run, frozen=True)
        except (PlaceFailed, SealBroken) as error:
            self.failed(run, error)
        else:
            self.close(run)

    def close(self, run: FileRun) -> None:
        """Settle everything the files hold. What was revealed is true, so a pause meanwhile does not stop this."""
        with transaction.atomic():
            lane, moment = hold(self.claim)
            full = run.content == FileContent.FULL
            folder = folder_of(self.endpoint.code, run.number)
            closing.settle(lane, folder, moment, number=run.number, full=full, through=run.through_seq)
            run.state, run.finished_at, run.outcome_code = JobState.DONE, moment, outcomes.ACCEPTED.code
            run.save(update_fields=["state", "finished_at", "outcome_code"])
            breaker.clear(lane, moment, succeeded=True)
            self.note(Result(outcomes.ACCEPTED, self.address(run), METHOD), moment, since=run.started_at)
            self.plan(run.started_at)

    def nothing(self, task: Task, made: Rendered) -> None:
        """Nothing to write: what need not be told, or cannot be, is settled all the same."""
        with transaction.atomic():
            lane, moment = self.held()
            closing.settle(lane, made.folder, moment, number=None, full=False, through=task.through)
            self.plan(task.moment)

    def failed(self, run: FileRun, error: PlaceFailed | SealBroken) -> None:
        """The lane rests; the run stays where it is and is tried again when the lane has rested."""
        result = failure(self.drop, error)
        with transaction.atomic():
            lane, moment = hold(self.claim)
            run.outcome_code, run.error = result.outcome.code, result.words
            run.save(update_fields=["outcome_code", "error"])
            breaker.rest(lane, result, moment)
            self.note(result, moment, since=run.started_at)

    def note(self, result: Result, moment: datetime, *, since: datetime) -> None:
        """One attempt for a file, as one call is for a message."""
        milliseconds = max(int((moment - since).total_seconds() * 1000), 0)
        Attempt.objects.create(
            endpoint=self.endpoint, number=0, at=moment, method=result.method, url=result.url[:800],
            outcome_code=result.outcome.code, duration_ms=min(milliseconds, 2**31 - 1), error=result.words,
        )  # fmt: skip

    def plan(self, written_at: datetime) -> None:
        """The next turn after the one this file was for; turns that were missed meanwhile are one."""
        turn = schedule.next_after(self.drop.schedule, written_at)
        FileDrop.objects.filter(pk=self.drop.pk).update(next_run_at=turn)

    def address(self, run: FileRun) -> str:
        first = next(iter(run.files), {"name": ""})["name"]
        return f"{address_of(self.drop).rstrip('/')}/{first}"


def _left_out(made: Rendered) -> str:
    if not made.left_out:
        return ""
    return f"{made.left_out} left out. {' '.join(made.why)}"[:500]


def _intact(run: FileRun, folder: Path) -> bool:
    """Whether this machine still has the very bytes of the run."""
    names: Sequence[str] = closing.names_of(run.files)
    if not all((folder / name).is_file() for name in names):
        return False
    return all(_digest(folder / file["name"]) == file["sha256"] for file in run.files)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class Written:
    """What came of asking for a file. ``claimed`` is false where another worker has the lane, or it rests."""

    claimed: bool
    run: FileRun | None = None


def write(endpoint: Endpoint, by: Actor) -> Written:
    """Write what is owed, where the lane is free and rested. Never raises for what the place does.

    At most one worker writes for an endpoint; a second one returns at once.
    """
    claimed = claim(endpoint.pk, kinds=(EndpointKind.FILE,))
    if claimed is None:
        return Written(claimed=False)
    try:
        fresh = Endpoint.objects.select_related("file_drop").get(pk=endpoint.pk)
        return Written(claimed=True, run=_Run(claimed, fresh, fresh.file_drop, by).go())
    except (Fenced, Stopped):
        return Written(claimed=True)
    except Exception as error:  # a fault of ours must rest the lane and be seen, not be tried each second
        logger.exception("Writing the file of %s failed", endpoint.code)
        _rest(claimed, f"{outcomes.OWN_FAULT.words} ({type(error).__name__})")
        raise
    finally:
        let_go(claimed)


def _rest(claimed: Claim, words: str) -> None:
    try:
        with transaction.atomic():
            lane, moment = hold(claimed)
            breaker.rest(lane, Result(outcomes.OWN_FAULT, "", METHOD, words=words), moment)
    except Fenced:
        return


def run(*, endpoint: Endpoint, by: Actor) -> FileRun | None:
    """Write a file now, whatever the schedule says and even if the lane rests; None where nothing is owed.

    Holds the lane's claim. Asking again writes what has come since. Raises WrongState for an endpoint that does not
    run, is no file endpoint, or writes at this moment.
    """
    if endpoint.kind != EndpointKind.FILE:
        raise WrongState(f"{endpoint.name} is given messages, no files.", "Replay sends records again.")
    if not Endpoint.objects.filter(pk=endpoint.pk, state__in=LIVE).exists():
        raise WrongState(f"{endpoint.name} does not run.", "Verify or resume it first.")
    Lane.objects.filter(endpoint=endpoint).update(next_probe_at=None)
    Intervention.objects.create(endpoint=endpoint, verb="write file", by=by.name, at=now())
    done = write(endpoint, by)
    if not done.claimed:
        raise WrongState(f"A file for {endpoint.name} is being written right now.", "Wait until it is there.")
    return done.run
