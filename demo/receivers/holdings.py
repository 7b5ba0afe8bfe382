"""What a receiver answers when the hub asks what it holds: digests by bucket, then records page by page."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from demo.receivers.ledger import Ledger

MOST = 1000


def holdings(ledger: Ledger, query: Mapping[str, str]) -> dict[str, Any]:
    """The answer to `?view=buckets`, or to `?buckets=0a3,1ff&limit=1000&cursor=...`."""
    held = ledger.all_held()
    if query.get("view") == "buckets":
        return {"by": "content", "buckets": _buckets(held)}
    wanted = set(query["buckets"].split(",")) if query.get("buckets") else None
    limit = min(int(query.get("limit", MOST)), MOST)
    after = query.get("cursor", "")
    rows = [row for row in held if row[0] > after and (wanted is None or bucket(row[0]) in wanted)]
    page = rows[:limit]
    return {
        "records": [
            {"id": key, "version": version, "digest": digest(body), "fields": content(body)}
            for key, version, body in page
        ],
        "next_cursor": page[-1][0] if len(rows) > limit else None,
    }


def _buckets(held: list[tuple[str, int, dict[str, Any]]]) -> dict[str, str]:
    lines: dict[str, list[str]] = {}
    for key, version, body in held:
        lines.setdefault(bucket(key), []).append(f"{key}:{version}:{digest(body)}\n")
    return {name: hashlib.sha256("".join(rows).encode()).hexdigest() for name, rows in lines.items()}


def bucket(key: str) -> str:
    """The first three hex digits of the SHA-256 of the id."""
    return hashlib.sha256(key.encode()).hexdigest()[:3]


def content(body: dict[str, Any]) -> dict[str, Any]:
    """What was received of the record, without what changed in it."""
    return {name: value for name, value in body.items() if name != "changed"}


def digest(body: dict[str, Any]) -> str:
    """SHA-256 of the content as canonical JSON."""
    text = json.dumps(content(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
