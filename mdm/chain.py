"""The chain of hashes, walked fast: a million events in seconds, and what signed checkpoints say about it.

Events travel as one binary COPY in the order of their numbers; nothing is kept but the hashes asked for.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import zip_longest
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection

from mdm.checkpoints import Signed, is_genuine
from mdm.log import GENESIS
from mdm.models import LogCut, LogEpoch, LogHead


@dataclass(frozen=True)
class Finding:
    """Something that is not as it was written: where, and what is wrong with it, in words."""

    where: str
    what: str


class Link(NamedTuple):
    """One event as the chain sees it. A tuple: a million are made in a walk."""

    seq: int
    hash: str
    body: bytes
    name: str = ""

    @property
    def where(self) -> str:
        return f"event {self.seq} ({self.name})" if self.name else f"event {self.seq}"


@dataclass
class Walk:
    """How far a walk has come; ``wanted`` are numbers whose hash is asked for, ``seen`` those met."""

    seq: int = 0
    hash: str = GENESIS
    events: int = 0
    wanted: frozenset[int] = frozenset()
    seen: dict[int, str] = field(default_factory=dict)

    def along(self, links: Iterable[Link]) -> Iterator[Finding]:
        """Every break of the chain, the first one first. Each link is judged by the hash its predecessor bears."""
        if self.seq in self.wanted:
            self.seen[self.seq] = self.hash
        last, before, wanted, sha256 = self.seq, self.hash, self.wanted, hashlib.sha256
        for link in links:
            seq, own, body, _ = link
            if seq != last + 1:
                yield Finding(f"event {last + 1}", f"is missing: the log goes from {last} to {seq}")
            expected = sha256(f"{before}|{seq}|".encode())
            expected.update(body)
            if expected.hexdigest() != own:
                yield Finding(link.where, "its body or a predecessor was altered")
            last, before = seq, own
            self.events += 1
            if seq in wanted:
                self.seen[seq] = own
        self.seq, self.hash = last, before


def beginning() -> Walk:
    """Where the log in the database begins: at the first event, or after what was archived and dropped."""
    cut = LogCut.objects.order_by("-through_seq").first()
    return Walk(cut.through_seq, cut.through_hash) if cut else Walk()


def cuts() -> list[str]:
    """What was archived and dropped, by whom and where it is, in words."""
    said, first = [], 1
    for cut in LogCut.objects.order_by("through_seq"):
        said.append(
            f"Events {first} to {cut.through_seq} were archived as {cut.archive} (SHA-256 {cut.sha256}) and dropped by "
            f"{cut.by}, {_day(cut.at)}. verify_log --archive FOLDER proves them."
        )
        first = cut.through_seq + 1
    return said


def stored(after: int, through: int) -> Iterator[Link]:
    """Every numbered event after one number and up to another, in order, streamed."""
    query = (
        "COPY (SELECT seq, hash, body, domain || '.' || verb FROM mdm_changeevent "
        "WHERE seq > %s AND seq <= %s ORDER BY seq) TO STDOUT (FORMAT BINARY)"
    )
    with connection.cursor() as cursor, cursor.copy(query, [after, through]) as copy:
        copy.set_types(["int8", "text", "bytea", "text"])  # the body as bytes: it is hashed, not read
        yield from map(Link._make, copy.rows())


def tail_findings(head: LogHead | None, walk: Walk) -> Iterator[Finding]:
    """Whether the walked log ends where the head stood, and nothing lies beyond the head of now."""
    if head is not None and (head.seq, head.hash) != (walk.seq, walk.hash):
        what = f"the head stands at {head.seq}, the log ends at {walk.seq}: the tail was altered"
        yield Finding(f"event {walk.seq + 1}", what)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT max(e.seq), coalesce(min(h.seq), 0) FROM mdm_changeevent e LEFT JOIN mdm_loghead h ON true "
            "WHERE e.seq > %s",
            [head.seq if head else 0],
        )
        last, stands = cursor.fetchone()
    if last is not None and last > stands:
        yield Finding(f"event {stands + 1}", f"bears a number the head at {stands} never gave")


# ---- checkpoints -------------------------------------------------------------------------------------


@dataclass
class Vouched:
    """Checkpoints from one place, as they claim to be. ``place`` is named in findings: the table, or a file."""

    place: str
    lines: Sequence[tuple[str, Signed | None]]  # where in the place, and what stands there

    @property
    def numbers(self) -> frozenset[int]:
        return frozenset(line.seq for _, line in self.lines if line)


@dataclass(frozen=True)
class Life:
    """One life of the log: its events are numbered ``from_seq`` to ``to_seq``."""

    epoch: str
    from_seq: int
    from_hash: str
    to_seq: int
    ended_by: str = ""


def lives(head: LogHead | None) -> dict[str, Life]:
    """Every life the log knows of, by epoch."""
    rows = list(LogEpoch.objects.order_by("id"))
    found = {}
    for row, following in zip_longest(rows, rows[1:]):
        to_seq = following.from_seq - 1 if following else head.seq if head else 0
        why = f"{following.reason} ({following.by}, {_day(following.at)})" if following else ""
        found[str(row.epoch)] = Life(str(row.epoch), row.from_seq, row.from_hash, to_seq, why)
    return found


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def life_findings(known: Mapping[str, Life], head: LogHead | None, walk: Walk) -> Iterator[Finding]:
    """Whether each life began where the chain stood then, and the newest one is the head's."""
    if head is not None and list(known)[-1:] != [str(head.epoch)]:
        yield Finding(f"life {head.epoch}", "is the head's, and nothing says when and why it began")
    for life in known.values():
        held = walk.seen.get(life.from_seq - 1)
        if held is not None and held != life.from_hash:
            yield Finding(f"event {life.from_seq - 1}", f"is not the one the life {life.epoch} began after")


