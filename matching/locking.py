"""Who works on a domain at the same time.

Three advisory locks a domain. *Deciding*: one at a time reads what there is and decides. *In flight*: what was decided
is being written, by any number, each of which has locked the source and golden records concerned, so that whoever
decides meanwhile sees them and leaves them for later. *Preparing*: any number, each with source records of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import blake2b

from mdm.compiled import prepared
from mdm.spec import Domain

_DECIDING, _IN_FLIGHT, _PREPARING = 0x4D41, 0x4D42, 0x4D43  # this room's advisory locks


def hold(domain: Domain) -> None:
    """Have the domain alone until the transaction ends; waits for whoever decides, writes or prepares."""
    _call(domain, ("pg_advisory_xact_lock", _DECIDING), ("pg_advisory_xact_lock", _IN_FLIGHT),
          ("pg_advisory_xact_lock", _PREPARING))  # fmt: skip


@contextmanager
def deciding(domain: Domain) -> Iterator[None]:
    """Be the one who decides while the block lasts; from then on until the transaction ends, be in flight.

    The block must leave the transaction able to go on, so what may fail in it needs a savepoint of its own. Needs a
    session of its own, as the lock of deciding belongs to the session.
    """
    _call(domain, ("pg_advisory_lock", _DECIDING), ("pg_advisory_xact_lock_shared", _IN_FLIGHT))
    try:
        yield
    finally:
        _call(domain, ("pg_advisory_unlock", _DECIDING))


def share_preparing(domain: Domain) -> None:
    """Be one of those who prepare until the transaction ends; waits for whoever has the domain alone."""
    _call(domain, ("pg_advisory_xact_lock_shared", _PREPARING))


def wait_for_preparers(domain: Domain) -> None:
    """Until the transaction ends nobody prepares; waits for those who do."""
    _call(domain, ("pg_advisory_xact_lock", _PREPARING))


def _call(domain: Domain, *locks: tuple[str, int]) -> None:
    number = _number(domain.name)
    with prepared() as cursor:
        cursor.execute(f"SELECT {', '.join(f'{lock}({kind}, {number})' for lock, kind in locks)}")


@cache
def _number(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=4).digest(), signed=True)
