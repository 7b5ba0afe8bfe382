"""People who rule, and drafts that were tried, for tests of rule sets."""

from django.contrib.auth.models import User
from django.utils import timezone

from matching import rules
from matching.models import RuleSet, RuleTrial, TrialState
from matching.rules_content import digest
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
