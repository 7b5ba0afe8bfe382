"""Turns between verbs whose reads and writes cross: who changes a crosswalk, and who resolves references by it.

Two transactions that do not see each other yet could otherwise leave a reference unresolved, or pointing at a merged
record, for ever: one resolves a key while the other links or moves it, and neither finds the other to refresh.
"""

from collections.abc import Iterable
from hashlib import blake2b

from django.db import connection

from mdm.domains import BY_NAME, DOMAINS
from mdm.spec import Domain

_CLASS = 0x4D44  # advisory locks of mastering


def referred(domain: Domain) -> set[str]:
    """The names of the domains whose records this one refers to, in attributes and parts."""
    everything = (*domain.attributes, *(attribute for part in domain.parts for attribute in part.attributes))
    return {attribute.references for attribute in everything if attribute.references}


def take_turn(*, relinking: Iterable[str] = (), composing: Iterable[str] = ()) -> None:
    """Wait until nobody else links or moves source records that this transaction's references go through.

    ``relinking`` names domains whose crosswalk is about to change (their referrers are recomputed as well),
    ``composing`` those whose records are only recomputed. Held until the transaction ends; taken in one order, so that
    two turns never wait for each other. Every verb takes its turn before it reads or locks anything else.
    """
    moving = set(relinking)
    written = moving | set(composing) | {domain.name for domain in DOMAINS if referred(domain) & moving}
    read = {name for one in written for name in referred(BY_NAME[one])} | set(composing)
    locks = [
        ("pg_advisory_xact_lock" if name in moving else "pg_advisory_xact_lock_shared", _number(name))
        for name in sorted(moving | read)
    ]
    if locks:
        calls = ", ".join(f"{lock}({_CLASS}, {number})" for lock, number in locks)
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {calls}")


def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), signed=True)
