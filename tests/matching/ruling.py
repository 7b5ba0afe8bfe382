"""People who rule, and drafts that were tried, for tests of rule sets."""

from copy import deepcopy
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from matching import rematch, rules, rules_trial
from matching.models import Rematch, RuleSet, RuleTrial, TrialState
from matching.rules_content import content_of, digest
from mdm.cause import Actor
from mdm.domains import BY_NAME


def person(name: str) -> Actor:
    """A person with an account."""
    first, _, last = name.partition(" ")
    user, _ = User.objects.get_or_create(username=first.lower(), first_name=first, last_name=last)
    return Actor(name=name, kind="person", channel="page", user_id=user.pk)


def tried(made: RuleSet) -> RuleTrial:
    """A finished trial of the draft as it stands."""
    now = timezone.now()
    return RuleTrial.objects.create(
        rule_set=made, against=rules.standing(BY_NAME[made.domain]), domain=made.domain, digest=digest(made.content),
        state=TrialState.DONE, by="test", started_at=now, heartbeat_at=now, finished_at=now,
    )  # fmt: skip


def shipped(**values: Any) -> dict[str, Any]:
    """The shipped rules of suppliers with other values."""
    return {**deepcopy(content_of(BY_NAME["supplier"].matching)), **values}


def try_out(content: dict[str, Any]) -> RuleTrial:
    """A draft of suppliers tried on what there is, to the end."""
    made = rules.draft(domain=BY_NAME["supplier"], content=content, by=person("Anna Author"), reason="A test")
    trial = rules_trial.start(rule_set_id=made.pk, by=person("Anna Author"))
    rules_trial.advance(trial.pk, 600)
    trial.refresh_from_db()
    return trial


def approve(content: dict[str, Any]) -> Rematch:
    """The rules tried and in force; their re-match waits for its first step."""
    made = try_out(content).rule_set
    return rules.approve(rule_set_id=made.pk, seen=digest(made.content), by=person("Bert Boss"), reason="Agreed")


def re_match(content: dict[str, Any]) -> Rematch:
    """The rules in force and everything matched again."""
    run = approve(content)
    rematch.advance(run.pk, 600)
    run.refresh_from_db()
    return run
