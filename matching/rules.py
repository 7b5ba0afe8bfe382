"""Rule sets: what is in force, and the verbs that draft, change, approve and refuse them.

Nothing is matched by a rule set before somebody other than its author approved it. Number 1 of a domain is the
declaration as Assay ships it; who follows the shipped rules follows them through upgrades.
"""

import logging
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.db import connection
from django.db.models import Max
from django.utils import timezone

from matching.locking import hold
from matching.models import Rematch, RematchState, RuleAct, RuleSet, RuleState, RuleTrial, TrialState
from matching.rules_content import Content, content_of, digest, matching_of
from matching.rules_faults import faults
from matching.rules_models import UNFINISHED_REMATCHES
from mdm.cause import HUB, Actor
from mdm.compiled import prepared
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid, NotFound, Refused, WrongState
from mdm.models import GoldenRecord
from mdm.nudge import nudge
from mdm.retrying import atomic
from mdm.spec import Domain, Matching

WORK = "matching.tasks.rules_work"
SHIPPED = "Shipped with this version of Assay."

logger = logging.getLogger(__name__)


def in_force(domain: Domain) -> Domain:
    """The domain as it is matched now: its declaration under the approved rule set. One query.

    Where an upgrade left the approved rules unable to work, the shipped ones stand in, and the log says so.
    """
    with prepared() as cursor:
        cursor.execute(_IN_FORCE, [domain.name])
        found = cursor.fetchone()
    return BY_NAME.get(domain.name, domain) if found is None else _as_approved(*found)


_IN_FORCE = "SELECT id, changed_at FROM matching_ruleset WHERE domain = %s AND state = 'approved' AND NOT shipped"


@lru_cache(maxsize=50)
def _as_approved(rule_set_id: int, changed_at: datetime) -> Domain:
    """What approved rules say never changes, so that it is read once."""
    return under(RuleSet.objects.get(pk=rule_set_id))


def effective(domain: Domain) -> Matching:
    """Features, thresholds, weights and blocking the domain is matched with now."""
    return in_force(domain).matching


def under(rule_set: RuleSet, domain: Domain | None = None) -> Domain:
    """The domain as these rules would match it. Shipped ones are what the code says now."""
    declared = domain or BY_NAME[rule_set.domain]
    if rule_set.shipped and rule_set.state == RuleState.APPROVED:
        return declared
    if found := faults(declared, rule_set.content):
        logger.error("%s cannot be used, the shipped rules stand in: %s", rule_set, found[0][1])
        return declared
    return replace(declared, matching=matching_of(declared, rule_set.content))


def standing(domain: Domain) -> RuleSet:
    """The rule set in force; the shipped one is recorded where none is yet."""
    found = RuleSet.objects.filter(domain=domain.name, state=RuleState.APPROVED).first()
    return found or record_shipped(domain=domain)


@atomic
def record_shipped(*, domain: Domain) -> RuleSet:
    """Keep the declaration of this version as a rule set, where it is not kept yet; the newest one shipped.

    It takes force by itself where nothing else or an older shipped one was in force; where people have rules of
    their own it is a draft they may approve. Repeats without effect.
    """
    hold(domain)
    content = content_of(BY_NAME[domain.name].matching)
    mine = RuleSet.objects.filter(domain=domain.name)
    newest = mine.filter(shipped=True).order_by("-number").first()
    if newest is not None and digest(newest.content) == digest(content):
        return newest
    present = mine.filter(state=RuleState.APPROVED).first()
    now = timezone.now()
    if present is None or present.shipped:
        if present is not None:
            _retire(present, HUB, "A newer version is shipped.")
        made = _make(domain, content, SHIPPED, state=RuleState.APPROVED, shipped=True, decided_at=now)
    else:
        made = _make(domain, content, SHIPPED, shipped=True)
    _note(made, "shipped", HUB, SHIPPED, content)
    return made


def record_all_shipped(**kwargs: Any) -> None:
    """After migrations, which is when declarations change; nothing where the tables are not there yet."""
    if RuleSet._meta.db_table not in connection.introspection.table_names():
        return
    for domain in DOMAINS:
        record_shipped(domain=domain)


@atomic
def draft(*, domain: Domain, content: Content, by: Actor, reason: str) -> RuleSet:
    """A new draft. Raises Invalid with every fault of the rules, a missing reason among them."""
    record_shipped(domain=domain)
    _require_usable(domain, content, reason)
    made = _make(domain, content, reason.strip(), author_id=by.user_id)
    _note(made, "drafted", by, reason, content)
    return made


@atomic
def change(*, rule_set_id: int, content: Content, seen: str, by: Actor, reason: str) -> RuleSet:
    """Give a draft other content. ``seen`` is the digest of what the person changed.

    Locks it. Raises WrongState when it is decided or somebody else changed it meanwhile, Invalid with every fault.
    """
    found = _lock(rule_set_id, RuleState.DRAFT)
    if digest(found.content) != seen:
        raise WrongState("Somebody changed this draft meanwhile.", "Look at what it says now and change it again.")
    _require_usable(BY_NAME[found.domain], content, reason)
    found.content, found.reason, found.changed_at = dict(content), reason.strip(), timezone.now()
    if by.user_id:
        found.author_id = by.user_id  # whoever wrote what it says now does not approve it
    found.shipped = False
    found.save(update_fields=["content", "reason", "changed_at", "author", "shipped"])
    _note(found, "changed", by, reason, content)
    return found


