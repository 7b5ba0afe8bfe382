"""Background matching. The state of source records is the queue; a message only shortens the wait."""

from dataclasses import asdict

from celery import shared_task

from matching import verdicts
from matching.run import match as match_domain
from matching.run import waiting_domains
from mdm.cause import HUB, Cause
from mdm.domains import BY_NAME
from mdm.retrying import AWAY

REASON = "Matching"


@shared_task(throws=AWAY, name="matching.tasks.match")
def match(domain: str) -> dict[str, int]:
    """Decide what waits in one domain. A second call, or one at the same time, finds nothing left to do."""
    done = match_domain(BY_NAME[domain], Cause(by=HUB, reason=REASON))
    return asdict(done)


@shared_task(throws=AWAY, name="matching.tasks.sweep")
def sweep() -> dict[str, int]:
    """Find what nudges missed, end snoozes that are over, close questions that answered themselves. Repeatable."""
    domains = waiting_domains()
    cause = Cause(by=HUB, reason=REASON)
    for domain in domains:
        match_domain(domain, cause)
    return {"domains": len(domains), "woken": verdicts.wake(), "superseded": verdicts.supersede(cause=cause)}
