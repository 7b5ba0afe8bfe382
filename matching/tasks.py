"""Background matching. The state of source records is the queue; a message only shortens the wait."""

from dataclasses import asdict

from celery import shared_task

from matching import misfits, rematch, rules, rules_trial, sampling, verdicts
from matching.preparing import prepare
from matching.run import match as match_domain
from matching.run import waiting_domains
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Refused
from mdm.nudge import nudge
from mdm.retrying import AWAY

REASON = "Matching"
MATCH, PREPARE = "matching.tasks.match", "matching.tasks.prepare_waiting"
QUEUE = "match"
HELPERS = 7  # at most so many more workers are called where much waits; one that finds nothing to do returns
STEP_SECONDS = 3.0


@shared_task(throws=AWAY, name=MATCH)
def match(domain: str, helpers: int = HELPERS) -> dict[str, int]:
    """Decide what waits in one domain, calling another worker where that is much, who may call the next one.

    A second call, or one at the same time, decides other records, or finds nothing left to do.
    """

    def call_help() -> None:
        if helpers:
            nudge(MATCH, domain, helpers - 1, queue=QUEUE)

    done = match_domain(BY_NAME[domain], Cause(by=HUB, reason=REASON), everything=False, call_help=call_help)
    return asdict(done)


@shared_task(throws=AWAY, name=PREPARE)
def prepare_waiting(domain: str, beyond: int = 0) -> int:
    """Prepare what waits in one domain, while the rest of its file is still read; how many. The second time none.

    ``beyond`` is the id before the first one just stored: to look through all that waits for every chunk would take
    longer than the rest.
    """
    return prepare(BY_NAME[domain], everything=False, beyond=beyond)


@shared_task(throws=AWAY, name="matching.tasks.sweep")
def sweep() -> dict[str, int]:
    """Find what nudges missed, end snoozes that are over, close questions that answered themselves. Repeatable."""
    domains = waiting_domains()
    cause = Cause(by=HUB, reason=REASON)
    for domain in domains:
        match_domain(domain, cause, everything=False)
    return {
        "domains": len(domains),
        "woken": verdicts.wake(),
        "superseded": verdicts.supersede(cause=cause),
        "fitting": len(misfits.settle(cause=cause)),
    }


@shared_task(throws=AWAY, name="matching.tasks.prepare_all")
def prepare_all() -> dict[str, int]:
    """Read whatever changed without waiting, domain by domain. Repeatable; a second call finds nothing."""
    return {domain.name: prepare(domain) for domain in DOMAINS}


@shared_task(throws=AWAY, name="matching.tasks.measure_all")
def measure_all() -> dict[str, int]:
    """Measure a random sample of each domain that has records: {domain: records sampled}. The second time another one
    is measured."""
    sampled = {}
    for domain in DOMAINS:
        try:
            sampled[domain.name] = sampling.measure(domain=domain, by=HUB.name).figures["sampled"]
        except Refused:  # no record yet
            sampled[domain.name] = 0
    return sampled


@shared_task(throws=AWAY, name=rules.WORK)
def rules_work() -> dict[str, int]:
    """Take trials of drafts and re-matches further for a few seconds, so that what arrives meanwhile gets its turn.

    Returns how many of each have work left. A second call, or one at the same time, goes on or finds nothing to do.
    """
    left = {"trials": rules_trial.work(STEP_SECONDS), "rematches": rematch.work(STEP_SECONDS)}
    if any(left.values()):
        nudge(rules.WORK, queue="maintenance")
    return left