@atomic
def approve(*, rule_set_id: int, seen: str, by: Actor, reason: str = "") -> Rematch:
    """Put a draft in force and begin the re-match. ``seen`` is the digest of what the approver read.

    What arrives from now on is matched by it. Locks the draft and the domain's matching. Raises Refused for its
    author, WrongState when it was not tried as it stands or another re-match runs, Invalid where it cannot work.
    """
    found = _lock(rule_set_id, RuleState.DRAFT)
    domain = BY_NAME[found.domain]
    hold(domain)
    if found.author_id is not None and found.author_id == by.user_id:
        raise Refused("You wrote these rules yourself.", "Ask a colleague to approve them.")
    if by.user_id is None:
        raise Refused("Only a person approves rules.", "Sign in and approve them there.")
    if digest(found.content) != seen:
        raise WrongState("This draft was changed since you read it.", "Look at what it says now and decide again.")
    _require_usable(domain, found.content, found.reason)
    present = standing(domain)
    tried = RuleTrial.objects.filter(rule_set=found, state=TrialState.DONE, digest=seen, against=present)
    if not tried.exists():
        raise WrongState(
            "Nobody has seen yet what these rules would change.", "Try them on live data first, then approve."
        )
    if Rematch.objects.filter(domain=domain.name, state__in=UNFINISHED_REMATCHES).exists():
        raise WrongState("A re-match of this domain is under way.", "Wait for its end, or revert it.")
    _retire(present, by, f"Rules {found.number} take its place.")
    _decide(found, RuleState.APPROVED, by, reason)
    _note(found, "approved", by, reason)
    return _begin(found, present, by, reason)


@atomic
def refuse(*, rule_set_id: int, by: Actor, reason: str) -> RuleSet:
    """Turn a draft down, saying why; its author may take it back like this. Raises WrongState, Invalid."""
    found = _lock(rule_set_id, RuleState.DRAFT)
    if not reason.strip():
        raise Invalid("A reason is missing.", "Say why.", [("reason", "Say why, so that it can be mended.")])
    _decide(found, RuleState.REFUSED, by, reason)
    _note(found, "withdrawn" if found.author_id == by.user_id else "refused", by, reason)
    return found


def put_back(*, run: Rematch, by: Actor, reason: str) -> None:
    """The rules that were in force before this re-match are in force again. Called within the revert of a re-match.

    Raises WrongState when others took force since.
    """
    hold(BY_NAME[run.domain])
    present, former = _lock(run.rule_set_id), _lock(run.before_id)
    if present.state != RuleState.APPROVED:
        raise WrongState("Other rules took force since.", "Revert the latest re-match.")
    _retire(present, by, reason)
    former.state = RuleState.APPROVED
    former.save(update_fields=["state"])
    _note(former, "put back", by, reason)


def find(domain: Domain, number: int) -> RuleSet:
    """One rule set of a domain. Raises NotFound."""
    found = RuleSet.objects.select_related("author", "decided_by").filter(domain=domain.name, number=number).first()
    if found is None:
        raise NotFound(f"{domain.plural} have no rules {number}.", "Look at the list of rule sets.")
    return found


def note(rule_set_id: int, verb: str, by: Actor, reason: str = "") -> None:
    """Keep for ever who did what to a rule set, and why."""
    RuleAct.objects.create(rule_set_id=rule_set_id, verb=verb, by=by.name, reason=reason.strip(), at=timezone.now())


def _require_usable(domain: Domain, content: Any, reason: str) -> None:
    found = faults(BY_NAME[domain.name], content)
    if not reason.strip():
        found.append(("reason", "Say why, so that whoever approves can judge it."))
    if found:
        raise Invalid("These rules cannot work.", "Correct everything named and send them again.", found)


def _make(domain: Domain, content: Content, reason: str, **values: Any) -> RuleSet:
    """Callers hold the domain's lock, so that no number is given twice."""
    last = RuleSet.objects.filter(domain=domain.name).aggregate(last=Max("number"))["last"] or 0
    now = timezone.now()
    return RuleSet.objects.create(
        domain=domain.name,
        number=last + 1,
        content=dict(content),
        reason=reason,
        created_at=now,
        changed_at=now,
        **values,
    )


def _begin(found: RuleSet, present: RuleSet, by: Actor, reason: str) -> Rematch:
    now = timezone.now()
    total = GoldenRecord.objects.filter(domain=found.domain, state__in=("pending", "active")).count()
    run = Rematch.objects.create(
        domain=found.domain, rule_set=found, before=present, state=RematchState.RUNNING, total=total, by=by.name,
        reason=reason.strip(), started_at=now, heartbeat_at=now,
    )  # fmt: skip
    nudge(WORK, queue="maintenance")
    return run


def _lock(rule_set_id: int, *states: RuleState) -> RuleSet:
    found = RuleSet.objects.select_for_update(no_key=True).filter(pk=rule_set_id).first()
    if found is None:
        raise NotFound("There is no such rule set.", "Look at the list of rule sets.")
    if states and found.state not in states:
        raise WrongState(
            f"Rules {found.number} are {found.get_state_display().lower()}.", "Reload the page to see by whom."
        )
    return found


def _retire(found: RuleSet, by: Actor, reason: str) -> None:
    RuleSet.objects.filter(pk=found.pk).update(state=RuleState.RETIRED)
    note(found.pk, "retired", by, reason)


def _decide(found: RuleSet, state: RuleState, by: Actor, reason: str) -> None:
    found.state, found.decided_by_id, found.decided_at = state, by.user_id, timezone.now()
    found.answer = reason.strip()
    found.save(update_fields=["state", "decided_by", "decided_at", "answer"])


def _note(found: RuleSet, verb: str, by: Actor, reason: str, content: Content | None = None) -> None:
    RuleAct.objects.create(
        rule_set=found, verb=verb, by=by.name, reason=reason.strip(), content=content, at=timezone.now()
    )
