"""Re-matches: every golden record of a domain looked at again under newly approved rules, in steps that each commit.

Any worker goes on where the last one stopped; arrivals and people take their turns between two steps. A re-match can
be paused, and reverted as a whole: links are as they were, and so are the rules.
"""

import logging
import time
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone

from matching import rules
from matching.locking import hold
from matching.models import ChangeKind, Rematch, RematchChange, RematchState
from matching.preparing import prepare
from matching.rematch_applying import Batch, carry_out, take_back
from matching.rematch_looking import LIVE, judge, look
from matching.rules_models import UNFINISHED_REMATCHES
from mdm.cause import HUB, Actor, Cause
from mdm.domains import BY_NAME
from mdm.errors import Invalid, MdmError, NotFound, WrongState
from mdm.models import GoldenRecord
from mdm.nudge import nudge
from mdm.retrying import AWAY, atomic

BATCH = 100
REVERTED_AT_ONCE = 20
MOST_LEFT_ALONE = 100
_WORKING = (RematchState.RUNNING, RematchState.REVERTING)
_COUNTED = {ChangeKind.JOIN: "joined", ChangeKind.SPLIT: "split", ChangeKind.QUESTION: "asked"}

logger = logging.getLogger(__name__)


def work(seconds: float) -> int:
    """Take every re-match under way further, for so many seconds in all. Returns how many have work left."""
    until = time.monotonic() + seconds
    for pk in Rematch.objects.filter(state__in=_WORKING).order_by("started_at").values_list("pk", flat=True):
        advance(pk, until - time.monotonic())
    return Rematch.objects.filter(state__in=_WORKING).count()


def advance(run_id: UUID, seconds: float) -> None:
    """Take one re-match further, by one step at least; nothing where it is paused, over, or somebody else works on it.

    A step that people's work crossed is begun anew; where it still fails, each golden record has a step of its own,
    and one nothing can be done about is left alone, with the reason.
    """
    until = time.monotonic() + seconds
    run = find(run_id)
    if run.state in _WORKING and run.reached is None:
        prepare(BY_NAME[run.domain], everything=run.state == RematchState.RUNNING)
    while _turn(run_id) and time.monotonic() < until:
        pass


def _turn(run_id: UUID) -> bool:
    for most in (BATCH, BATCH, 1):
        try:
            return _step(run_id, most)
        except AWAY:
            raise
        except MdmError as refusal:
            why = refusal.message
        except Exception:
            logger.exception("A step of re-match %s failed", run_id)
            why = "A mistake in the hub itself; its log says where."
    return _leave_alone(run_id, why)


@atomic
def _step(run_id: UUID, most: int) -> bool:
    """One step; whether there is another."""
    run = _locked(run_id, skip=True)
    if run is None or run.state not in _WORKING:
        return False
    hold(BY_NAME[run.domain])
    run.heartbeat_at = timezone.now()
    return _revert_some(run) if run.state == RematchState.REVERTING else _match_some(run, most)


def _match_some(run: Rematch, most: int) -> bool:
    seeds = _next(run, most)
    if not seeds:
        run.state, run.finished_at = RematchState.DONE, timezone.now()
        run.save(update_fields=["state", "finished_at", "heartbeat_at"])
        rules.note(run.rule_set_id, "re-matched", HUB)
        return False
    domain, before = rules.under(run.rule_set), rules.under(run.before).matching
    view = look(domain, before, seeds)
    judged = judge(view, seeds)
    changes = carry_out(Batch(run, domain, frozenset(seeds), view, judged, _cause(run)))
    for change in changes:
        name = _COUNTED.get(ChangeKind(change.kind))
        if name:
            setattr(run, name, getattr(run, name) + 1)
    for kept in judged.kept:
        run.respected[kept.kind] = run.respected.get(kept.kind, 0) + 1
    run.looked_at, run.reached = run.looked_at + len(seeds), seeds[-1]
    run.save(update_fields=["looked_at", "reached", "joined", "split", "asked", "respected", "heartbeat_at"])
    return True


def _next(run: Rematch, most: int) -> list[UUID]:
    """The golden records whose turn it is; what was made since is matched by the new rules anyway."""
    live = GoldenRecord.objects.filter(domain=run.domain, state__in=LIVE, created_at__lte=run.started_at)
    if run.reached is not None:
        live = live.filter(pk__gt=run.reached)
    return list(live.order_by("pk").values_list("pk", flat=True)[:most])


def _cause(run: Rematch) -> Cause:
    return Cause(by=HUB, reason=f"Re-match by rules {run.rule_set.number}", correlation_id=run.pk, approved_by=run.by)


