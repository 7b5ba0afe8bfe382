"""Records fall into 4,096 buckets by their id, so that two sides find what differs without moving everything."""

import hashlib
from uuid import UUID


def bucket_of(record_id: UUID | str) -> int:
    """The first 12 bits of the SHA-256 of the id as text in lower case: 0..4095, the same on every side."""
    return int(hashlib.sha256(str(record_id).encode()).hexdigest()[:3], 16)
