"""Who may do what. Views ask these and nothing else; a no is a 403 with a sentence that says whom to ask."""

from typing import Any

from mdm.people import ADMINISTRATOR, AUDITOR, DOMAIN_OWNER, STEWARD, VIEWER, in_group


def may_see(user: Any) -> bool:
    """Whether the person may read master data."""
    return in_group(user, STEWARD, DOMAIN_OWNER, ADMINISTRATOR, VIEWER, AUDITOR)


def may_decide(user: Any) -> bool:
    """Whether the person may merge, reject, unmerge and retire."""
    return in_group(user, STEWARD, DOMAIN_OWNER, ADMINISTRATOR)


def may_propose(user: Any) -> bool:
    """Whether the person may propose a changed value. Auditors only read."""
    return in_group(user, STEWARD, DOMAIN_OWNER, ADMINISTRATOR, VIEWER)


def may_check(user: Any) -> bool:
    """Whether the person may have lists of their own checked. Auditors only read."""
    return in_group(user, STEWARD, DOMAIN_OWNER, ADMINISTRATOR, VIEWER)


def suggests(user: Any) -> bool:
    """Whether what the person proposes is a suggestion: they decide nothing themselves."""
    return may_propose(user) and not may_decide(user)


def may_approve(user: Any) -> bool:
    """Whether the person may approve what somebody else proposed."""
    return in_group(user, STEWARD, DOMAIN_OWNER, ADMINISTRATOR)


def may_import(user: Any) -> bool:
    """Whether the person may upload files and mend quarantined rows."""
    return in_group(user, STEWARD, DOMAIN_OWNER, ADMINISTRATOR)


def may_audit(user: Any) -> bool:
    """Whether the person may search and export the whole history."""
    return in_group(user, AUDITOR, DOMAIN_OWNER, ADMINISTRATOR, STEWARD)


def may_administer(user: Any) -> bool:
    """Whether the person looks after the installation."""
    return in_group(user, ADMINISTRATOR)


def may_set_up(user: Any) -> bool:
    """Whether the person may create and change feeds."""
    return in_group(user, DOMAIN_OWNER, ADMINISTRATOR)
