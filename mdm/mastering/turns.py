"""Turns between verbs whose reads and writes cross: who changes a crosswalk, and who resolves references by it.

Two transactions that do not see each other yet could otherwise leave a reference unresolved, or pointing at a merged
record, for ever: one resolves a key while the other links or moves it, and neither finds the other to refresh.
"""

from collections.abc import Collection, Iterable
from functools import cache
from hashlib import blake2b

from mdm.compiled import prepared
from mdm.domains import BY_NAME, DOMAINS
from mdm.spec import Domain

_CLASS = 0x4D44  # advisory locks of mastering


def referred(domain: Domain) -> set[str]:
    """The names of the domains whose records this one refers to, in attributes and parts."""
    everything = (*domain.attributes, *(attribute for part in domain.parts for attribute in part.attributes))
    return {attribute.references for attribute in everything if attribute.references}


# Who relinks beside others takes one of these places for himself; everybody else takes them all.
PLACES = 8
_PLACE = (  # the first that is free, else whichever
    f"coalesce((SELECT place::text FROM generate_series(0, {PLACES - 1}) AS place"  # noqa: S608 (numbers of our own)
    f" WHERE pg_try_advisory_xact_lock({_CLASS} + place, {{number}}) LIMIT 1),"
    f" pg_advisory_xact_lock({_CLASS} + pg_backend_pid() % {PLACES}, {{number}})::text)"
)


def take_turn(*, relinking: Iterable[str] = (), composing: Iterable[str] = (), beside: bool = False) -> None:
    """Wait until nobody else links or moves source records that this transaction's references go through.

    ``relinking`` names domains whose crosswalk is about to change (their referrers are recomputed as well),
    ``composing`` those whose records are only recomputed. Held until the transaction ends; taken in one order, so that
    two turns never wait for each other. Every verb takes its turn before it reads or locks anything else.

    ``beside``: others may relink the same domains at the same time. For source records that do not refer to these
    domains themselves: nothing then that one of them resolves goes through what the other links, and records that
    refer to both are locked, and seen with both links by whoever writes them last. Not to be followed by another
    turn without it in one transaction.
    """
    moving = set(relinking)
    written = moving | set(composing) | {domain.name for domain in DOMAINS if referred(domain) & moving}
    read = {name for one in written for name in referred(BY_NAME[one])} | set(composing)
    locks = []
    for name in sorted(moving | read):
        if name in moving and beside:
            locks.append(_PLACE.format(number=_number(name)))
            continue
        kind = "pg_advisory_xact_lock" if name in moving else "pg_advisory_xact_lock_shared"
        locks += [f"{kind}({_CLASS + place}, {_number(name)})" for place in range(PLACES)]
    if locks:
        with prepared() as cursor:
            cursor.execute(f"SELECT {', '.join(locks)}")


def refer_within(domain: Domain, source_record_ids: Collection[int]) -> bool:
    """Whether one of the source records refers to its own domain, as a branch does to its parent."""
    if domain.name not in referred(domain):
        return False
    with prepared(len(source_record_ids)) as cursor:
        cursor.execute(
            # (Not by the index of who is referred to, which may hold all of the domain.)
            "SELECT EXISTS (SELECT FROM mdm_sourcereference "
            "WHERE source_record_id = ANY(%s::bigint[]) AND domain || '' = %s)",
            [list(source_record_ids), domain.name],
        )
        return bool(cursor.fetchone()[0])


@cache
def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), signed=True)