def vouched_findings(
    vouched: Vouched, known: Mapping[str, Life], keys: Mapping[str, Ed25519PublicKey], walk: Walk
) -> Iterator[Finding]:
    """Checkpoints that are no longer true or never were, by number. What a restore lost is not among them."""
    for where, line in vouched.lines:
        if line is None:
            yield Finding(f"{vouched.place}, {where}", "is no checkpoint that can be read")
            continue
        name = f"{vouched.place}, {where}: the checkpoint of event {line.seq}"
        genuine = is_genuine(line, keys)
        if genuine is None:
            yield Finding(name, f"is signed with the key {line.key_id}, which is not known: name it with --public-key")
        elif not genuine:
            yield Finding(name, "does not bear the signature of its key: it was altered")
        elif (life := known.get(line.epoch)) is None:
            yield Finding(
                name, f"speaks of a life {line.epoch} the log does not know: the log was replaced or restored"
            )
        elif line.seq <= life.to_seq:
            yield from _true(line, vouched.place, walk)
        elif not life.ended_by:
            what = f"is missing: the log ends at {life.to_seq}, and {vouched.place} vouches for event {line.seq}"
            yield Finding(f"event {life.to_seq + 1}", what)


def _true(line: Signed, place: str, walk: Walk) -> Iterator[Finding]:
    held = walk.seen.get(line.seq)
    if held is not None and held != line.hash:
        yield Finding(f"event {line.seq}", f"is not the one {place} vouches for: it or one before it was rewritten")


def lost(vouched: Iterable[Vouched], known: Mapping[str, Life]) -> list[str]:
    """What restores took away: numbers genuine or not that a life had given beyond its end, in words."""
    furthest: dict[str, int] = defaultdict(int)
    for place in vouched:
        for _, line in place.lines:
            if line and (life := known.get(line.epoch)) and life.ended_by and line.seq > life.to_seq:
                furthest[line.epoch] = max(furthest[line.epoch], line.seq)
    return [
        f"Events {known[epoch].to_seq + 1} to {seq} of the life {epoch} are gone. It ended so: {known[epoch].ended_by}"
        for epoch, seq in furthest.items()
    ]
