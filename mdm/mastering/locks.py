"""Locks on golden records: always in primary-key order, so that two verbs can never wait for each other.

No key of a golden record ever changes, so rows that merely refer to it need not wait (``no_key``).
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

from mdm.compiled import found_by, prepared
from mdm.errors import NotFound, Stale, WrongState
from mdm.models import GoldenRecord, GoldenState


def lock_records(record_ids: Iterable[UUID]) -> dict[UUID, GoldenRecord]:
    """{id: record}, locked until the transaction ends, in primary-key order. Raises NotFound for unknown ids."""
    wanted = sorted(set(record_ids))
    rows = found_by(GoldenRecord, "id", wanted, "ORDER BY id FOR NO KEY UPDATE") if wanted else []
    found = {record.pk: record for record in rows}
    missing = [record_id for record_id in wanted if record_id not in found]
    if missing:
        raise NotFound(f"There is no golden record {missing[0]}.", "Search for it by name, code or identifier.")
    return found


def domains_of(record_ids: Iterable[UUID]) -> set[str]:
    """The names of the domains these records are of; unknown ids are passed over."""
    wanted = set(record_ids)
    with prepared(len(wanted)) as cursor:
        cursor.execute("SELECT DISTINCT domain FROM mdm_goldenrecord WHERE id = ANY(%s::uuid[])", [list(wanted)])
        return {name for (name,) in cursor.fetchall()}


def require_versions(records: Mapping[UUID, GoldenRecord], expected: Mapping[UUID, int] | None) -> None:
    """Raise Stale naming every record whose version is not the one the person saw."""
    moved = [
        (record_id, shown, records[record_id].version)
        for record_id, shown in (expected or {}).items()
        if record_id in records and records[record_id].version != shown
    ]
    if moved:
        raise Stale(moved)


def require_state(record: GoldenRecord, *states: GoldenState) -> None:
    """Raise WrongState unless the record is in one of the states."""
    if record.state not in states:
        raise WrongState(
            f"{record.code} is {GoldenState(record.state).label.lower()}; this needs it to be "
            f"{' or '.join(state.label.lower() for state in states)}.",
            "Open the record to see what happened to it.",
        )
