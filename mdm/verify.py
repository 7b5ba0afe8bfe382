"""Verifying the log: chain, checkpoints, the columns that repeat the body, the versions the events speak of.

Reads in the order of numbers and in pieces, so memory stays flat however long the log is (checkpoints apart: they
are held while the chain is walked, about one for a thousand events).
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.utils.dateparse import parse_datetime

from mdm import chain
from mdm.chain import Finding, Life, Vouched
from mdm.checkpoints import known_keys, read_file, signed
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Refused
from mdm.models import ChangeEvent, Checkpoint, GoldenRecord, GoldenState, LogEpoch, LogHead
from mdm.snapshot import Snapshot, version_digest
from mdm.spec import Domain
from mdm.values import plain_row

CHUNK = 2000


@dataclass
class Verdict:
    """What a verification saw. It is green when there is no finding."""

    events: int = 0
    versions: int = 0
    records: int = 0
    head: int = 0
    epoch: str = ""
    findings: list[Finding] = field(default_factory=list)
    checkpoints: int = 0
    notes: list[str] = field(default_factory=list)  # what restores lost: to be known, nothing was altered
    cuts: list[str] = field(default_factory=list)  # what was archived and dropped, and so is not read here

    @property
    def is_green(self) -> bool:
        return not self.findings


def verify(
    *, limit: int = 100, chain_only: bool = False, file: Path | None = None, public_key: Path | None = None
) -> Verdict:
    """Walk the whole log, its checkpoints and every golden record; stops after ``limit`` findings.

    ``file`` holds checkpoints kept elsewhere, else that of the settings is read; ``public_key`` is the auditor's own
    copy of the key. ``chain_only`` leaves versions and golden records out. What is written meanwhile is left for the
    next time. Raises Refused where a named file cannot be used.
    """
    verdict = Verdict()
    head = LogHead.objects.first()
    if head is not None:
        verdict.head, verdict.epoch = head.seq, str(head.epoch)
    keys = known_keys(public_key)
    vouched = [from_table(), from_file(file)]
    known = chain.lives(head)
    for finding in _findings(verdict, head, vouched, known, keys, chain_only=chain_only):
        if finding not in verdict.findings:
            verdict.findings.append(finding)
        if len(verdict.findings) >= limit:
            break
    verdict.checkpoints = sum(len(place.lines) for place in vouched)
    verdict.notes, verdict.cuts = chain.lost(vouched, known), chain.cuts()
    return verdict


def from_table() -> Vouched:
    """The checkpoints the database holds."""
    rows = Checkpoint.objects.order_by("id").iterator(CHUNK)
    return Vouched("the table of checkpoints", [(f"row {row.pk}", signed(row)) for row in rows])


def from_file(file: Path | None) -> Vouched:
    """Those a file holds; the file of the settings may be missing, one that was named must not be."""
    place = file or Path(settings.CHECKPOINT_FILE)
    if file is None and not place.exists():
        return Vouched(place.name, [])
    try:
        lines = [(f"line {number}", line) for number, line in read_file(place)]
    except OSError as error:
        raise Refused(f"{place} cannot be read.", "Name a file of checkpoints.") from error
    if file is None:
        # A crash may tear a line of our own file, and one that lies about may be of an earlier installation.
        epochs = {str(epoch) for epoch in LogEpoch.objects.values_list("epoch", flat=True)}
        lines = [(where, line) for where, line in lines if line and line.epoch in epochs]
    return Vouched(place.name, lines)


def _findings(
    verdict: Verdict,
    head: LogHead | None,
    vouched: Sequence[Vouched],
    known: Mapping[str, Life],
    keys: Mapping[str, Ed25519PublicKey],
    *,
    chain_only: bool,
) -> Iterator[Finding]:
    walk = chain.beginning()
    walk.wanted = frozenset().union(
        *(place.numbers for place in vouched), (life.from_seq - 1 for life in known.values())
    )
    for finding in walk.along(chain.stored(walk.seq, head.seq if head else 0)):
        verdict.events = walk.events
        yield finding
    verdict.events = walk.events
    yield from chain.tail_findings(head, walk)
    yield from chain.life_findings(known, head, walk)
    for place in vouched:
        yield from chain.vouched_findings(place, known, keys, walk)
    if chain_only:
        return
    yield from _event_findings(verdict, head.seq if head else 0)
    for domain in DOMAINS:
        yield from _golden_findings(verdict, domain)


def _event_findings(verdict: Verdict, through: int) -> Iterator[Finding]:
    """Columns that repeat the body, and the versions the events speak of."""
    seq = 0
    while chunk := list(ChangeEvent.objects.filter(seq__gt=seq, seq__lte=through).order_by("seq")[:CHUNK]):
        bodies: list[tuple[ChangeEvent, dict[str, Any]]] = []
        for event in chunk:
            seq = event.seq or 0
            try:
                body = orjson.loads(event.body)
            except orjson.JSONDecodeError:
                yield Finding(f"event {seq}", "its body is not readable any more")
                continue
            yield from _column_findings(event, body)
            bodies.append((event, body))
        yield from _version_findings(verdict, bodies)


def _column_findings(event: ChangeEvent, body: dict[str, Any]) -> Iterator[Finding]:
    for column, value in (
        ("record", str(event.record_id)),
        ("domain", event.domain),
        ("verb", event.verb),
        ("version", event.version),
        ("state", event.state),
        ("outward", event.outward),
        ("actor", event.actor),
        ("id", str(event.uid)),
        ("correlation_id", str(event.correlation_id)),
    ):
        if body.get(column) != value:
            yield Finding(f"event {event.seq} ({event.domain}.{event.verb})", f"its column {column} was altered")
    if parse_datetime(body.get("occurred_at", "")) != event.occurred_at:
        yield Finding(f"event {event.seq} ({event.domain}.{event.verb})", "its time was altered")


def _version_findings(verdict: Verdict, bodies: Sequence[tuple[ChangeEvent, dict[str, Any]]]) -> Iterator[Finding]:
    """Each event's version row must exist and hash to what the event says."""
    by_domain: dict[str, list[tuple[ChangeEvent, dict[str, Any]]]] = defaultdict(list)
    for event, body in bodies:
        by_domain[event.domain].append((event, body))
    for name, pairs in by_domain.items():
        domain = BY_NAME[name]
        rows = _version_rows(domain, [event.record_id for event, _ in pairs], [event.version for event, _ in pairs])
        for event, body in pairs:
            row = rows.get((event.record_id, event.version))
            where = f"version {event.version} of {body['code']} (event {event.seq})"
            if row is None:
                yield Finding(where, "is missing from the history")
                continue
            verdict.versions += 1
            if row_digest(domain, row) != body["digest"]:
                yield Finding(where, "was altered in the history")
            elif (row.actor, row.history_change_reason or "") != (body["actor"], body["reason"]):
                yield Finding(where, "its author or reason was altered in the history")


