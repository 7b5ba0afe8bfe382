"""Checkpoints: the head of the log, signed now and then, and kept where the hub's own database cannot reach.

The table is for the hub. The file (``ASSAY_CHECKPOINT_FILE``, one JSON line each, only ever appended to) may lie on
another mount or a write-once disk, and witnesses outside are sent every line. A hash vouches for all events before
it, so any one line that is kept elsewhere finds out whoever rewrites or cuts the log.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from mdm.errors import Refused
from mdm.models import Checkpoint, LogHead

EVERY_EVENTS = 1000
EVERY_SECONDS = 60
BLOCK = 64 * 1024
PEM_END = "-----END PUBLIC KEY-----"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Signed:
    """A checkpoint as it leaves the hub: plain text, verifiable with the public key alone."""

    epoch: str
    seq: int
    hash: str
    at: str
    key_id: str
    signature: str

    def line(self) -> str:
        """One line of the file."""
        return json.dumps(asdict(self), sort_keys=True)

    def text(self) -> bytes:
        """What is signed."""
        return text_of(self.epoch, self.seq, self.hash, self.at)


def text_of(epoch: str, seq: int, hash_: str, at: str) -> bytes:
    """Five lines: the name of this format, epoch, number, hash, time in UTC."""
    return f"assay.checkpoint.v1\n{epoch}\n{seq}\n{hash_}\n{at}\n".encode()


def signed(row: Checkpoint) -> Signed:
    """The row as it leaves the hub."""
    at = row.at.astimezone(UTC).isoformat()
    return Signed(str(row.epoch), row.seq, row.hash, at, row.key_id, row.signature)


# ---- keys ------------------------------------------------------------------------------------------


def key_id(key: Ed25519PublicKey) -> str:
    """The first 16 hex digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def public_pem(key: Ed25519PublicKey) -> str:
    """The public key as an auditor keeps it."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_key() -> Ed25519PrivateKey:
    """The key checkpoints are signed with, made on first use in a file only this account may read.

    Two programs that make it at once agree on one. Raises Refused where the file holds something else.
    """
    file = Path(settings.CHECKPOINT_KEY_FILE)
    if not file.exists():
        _make_key(file)
    try:
        key = load_pem_private_key(file.read_bytes(), None)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise Refused(f"{file.name} holds no Ed25519 private key.", "Bring back the right file, or move it away.")
    _note_public(key.public_key())
    return key


def _make_key(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    key = Ed25519PrivateKey.generate()
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".checkpoint-")  # 0600
    try:
        with os.fdopen(descriptor, "wb") as target:
            target.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            target.flush()
            os.fsync(target.fileno())
        os.link(name, file)  # fails where another program was first
    except FileExistsError:
        return
    finally:
        Path(name).unlink()


def _note_public(key: Ed25519PublicKey) -> None:
    """Also a key that was brought from elsewhere is known from its first use on."""
    if key_id(key) not in known_keys():
        with _public_file().open("a") as known:
            known.write(public_pem(key))


def _public_file() -> Path:
    """Every public key this installation ever signed with, so that old checkpoints can be verified."""
    return Path(f"{settings.CHECKPOINT_KEY_FILE}.pub")


def known_keys(file: Path | None = None) -> dict[str, Ed25519PublicKey]:
    """Public keys by their id: those in ``file``, else those of this installation. Raises Refused for another file."""
    given = file or _public_file()
    try:
        text = given.read_text()
    except OSError as error:
        if file is None:
            return {}
        raise Refused(f"{file} cannot be read.", "Name a file with public keys in PEM.") from error
    found: dict[str, Ed25519PublicKey] = {}
    for block in text.split(PEM_END)[:-1]:
        try:
            key = load_pem_public_key((block.strip() + "\n" + PEM_END + "\n").encode())
        except ValueError:
            key = None
        if isinstance(key, Ed25519PublicKey):
            found[key_id(key)] = key
    if file is not None and not found:
        raise Refused(f"{file} holds no Ed25519 public key.", "manage.py checkpoint_key prints the right one.")
    return found


def is_genuine(checkpoint: Signed, keys: Mapping[str, Ed25519PublicKey]) -> bool | None:
    """Whether the signature is that of one of these keys over exactly this; None where its key is not among them."""
    key = keys.get(checkpoint.key_id)
    if key is None:
        return None
    try:
        key.verify(bytes.fromhex(checkpoint.signature), checkpoint.text())
    except (InvalidSignature, ValueError):
        return False
    return True


# ---- writing ---------------------------------------------------------------------------------------


def write_checkpoint() -> Checkpoint | None:
    """Sign the head as it stands, keep it in the table and in the file; None where it is signed already.

    The file is caught up with the table each time, so a disk that was full or away loses no line. A file that cannot
    be written is a line in the error log: numbering goes on.
    """
    key = private_key()
    with transaction.atomic():
        head = LogHead.objects.select_for_update(no_key=True).first()
        if head is None or not head.seq or Checkpoint.objects.filter(epoch=head.epoch, seq=head.seq).exists():
            row = None
        else:
            row = Checkpoint(epoch=head.epoch, seq=head.seq, hash=head.hash, at=timezone.now())
            row.key_id = key_id(key.public_key())
            row.signature = key.sign(signed(row).text()).hex()
            row.save(force_insert=True)
    try:
        _catch_up()
    except OSError:
        logger.exception("Checkpoints cannot be written to %s", settings.CHECKPOINT_FILE)
    return row


def _catch_up() -> None:
    """Append what the table has after the file's last line; only the newest where the file does not say."""
    file = Path(settings.CHECKPOINT_FILE)
    last = next(backwards(file), None)
    rows = Checkpoint.objects.order_by("id")
    known = last and rows.filter(epoch=last.epoch, seq=last.seq).values_list("id", flat=True).first()
    newest = rows.last()
    missing = list(rows.filter(id__gt=known)) if known else [newest] if newest else []
    if missing:
        _append(file, "".join(f"{signed(row).line()}\n" for row in missing))


def _append(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        size = os.fstat(descriptor).st_size
        if size and os.pread(descriptor, 1, size - 1) != b"\n":
            text = "\n" + text  # a line torn by a crash stays a line of its own
        os.write(descriptor, text.encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# ---- reading ---------------------------------------------------------------------------------------


def read_line(line: str) -> Signed | None:
    """A line of a file; None where it is none of ours."""
    try:
        content = json.loads(line)
        found = Signed(**{**content, "seq": int(content["seq"])})
        return found if datetime.fromisoformat(found.at).tzinfo else None
    except (ValueError, TypeError, KeyError):
        return None


def read_file(file: Path) -> Iterator[tuple[int, Signed | None]]:
    """Every line with its number, from the beginning; None where it cannot be read. Raises OSError."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                yield number, read_line(line)


def backwards(file: Path) -> Iterator[Signed]:
    """The checkpoints of a file from its end, unreadable lines left out. Nothing where there is no file."""
    try:
        source = file.open("rb")
    except OSError:
        return
    with source:
        place, rest = source.seek(0, os.SEEK_END), b""
        while place:
            step = min(BLOCK, place)
            place -= step
            source.seek(place)
            first, *lines = (source.read(step) + rest).split(b"\n")
            rest = first
            for line in reversed(lines):
                if found := read_line(line.decode(errors="replace")):
                    yield found
        if found := read_line(rest.decode(errors="replace")):
            yield found
