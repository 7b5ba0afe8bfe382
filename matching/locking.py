"""One writer of matches per domain at a time: two workers take turns, batch by batch."""

from hashlib import blake2b

from django.db import connection

from mdm.spec import Domain

_CLASS = 0x4D41  # this room's advisory locks


def hold(domain: Domain) -> None:
    """Take the domain's lock until the transaction ends; waits for whoever holds it."""
    number = int.from_bytes(blake2b(domain.name.encode(), digest_size=4).digest(), signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_CLASS, number])
