"""A list from the drop to the bin: kept, set up, asked to be checked, cancelled, taken away. Locks the list."""

import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from mdm.errors import Invalid, NotFound, WrongState
from mdm.identity import uuid7
from mdm.intake.drafts import expected_rows
from mdm.intake.lists import plan_of_list
from mdm.intake.looking import look
from mdm.intake.receiving import keep, kept_at
from mdm.intake.surroundings import look_around
from mdm.intake.targets import Records
from mdm.nudge import nudge
from mdm.people import AUDITOR, in_group
from mdm.retrying import atomic
from stewardship.lists import columns
from stewardship.models import CheckedList, CheckedRow, ListState, Purpose
from stewardship.models.lists import ACTED, ACTING, BEING_CHECKED
from stewardship.rebasing import WAITING

FOLDER = "lists"
KEPT = timedelta(days=14)
MOST = 50  # lists of one person
CHECK = "stewardship.tasks.check_list"
LEASE = timedelta(seconds=60)


def seen_by(user: User) -> QuerySet[CheckedList]:
    """The lists the person may look at, newest first: their own, for an auditor everybody's."""
    lists = CheckedList.objects.select_related("owner").order_by("-created_at")
    return lists if in_group(user, AUDITOR) and not user.is_superuser else lists.filter(owner=user)


def find(list_id: UUID, user: User) -> CheckedList:
    """A list the person may look at. Raises NotFound for any other, as if it were not there."""
    found = seen_by(user).filter(pk=list_id).first()
    if found is None:
        raise NotFound("There is no such list.", f"Lists are kept for {KEPT.days} days. Send the file again.")
    return found


def draw(
    *,
    file: BinaryIO,
    file_name: str,
    size: int,
    user: User,
    records: Records | None = None,
    purpose: Purpose = Purpose.CHECK,
) -> CheckedList:
    """Keep a file to be checked, with what its columns seem to be; ``records`` says what its rows are.

    Raises Invalid where it is no table, is empty, or the person has too many lists, and then keeps nothing; OSError
    where it cannot be kept.
    """
    if not size:
        raise Invalid("This file is empty: there is nothing to check.", "Export it again and check that it has rows.")
    if CheckedList.objects.filter(owner=user).count() >= MOST:
        raise Invalid(f"You have {MOST} lists already.", "Take some of them away first.")
    made = CheckedList(id=uuid7(), owner=user, purpose=purpose, file_name=Path(file_name).name[-255:], size=size)
    folder = f"{FOLDER}/{made.pk}"
    try:
        sha256, made.size = keep(file, folder)
        made.stored_at = f"{folder}/{sha256}"
        found = look(kept_at(made.stored_at))
        document, made.naming = columns.proposed(found, made.file_name, purpose, records)
    except BaseException:
        shutil.rmtree(kept_at(folder), ignore_errors=True)
        raise
    made.document, made.rows_expected = document, expected_rows(found, made.size)
    made.save(force_insert=True)
    return made


@atomic
def choose(
    *, list_id: UUID, user: User, document: Mapping[str, Any], naming: str = "", check: bool = True
) -> CheckedList:
    """Say anew what the columns are; what was found out before is forgotten. ``check`` asks for the check at once.

    ``naming`` is the column of a list of changes that names the record. Raises NotFound, WrongState once changes were
    proposed, Invalid (nothing is kept) with every reason why the document cannot be used.
    """
    one = own(list_id, user)
    if one.state in ACTED:
        raise WrongState("The changes of this list were proposed.", "Withdraw them, or send the list again.")
    if check:
        columns.require_usable(document, one.purpose, naming)
        plan_of_list(document, look_around())
    forget(one)
    one.document, one.naming = dict(document), naming
    one.state = ListState.ASKED if check else ListState.DRAWN
    one.save()
    if check:
        nudge(CHECK, str(one.pk), queue="import")
    return one


def forget(one: CheckedList) -> None:
    """Back to the beginning: no row is checked."""
    CheckedRow.objects.filter(of=one).delete()
    one.turn += 1
    one.rows_done = one.last_line = 0
    one.counts, one.problem, one.way_out = {}, "", ""
    one.heartbeat_at = one.ended_at = None


@atomic
def cancel(*, list_id: UUID, user: User) -> CheckedList:
    """Stop checking; what was found out so far stays. Raises NotFound, WrongState where it is not being checked."""
    one = own(list_id, user)
    if one.state not in BEING_CHECKED:
        raise WrongState("This list is not being checked.", "Reload the page.")
    one.state, one.ended_at, one.turn = ListState.CANCELLED, timezone.now(), one.turn + 1
    one.save(update_fields=["state", "ended_at", "turn"])
    return one


@atomic
def remove(*, list_id: UUID, user: User) -> str:
    """Take the list away with its file and all that was found out; its name. What was proposed stays proposed.

    Raises NotFound, WrongState while it is being proposed or withdrawn.
    """
    one = own(list_id, user)
    if one.state in ACTING:
        raise WrongState("This list is at work.", "Wait until it has ended.")
    _remove(one)
    return one.file_name


def tidy() -> int:
    """Take away every list that was kept long enough; how many. The second time there are none.

    One whose changes still wait stays, so that all of them can be withdrawn at once.
    """
    waiting = CheckedRow.objects.filter(of=OuterRef("pk"), request__state__in=WAITING)
    old = CheckedList.objects.filter(~Exists(waiting), created_at__lt=timezone.now() - KEPT).exclude(state__in=ACTING)
    return sum(_tidy(list_id) for list_id in list(old.values_list("pk", flat=True)))


@atomic
def _tidy(list_id: UUID) -> int:
    one = CheckedList.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=list_id).first()
    if one is None:
        return 0
    _remove(one)
    return 1


def due() -> list[UUID]:
    """Lists that wait for a worker, or whose worker died; whoever waits longest first."""
    dead = Q(heartbeat_at__lt=timezone.now() - LEASE)
    at_work = Q(state=ListState.RUNNING) & dead | Q(state__in=ACTING) & (dead | Q(heartbeat_at__isnull=True))
    found = CheckedList.objects.filter(Q(state=ListState.ASKED) | at_work)
    return list(found.order_by(F("heartbeat_at").asc(nulls_first=True), "pk").values_list("pk", flat=True))


def _remove(one: CheckedList) -> None:
    # The file goes first: without its row nobody would look for it again.
    shutil.rmtree(kept_at(f"{FOLDER}/{one.pk}"), ignore_errors=True)
    one.delete()


def own(list_id: UUID, user: User) -> CheckedList:
    """One's own list, locked. Raises NotFound."""
    one = CheckedList.objects.select_for_update(of=("self",)).filter(pk=list_id, owner=user).first()
    if one is None:
        raise NotFound("There is no such list of yours.", f"Lists are kept for {KEPT.days} days. Send the file again.")
    return one