def _version_rows(domain: Domain, record_ids: Sequence[Any], versions: Sequence[int]) -> dict[tuple[Any, int], Any]:
    model: Any = domain.model.history.model  # type: ignore[attr-defined]
    rows = model.objects.filter(record_id__in=set(record_ids), version__in=set(versions))
    return {(row.record_id, row.version): row for row in rows}


def row_snapshot(domain: Domain, row: Any) -> Snapshot:
    """A version row (or a golden row with its parts) as a snapshot."""
    return Snapshot(plain_row(domain.attributes, row), row.parts, row.extension, row.provenance)


def row_digest(domain: Domain, row: Any) -> str:
    """The digest of a version row as it stands now."""
    return version_digest(
        record_id=row.record_id, version=row.version, code=row.record_code, state=row.state,
        merged_into=row.merged_into_id, snapshot=row_snapshot(domain, row), sources=row.sources,
    )  # fmt: skip


def _golden_findings(verdict: Verdict, domain: Domain) -> Iterator[Finding]:
    """Every golden row must be what its newest version says."""
    last = None
    while True:
        records = GoldenRecord.objects.filter(domain=domain.name).order_by("pk")
        chunk = list((records.filter(pk__gt=last) if last else records)[:CHUNK])
        if not chunk:
            return
        last = chunk[-1].pk
        ids = [record.pk for record in chunk]
        typed = {row.pk: row for row in domain.model._default_manager.filter(pk__in=ids)}
        rows = _version_rows(domain, ids, list({record.version for record in chunk}))
        for record in chunk:
            verdict.records += 1
            yield from _record_findings(domain, record, typed.get(record.pk), rows.get((record.pk, record.version)))


def _record_findings(domain: Domain, record: GoldenRecord, typed: Any, row: Any) -> Iterator[Finding]:
    if typed is None or row is None:
        yield Finding(record.code, f"has no {'values' if typed is None else 'version'} in the {domain.name} tables")
        return
    if (record.state, record.merged_into_id) != (GoldenState(row.state), row.merged_into_id):
        yield Finding(record.code, "its state was altered behind the history")
    now, then = plain_row(domain.attributes, typed), plain_row(domain.attributes, row)
    for name in sorted({*now, *then}):
        if now.get(name) != then.get(name):
            yield Finding(record.code, f"its {name} was altered behind the history")
    if (typed.extension, typed.provenance) != (row.extension, row.provenance):
        yield Finding(record.code, "its extension or provenance was altered behind the history")
