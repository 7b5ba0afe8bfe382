"""Who acts, and what groups people may belong to. Groups are plain Django groups, named here once."""

from typing import Any

STEWARD = "steward"
DOMAIN_OWNER = "domain owner"
ADMINISTRATOR = "administrator"
VIEWER = "viewer"
AUDITOR = "auditor"
GROUPS = (STEWARD, DOMAIN_OWNER, ADMINISTRATOR, VIEWER, AUDITOR)


def in_group(user: Any, *names: str) -> bool:
    """Whether the signed-in, active user belongs to one of the groups; a superuser belongs to all.

    The groups are read once per request and kept on the user object.
    """
    if not getattr(user, "is_authenticated", False) or not user.is_active:
        return False
    if user.is_superuser:
        return True
    held = getattr(user, "_assay_groups", None)
    if held is None:
        held = frozenset(user.groups.values_list("name", flat=True))
        user._assay_groups = held
    return not held.isdisjoint(names)