@atomic
def _leave_alone(run_id: UUID, why: str) -> bool:
    """Pass over the golden record, or the change to revert, nothing could be done about, and say so."""
    run = _locked(run_id)
    if run is None or run.state not in _WORKING:
        return False
    if run.state == RematchState.REVERTING:
        newest = _standing(run).values("pk")[:1]
        return bool(run.changes.filter(pk__in=newest).update(left=why[:300], reverted_at=timezone.now()))
    passed = _next(run, 1)
    run.left_alone = [*run.left_alone, *({"record": str(pk), "why": why} for pk in passed)][:MOST_LEFT_ALONE]
    run.looked_at, run.reached = run.looked_at + len(passed), passed[0] if passed else run.reached
    run.save(update_fields=["left_alone", "looked_at", "reached"])
    return bool(passed)


def _standing(run: Rematch) -> QuerySet[RematchChange]:
    """What is still to be reverted, newest first."""
    return run.changes.filter(reverted_at__isnull=True).order_by("-pk")


def _revert_some(run: Rematch) -> bool:
    changes: Sequence[RematchChange] = list(_standing(run)[:REVERTED_AT_ONCE])
    cause = Cause(by=HUB, reason=f"Re-match by rules {run.rule_set.number} reverted", correlation_id=run.pk)
    for change in changes:
        take_back(change, cause)
    if not changes:
        run.state, run.finished_at = RematchState.REVERTED, timezone.now()
        rules.note(run.rule_set_id, "reverted", HUB)
    run.save(update_fields=["state", "finished_at", "heartbeat_at"])
    return bool(changes)


@atomic
def pause(*, run_id: UUID, by: Actor, reason: str = "") -> None:
    """Let a running re-match rest after the step it is at. Locks it. Raises WrongState unless it runs."""
    _move(run_id, RematchState.RUNNING, RematchState.PAUSED, "paused", by, reason)


@atomic
def resume(*, run_id: UUID, by: Actor, reason: str = "") -> None:
    """Let a paused re-match go on from where it rests. Locks it. Raises WrongState unless it is paused."""
    _move(run_id, RematchState.PAUSED, RematchState.RUNNING, "resumed", by, reason)
    nudge(rules.WORK, queue="maintenance")


@atomic
def revert(*, run_id: UUID, by: Actor, reason: str) -> None:
    """Put the rules before this re-match in force at once, and take everything it did back, in the background.

    What people decided since stays, and is named. Locks the run. Raises Invalid without a reason, WrongState when it
    is reverted already, or other rules took force since, or another re-match of the domain runs.
    """
    if not reason.strip():
        raise Invalid("A reason is missing.", "Say why.", [("reason", "Say why, so that others can learn from it.")])
    run = _locked(run_id)
    if run is None or run.state not in (RematchState.RUNNING, RematchState.PAUSED, RematchState.DONE):
        raise WrongState("This re-match is reverted already.", "Reload the page.")
    others = Rematch.objects.filter(domain=run.domain, state__in=UNFINISHED_REMATCHES).exclude(pk=run.pk)
    if others.exists():
        raise WrongState("Another re-match of this domain is under way.", "Wait for its end.")
    rules.put_back(run=run, by=by, reason=reason)
    run.state, run.finished_at, run.reached = RematchState.REVERTING, None, None
    run.save(update_fields=["state", "finished_at", "reached"])
    rules.note(run.rule_set_id, "reverting", by, reason)
    nudge(rules.WORK, queue="maintenance")


def find(run_id: UUID) -> Rematch:
    """One re-match with its rule sets. Raises NotFound."""
    found = Rematch.objects.select_related("rule_set", "before").filter(pk=run_id).first()
    if found is None:
        raise NotFound("There is no such re-match.", "Look at the list of rule sets.")
    return found


def _locked(run_id: UUID, *, skip: bool = False) -> Rematch | None:
    rows: Any = Rematch.objects.select_for_update(no_key=True, skip_locked=skip, of=("self",))
    found: Rematch | None = rows.select_related("rule_set", "before").filter(pk=run_id).first()
    return found


def _move(run_id: UUID, old: RematchState, new: RematchState, verb: str, by: Actor, reason: str) -> None:
    run = _locked(run_id)
    if run is None or run.state != old:
        raise WrongState(f"This re-match is not {old.label.lower()}.", "Reload the page to see how it stands.")
    run.state = new
    run.save(update_fields=["state"])
    rules.note(run.rule_set_id, verb, by, reason)
