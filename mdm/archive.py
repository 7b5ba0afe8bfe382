"""Old partitions of the log as files: gzipped JSON lines with numbers and hashes, and a signed manifest.

A folder proves itself: the chain runs from the manifest's first hash to its last, which is signed like a checkpoint.
Dropping is another matter: it is done only on request, by the owner of the tables, and never while anything needs
what would go.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from django.db import IntegrityError, OperationalError, ProgrammingError, connection, transaction
from django.utils import timezone

from mdm import chain
from mdm.chain import Finding, Link, Walk
from mdm.checkpoints import Signed, is_genuine, key_id, known_keys, private_key, text_of
from mdm.errors import Refused
from mdm.models import LogCut, LogHead
from mdm.verify import Verdict

MANIFEST = "manifest.json"
LANE_BEHIND = "23514"  # what the wall of publishing says where a lane has not read what would go
COLUMNS = (
    "seq, hash, id, uid, record_id, domain, verb, version, state, outward, occurred_at, actor, correlation_id, body"
)


@dataclass(frozen=True)
class Archive:
    """What a folder holds. ``partitions`` may be dropped once it is verified."""

    folder: Path
    from_seq: int
    to_seq: int
    partitions: tuple[str, ...]


def archive(*, before: date, folder: Path) -> Archive:
    """Write every sealed partition whose events are all older than that day, from the oldest on without a hole.

    Changes nothing in the database. Raises Refused where there is none, or the folder holds something already.
    """
    names, last = _old_partitions(before)
    if not names:
        raise Refused("No whole partition of the log is that old.", "Only full ones are archived: choose a later day.")
    if folder.exists() and any(folder.iterdir()):
        raise Refused(f"{folder} is not empty.", "Name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    start = chain.beginning()
    file = folder / f"events-{start.seq + 1}-{last}.jsonl.gz"
    final = _write_events(file, start, last)
    head = LogHead.objects.get()
    at = datetime.now(UTC).isoformat()
    key = private_key()
    text = text_of(str(head.epoch), last, final, at)
    vouch = Signed(str(head.epoch), last, final, at, key_id(key.public_key()), key.sign(text).hex())
    content = {
        "file": file.name, "sha256": _sha256(file), "from_seq": start.seq + 1, "to_seq": last,
        "before_hash": start.hash, "partitions": names, "checkpoint": asdict(vouch),
    }  # fmt: skip
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n")
    return Archive(folder, start.seq + 1, last, tuple(names))


def _old_partitions(before: date) -> tuple[list[str], int]:
    """Sealed partitions to archive, oldest first, and the last number they hold."""
    names, last = [], 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.name FROM assay_partitions('mdm_changeevent') p JOIN pg_constraint c "
            "ON c.conname = p.name || '_sealed' AND c.convalidated ORDER BY p.low::bigint"
        )
        for (name,) in cursor.fetchall():
            # The name comes from the catalogue, not from anybody's input.
            cursor.execute(f'SELECT max(occurred_at), max(seq) FROM "{name}"')  # noqa: S608
            newest, seq = cursor.fetchone()
            if newest is None or newest.date() >= before:
                break
            names.append(name)
            last = max(last, seq)
    return names, last


def _write_events(file: Path, start: Walk, last: int) -> str:
    """The events after the start up to a number, in order; the hash of the last one."""
    final = start.hash
    query = f"SELECT {COLUMNS} FROM mdm_changeevent WHERE seq > %s AND seq <= %s ORDER BY seq LIMIT 5000"  # noqa: S608
    names = COLUMNS.split(", ")
    at = start.seq
    with gzip.open(file, "wt", encoding="utf-8") as out, connection.cursor() as cursor:
        while True:
            cursor.execute(query, [at, last])
            rows = cursor.fetchall()
            if not rows:
                return final
            for row in rows:
                out.write(json.dumps(dict(zip(names, row, strict=True)), default=str, ensure_ascii=False) + "\n")
            at, final = rows[-1][0], rows[-1][1]


def _sha256(file: Path) -> str:
    with file.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()


# ---- verifying ---------------------------------------------------------------------------------------


def verify_archive(folder: Path, *, public_key: Path | None = None) -> Verdict:
    """Whether a folder is as it was written: file, chain and signature. Needs no database. Raises Refused."""
    try:
        content: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        file, vouch = folder / content["file"], Signed(**content["checkpoint"])
        walk = Walk(content["from_seq"] - 1, content["before_hash"])
        found = list(walk.along(_links(file)))
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        lacking = (
            f"{Path(error.filename).name} is missing"
            if isinstance(error, FileNotFoundError)
            else "a part of it is broken"
        )
        raise Refused(
            f"{folder} is no archive that can be read: {lacking}.", "Name a whole folder written by archive_log."
        ) from error
    if _sha256(file) != content["sha256"]:
        found.append(Finding(file.name, "is not the file the manifest names"))
    if (walk.seq, walk.hash) != (vouch.seq, vouch.hash) or walk.seq != content["to_seq"]:
        found.append(Finding(f"event {walk.seq + 1}", f"the archive ends at {walk.seq}, signed is {vouch.seq}"))
    genuine = is_genuine(vouch, known_keys(public_key))
    if genuine is None:
        found.append(Finding(MANIFEST, f"is signed with the key {vouch.key_id}, which is not known"))
    elif not genuine:
        found.append(Finding(MANIFEST, "does not bear the signature of its key: it was altered"))
    return Verdict(events=walk.events, head=walk.seq, epoch=vouch.epoch, findings=found, checkpoints=1)


def _links(file: Path) -> Iterator[Link]:
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            yield Link(row["seq"], row["hash"], row["body"].encode(), f"{row['domain']}.{row['verb']}")


# ---- dropping ----------------------------------------------------------------------------------------


NEEDED = (
    "SELECT count(*) FROM mdm_changeevent e JOIN mdm_goldenrecord r ON r.id = e.record_id AND r.version = e.version "
    "WHERE e.seq <= %s AND r.state = 'active'"
)


def drop(archived: Archive, *, by: str) -> None:
    """Drop the archived partitions, and write down where the chain goes on. All of it or nothing.

    Raises Refused where the archive does not verify, something still needs its events (records whose present state
    they are, deliveries, lanes that have not read them), somebody holds the table, or this role does not own it.
    """
    if not verify_archive(archived.folder).is_green:
        raise Refused("The archive is not as it was written: nothing was dropped.", "Archive again, elsewhere.")
    content = json.loads((archived.folder / MANIFEST).read_text())
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            _require_unneeded(cursor, archived.to_seq)  # versions only grow: what is old news now stays so
            cursor.execute("SET LOCAL lock_timeout = '5s'")
            LogCut.objects.create(
                through_seq=archived.to_seq, through_hash=content["checkpoint"]["hash"], sha256=content["sha256"],
                archive=content["file"], by=by, at=timezone.now(),
            )  # fmt: skip
            for name in archived.partitions:
                cursor.execute(f'ALTER TABLE mdm_changeevent DETACH PARTITION "{name}"')
                cursor.execute(f'DROP TABLE "{name}"')
    except IntegrityError as error:
        if getattr(error.__cause__, "sqlstate", "") == LANE_BEHIND:
            raise Refused(
                f"Nothing was dropped: {error.__cause__.diag.message_primary}.",  # type: ignore[union-attr]
                "Resume them with the latest state or from now on, so that they pass these events.",
            ) from error
        raise Refused(
            "Deliveries still refer to events of the archive: nothing was dropped.",
            "Settled ones go ASSAY_DELIVERY_DAYS after a newer one of their record; settle those that are parked.",
        ) from error
    except OperationalError as error:
        raise Refused("Somebody uses the log: nothing was dropped.", "Try again in a quiet hour.") from error
    except ProgrammingError as error:
        raise Refused(
            "The role of the product may not drop a partition.",
            "Run the command with DATABASE_URL set to ASSAY_OWNER_DATABASE_URL.",
        ) from error


def _require_unneeded(cursor: Any, through: int) -> None:
    """New targets and replays take the present state of a record from its last event: that one must stay."""
    cursor.execute(NEEDED, [through])
    [count] = cursor.fetchone()
    if count:
        raise Refused(
            f"The present state of {count:,} active records is told by events of the archive: nothing was dropped.",
            "Keep the partitions, on a slower disk if need be: the archive is a copy.",
        )
