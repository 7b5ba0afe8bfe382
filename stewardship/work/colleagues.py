"""The people work is given to, with how much is theirs."""

from dataclasses import dataclass, replace

from django.contrib.auth.models import User
from django.db.models import Q

from mdm.people import ADMINISTRATOR, DOMAIN_OWNER, GROUPS, STEWARD


@dataclass(frozen=True)
class Colleague:
    """One person; ``open`` is how much work is theirs, ``decides`` whether work can be."""

    pk: int
    username: str
    name: str
    decides: bool
    open: int = 0

    def holding(self, number: int) -> "Colleague":
        """The same with so much work."""
        return replace(self, open=number)


def colleagues() -> list[Colleague]:
    """Everybody with an account in use and a role, by name. Two queries."""
    people = User.objects.filter(Q(groups__name__in=GROUPS) | Q(is_superuser=True), is_active=True)
    rows = people.distinct().prefetch_related("groups").order_by("first_name", "last_name", "username")
    deciding = {STEWARD, DOMAIN_OWNER, ADMINISTRATOR}
    return [
        Colleague(
            pk=one.pk,
            username=one.get_username(),
            name=one.get_full_name() or one.get_username(),
            decides=one.is_superuser or bool({group.name for group in one.groups.all()} & deciding),
        )
        for one in rows
    ]
