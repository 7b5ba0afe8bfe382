"""Proof of the first sentence: a golden record is a pure function of its linked source records and its rules."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from mdm import canonical
from mdm.domains import DOMAINS
from mdm.mastering.write import composed_snapshot, compositions, read_stored, stored_snapshot
from mdm.models import GoldenRecord, GoldenState
from mdm.spec import Domain

CHUNK = 500


@dataclass(frozen=True)
class Difference:
    """A golden record that is not what its sources make of it: which attributes or parts, stored and recomputed."""

    record_id: UUID
    code: str
    what: str
    stored: str
    recomputed: str


def differences() -> Iterator[Difference]:
    """Recompute every golden record that is not merged, 500 at a time, and yield what differs. Writes nothing."""
    for domain in DOMAINS:
        last: UUID | None = None
        while True:
            records = GoldenRecord.objects.filter(domain=domain.name).exclude(state=GoldenState.MERGED).order_by("pk")
            chunk = list((records.filter(pk__gt=last) if last else records)[:CHUNK])
            if not chunk:
                break
            last = chunk[-1].pk
            yield from _chunk_differences(domain, chunk)


def _chunk_differences(domain: Domain, chunk: list[GoldenRecord]) -> Iterator[Difference]:
    ids = [record.pk for record in chunk]
    stored = read_stored(domain, ids)
    composed, _ = compositions(domain, ids)
    for record in chunk:
        held = stored_snapshot(domain, stored, record.pk)
        made = composed_snapshot(composed[record.pk], held, record.version)
        for what, old, new in (
            ("attributes", held.values, made.values),
            ("parts", held.parts, made.parts),
            ("extension", held.extension, made.extension),
            ("provenance", held.provenance, made.provenance),
        ):
            if old != new:
                yield Difference(record.pk, record.code, what, canonical.dumps(old), canonical.dumps(new))
