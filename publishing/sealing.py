"""Secrets at rest: AES-256-GCM with a key ring, each ciphertext bound to its row and field.

A sealed text is ``v1|key id|nonce|ciphertext`` (base64url). The key file holds one ``id:base64`` key of 32 bytes a
line; the first seals, all of them open. A secret never leaves ``open_sealed`` in an error or a log.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.db import models

from mdm.errors import MdmError

KEY_BYTES = 32
NONCE_BYTES = 12


class SealBroken(MdmError):
    """A secret cannot be sealed or opened: the key file is missing, or the text was altered or moved."""

    code = "seal-broken"
    http = 500


def seal(row: models.Model, field: str, secret: str) -> str:
    """The secret sealed for this field of this row; the row needs its primary key. Raises SealBroken."""
    key_id, key = next(iter(_ring().items()))
    nonce = os.urandom(NONCE_BYTES)
    ciphertext = AESGCM(key).encrypt(nonce, secret.encode(), _place(row, field))
    return f"v1|{key_id}|{_text(nonce)}|{_text(ciphertext)}"


def open_sealed(row: models.Model, field: str) -> str:
    """The secret of this field of this row. Raises SealBroken, also when the text was copied from another row."""
    try:
        version, key_id, nonce, ciphertext = str(getattr(row, field)).split("|")
        if version != "v1":
            raise ValueError(version)
        plain = AESGCM(_ring()[key_id]).decrypt(_bytes(nonce), _bytes(ciphertext), _place(row, field))
    except (ValueError, KeyError, InvalidTag, binascii.Error) as error:
        raise SealBroken(
            f"The secret of {row} cannot be opened.",
            "Bring back the key file it was sealed with, or set a new secret.",
        ) from error
    return plain.decode()


def _place(row: models.Model, field: str) -> bytes:
    return f"{row._meta.db_table}|{row.pk}|{field}".encode()


def _ring() -> Mapping[str, bytes]:
    file = Path(settings.KEYS_FILE)
    try:
        return _read_ring(file, file.stat().st_mtime_ns)
    except OSError as error:
        raise SealBroken(
            "There is no key file, so secrets can be neither kept nor read.",
            "Name it in ASSAY_KEYS_FILE: one `id:base64` key of 32 bytes a line.",
        ) from error


@lru_cache(maxsize=4)
def _read_ring(file: Path, changed: int) -> Mapping[str, bytes]:
    """``changed`` makes a rotated key file read anew."""
    ring = {}
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        if not line.strip():
            continue
        key_id, _, encoded = line.strip().partition(":")
        try:
            key = base64.b64decode(encoded, validate=True)
        except binascii.Error:
            key = b""
        if not key_id or len(key) != KEY_BYTES:
            raise SealBroken(f"Line {number} of the key file is no key.", "Write `id:` and 32 bytes in base64.")
        ring[key_id] = key
    if not ring:
        raise SealBroken("The key file is empty.", "Write one `id:base64` key of 32 bytes a line.")
    return ring


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text)
