"""A target's own memory of what it was sent, and the digests it computes of it as the guide says."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from mdm.models import GoldenRecord
from publishing.models import DriftCheck, Endpoint
from publishing.reconciling import Heard, Theirs, begin, tell
from tests.publishing.making import Target

Kept = dict[str, dict[str, Any]]


def kept_by(target: Target) -> Kept:
    """{record: content} as a target that keeps the newest version of each record has it."""
    held: Kept = {}
    for call in target.calls:
        message = call.json
        content = message.get("data", message)
        content.pop("changed", None)
        if content.get("id") and content["version"] >= held.get(content["id"], content)["version"]:
            held[content["id"]] = content
    return held


def digest(content: Mapping[str, Any]) -> str:
    """SHA-256 of the canonical text."""
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def bucket(record_id: str) -> int:
    """The bucket of an id."""
    return int(hashlib.sha256(record_id.encode()).hexdigest()[:3], 16)


def buckets_of(held: Kept, *, content: bool = True) -> dict[int, str]:
    """{bucket: digest} of all that is held."""
    lines: dict[int, list[str]] = {}
    for record_id in sorted(held):
        one = held[record_id]
        own = digest(one) if content else ""
        lines.setdefault(bucket(record_id), []).append(f"{record_id}:{one['version']}:{own}\n")
    return {number: hashlib.sha256("".join(texts).encode()).hexdigest() for number, texts in lines.items()}


def theirs(held: Kept, *, fields: bool = False) -> list[Theirs]:
    """Every record as the target tells it."""
    return [Theirs(key, one["version"], digest(one), one if fields else None) for key, one in held.items()]


def compare(endpoint: Endpoint, held: Kept, *, fields: bool = True) -> Heard:
    """A whole check as a target makes it: buckets, then the records of those that differ."""
    begun = begin(endpoint=endpoint, by="erp", buckets=buckets_of(held))
    wanted = set(begun.differing)
    asked = {key: one for key, one in held.items() if bucket(key) in wanted}
    return tell(check=begun.check, records=theirs(asked, fields=fields), buckets=wanted)


def latest_check(endpoint: Endpoint) -> DriftCheck:
    """The last comparison of the endpoint."""
    return DriftCheck.objects.filter(endpoint=endpoint).latest("pk")


def hold_digests(endpoint: Endpoint, held: Kept) -> None:
    """The hub's digests of what the target holds."""
    for key, one in held.items():
        endpoint.holdings.filter(record_id=key).update(digest=digest(one), bucket=bucket(key))


def of(record: GoldenRecord) -> str:
    """The id of a record as targets write it."""
    return str(record.pk)
