"""Trying a draft on live data: which golden records would join, split or stay, with examples. Changes none of it.

A trial works in steps that each commit; any worker goes on where the last one stopped. Of a large domain a random
sample of golden records is looked at, each with everything it resembles.
"""

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.utils import timezone

from matching import lookup, rules
from matching.blocking import keys
from matching.locking import hold
from matching.models import Prepared, RuleSet, RuleState, RuleTrial, TrialKey, TrialState
from matching.rematch_looking import LIVE, look
from matching.rematch_questions import fading
from matching.rules_content import digest
from matching.rules_tally import tally
from mdm.cause import Actor
from mdm.domains import BY_NAME
from mdm.errors import NotFound, WrongState
from mdm.models import GoldenRecord
from mdm.nudge import nudge
from mdm.retrying import AWAY, atomic
from mdm.spec import Domain

TABLE = "matching_trialkey"
ALL = 20_000  # golden records up to which every one is looked at
SAMPLE = 2_000
BATCH = 100
KEYED_AT_ONCE = 2_000

logger = logging.getLogger(__name__)


@atomic
def start(*, rule_set_id: int, by: Actor) -> RuleTrial:
    """Begin to try a draft as it stands; one trial of a domain at a time, the newer takes the place of the older.

    Locks the draft and the domain's matching. Raises NotFound, WrongState when it is no draft any more.
    """
    found = RuleSet.objects.select_for_update(no_key=True).filter(pk=rule_set_id).first()
    if found is None:
        raise NotFound("There is no such rule set.", "Look at the list of rule sets.")
    if found.state != RuleState.DRAFT:
        raise WrongState(f"Rules {found.number} are {found.get_state_display().lower()}.", "Only drafts are tried.")
    domain, now = BY_NAME[found.domain], timezone.now()
    hold(domain)
    running = RuleTrial.objects.select_for_update().filter(domain=domain.name, state=TrialState.RUNNING)
    for one in running:
        _end(one, TrialState.FAILED, "A newer trial took its place.")
    present = rules.standing(domain)
    live = GoldenRecord.objects.filter(domain=domain.name, state__in=LIVE)
    population = live.count()
    sample = [] if population <= ALL else list(live.order_by("?").values_list("pk", flat=True)[:SAMPLE])
    own = rules.under(found).matching.blocking != rules.under(present).matching.blocking
    trial = RuleTrial.objects.create(
        rule_set=found, against=present, domain=domain.name, digest=digest(found.content),
        sample=sorted(str(pk) for pk in sample), population=population, total=len(sample) or population,
        keyed=0 if own else None, keys_made=not own, by=by.name, started_at=now, heartbeat_at=now,
    )  # fmt: skip
    rules.note(found.pk, "tried", by)
    nudge(rules.WORK, queue="maintenance")
    return trial


def work(seconds: float) -> int:
    """Take every trial under way further, for so many seconds in all. Returns how many still run."""
    until = time.monotonic() + seconds
    for pk in RuleTrial.objects.filter(state=TrialState.RUNNING).order_by("pk").values_list("pk", flat=True):
        advance(pk, until - time.monotonic())
    return RuleTrial.objects.filter(state=TrialState.RUNNING).count()


def advance(trial_id: int, seconds: float) -> None:
    """Take one trial further, by one step at least. One that cannot go on has failed, and says why."""
    until = time.monotonic() + seconds
    try:
        while _step(trial_id) and time.monotonic() < until:
            pass
    except AWAY:
        raise
    except Exception:
        logger.exception("Trial %s stopped", trial_id)
        for one in RuleTrial.objects.filter(pk=trial_id, state=TrialState.RUNNING):
            _end(one, TrialState.FAILED, "A mistake in the hub itself stopped the trial; its log says where.")


@atomic
def _step(trial_id: int) -> bool:
    """One step; whether there is another. A trial somebody else works on is left to them."""
    running = RuleTrial.objects.select_for_update(skip_locked=True, of=("self",)).filter(state=TrialState.RUNNING)
    trial = running.select_related("rule_set", "against").filter(pk=trial_id).first()
    if trial is None:
        return False
    if digest(trial.rule_set.content) != trial.digest:
        _end(trial, TrialState.FAILED, "The draft was changed meanwhile; try it again.")
        return False
    tried = rules.under(trial.rule_set)
    trial.heartbeat_at = timezone.now()
    if not trial.keys_made:
        _make_keys(trial, tried)
        return True
    seeds = _next(trial)
    if not seeds:
        _end(trial, TrialState.DONE)
        return False
    _look(trial, tried, seeds)
    return True


def _make_keys(trial: RuleTrial, tried: Domain) -> None:
    """The keys of some more records, as the draft would make them."""
    columns = ("source_record_id", "features", "source_record__system_id", "source_record__stub")
    waiting = Prepared.objects.filter(domain=trial.domain, source_record_id__gt=trial.keyed or 0)
    rows = list(waiting.order_by("source_record_id").values_list(*columns)[:KEYED_AT_ONCE])
    copying = f"COPY {TABLE} (trial_id, source_record_id, pass_number, key, source) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copying) as copy:
        for pk, features, system, stub in rows:
            for number, key in set(keys(tried, {name: tuple(texts) for name, texts in features.items()})):
                copy.write_row((trial.pk, pk, number, key, -system if stub else system))
    trial.keyed = rows[-1][0] if rows else trial.keyed
    trial.keys_made = len(rows) < KEYED_AT_ONCE
    trial.save(update_fields=["keyed", "keys_made", "heartbeat_at"])


def _next(trial: RuleTrial) -> list[UUID]:
    if trial.sample:
        return [UUID(pk) for pk in trial.sample[trial.looked_at : trial.looked_at + BATCH]]
    live = GoldenRecord.objects.filter(domain=trial.domain, state__in=LIVE, created_at__lte=trial.started_at)
    if trial.reached is not None:
        live = live.filter(pk__gt=trial.reached)
    return list(live.order_by("pk").values_list("pk", flat=True)[:BATCH])


def _look(trial: RuleTrial, tried: Domain, seeds: Sequence[UUID]) -> None:
    present = rules.under(trial.against)
    table = lookup.KEYS if trial.keyed is None else TABLE
    found = tally(look(tried, present.matching, seeds, table), seeds, present)
    over = fading(tried, seeds, before=trial.started_at, table=table)
    found.count("no longer asked", sum(min(records) in seeds for records in over.values()))
    trial.figures, trial.examples = found.added_to(trial.figures, trial.examples)
    trial.looked_at += len(seeds)
    trial.reached = seeds[-1]
    trial.save(update_fields=["figures", "examples", "looked_at", "reached", "heartbeat_at"])


def _end(trial: RuleTrial, state: TrialState, problem: str = "") -> None:
    now: datetime = timezone.now()
    trial.state, trial.problem, trial.heartbeat_at, trial.finished_at = state, problem, now, now
    trial.save(update_fields=["state", "problem", "heartbeat_at", "finished_at"])
    TrialKey.objects.filter(trial=trial)._raw_delete(trial._state.db)


def newest(rule_set: RuleSet) -> RuleTrial | None:
    """The latest trial of what the draft says now; None where it was not tried as it stands."""
    mine = RuleTrial.objects.filter(rule_set=rule_set, digest=digest(rule_set.content))
    return mine.select_related("against").order_by("-pk").first()
