"""Background matching. The state of source records is the queue; a message only shortens the wait."""

from dataclasses import asdict

from celery import shared_task

from matching import rematch, rules, rules_trial, verdicts
from matching.preparing import prepare
from matching.run import match as match_domain
from matching.run import waiting_domains
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME, DOMAINS
from mdm.nudge import nudge
from mdm.retrying import AWAY

REASON = "Matching"
STEP_SECONDS = 3.0


@shared_task(throws=AWAY, name="matching.tasks.match")
def match(domain: str) -> dict[str, int]:
    """Decide what waits in one domain. A second call, or one at the same time, finds nothing left to do."""
    done = match_domain(BY_NAME[domain], Cause(by=HUB, reason=REASON), everything=False)
    return asdict(done)


@shared_task(throws=AWAY, name="matching.tasks.sweep")
def sweep() -> dict[str, int]:
    """Find what nudges missed, end snoozes that are over, close questions that answered themselves. Repeatable."""
    domains = waiting_domains()
    cause = Cause(by=HUB, reason=REASON)
    for domain in domains:
        match_domain(domain, cause, everything=False)
    return {"domains": len(domains), "woken": verdicts.wake(), "superseded": verdicts.supersede(cause=cause)}


@shared_task(throws=AWAY, name="matching.tasks.prepare_all")
def prepare_all() -> dict[str, int]:
    """Read whatever changed without waiting, domain by domain. Repeatable; a second call finds nothing."""
    return {domain.name: prepare(domain) for domain in DOMAINS}


@shared_task(throws=AWAY, name=rules.WORK)
def rules_work() -> dict[str, int]:
    """Take trials of drafts and re-matches further for a few seconds, so that what arrives meanwhile gets its turn.

    Returns how many of each have work left. A second call, or one at the same time, goes on or finds nothing to do.
    """
    left = {"trials": rules_trial.work(STEP_SECONDS), "rematches": rematch.work(STEP_SECONDS)}
    if any(left.values()):
        nudge(rules.WORK, queue="maintenance")
    return left
