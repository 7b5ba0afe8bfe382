"""Opening and ending links of the crosswalk. Called by the verbs of this package, never from outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mdm import bulk
from mdm.cause import Cause
from mdm.compiled import prepared
from mdm.errors import Refused
from mdm.models import GoldenRecord, Link, LinkMethod, SourceRecord


@dataclass(frozen=True)
class LinkTo:
    """A source record and the golden record it belongs to, how that was found, the evidence, the innermost merge."""

    source_record_id: int
    record_id: UUID
    method: LinkMethod
    score: float | None = None
    explanation: Any = None
    merge: UUID | None = None


def open_links_for(links: Sequence[LinkTo], cause: Cause, now: datetime) -> None:
    """Write the links. PostgreSQL refuses a second open link of one source record."""
    bulk.insert_plain(
        Link,
        [
            {
                "source_record_id": link.source_record_id,
                "record_id": link.record_id,
                "method": str(link.method),
                "score": link.score,
                "explanation": link.explanation,
                "merge_id": link.merge,
                "linked_by": cause.by.name,
                "reason": cause.reason,
                "linked_at": now,
                "ended_by": "",
                "end_reason": "",
            }
            for link in links
        ],
    )


def end_links(source_record_ids: Sequence[int], cause: Cause, now: datetime) -> dict[int, UUID]:
    """End the open links of these source records; {source record: golden record it was linked to}."""
    links = Link.objects.filter(source_record_id__in=source_record_ids, ended_at__isnull=True)
    held = dict(links.values_list("source_record_id", "record_id"))
    links.update(ended_at=now, ended_by=cause.by.name, end_reason=cause.reason)
    return held


def part_rows(source_record_ids: Sequence[int]) -> dict[int, list[int]]:
    """{source record: the linked part rows that follow it}, for every id asked. One query."""
    rows = SourceRecord.objects.raw(
        """
        SELECT child.id, parent.id AS parent_id
        FROM mdm_sourcerecord parent
        JOIN mdm_sourcerecord child ON child.system_id = parent.system_id AND child.domain = parent.domain
          AND child.part <> '' AND child.parent_key = parent.key
        JOIN mdm_link link ON link.source_record_id = child.id AND link.ended_at IS NULL
        WHERE parent.id = ANY(%s) AND parent.part = '' ORDER BY child.id
        """,
        [list(source_record_ids)],
    )
    found: dict[int, list[int]] = {pk: [] for pk in source_record_ids}
    for row in rows:
        found[row.parent_id].append(row.pk)  # type: ignore[attr-defined]
    return found


def require_unlinked(source_record_ids: Sequence[int]) -> None:
    """Raise Refused when one of the source records already belongs to a golden record.

    Asks for all of them: to ask for the first one reads the whole table in its order, as none is the rule.
    """
    with prepared(len(source_record_ids)) as cursor:
        cursor.execute(
            "SELECT id FROM mdm_link WHERE source_record_id = ANY(%s::bigint[]) AND ended_at IS NULL",
            [list(source_record_ids)],
        )
        found = sorted(cursor.fetchall())
    if found:
        taken = Link.objects.select_related("source_record", "record").get(pk=found[0][0])
        raise Refused(
            f"{taken.source_record.key} is already linked to {taken.record.code}.",
            "Unlink it there first, or merge the two golden records.",
        )


def require_something_left(records: Mapping[UUID, GoldenRecord]) -> None:
    """Raise Refused when one of the golden records has no source record any more, but for approved edits."""
    left = Link.objects.filter(
        record__in=list(records), ended_at__isnull=True, source_record__part="", source_record__system__internal=False
    )
    empty = records.keys() - set(left.values_list("record_id", flat=True))
    if empty:
        raise Refused(
            f"{records[min(empty)].code} would be left without any source record.",
            "Leave at least one in it, bring others back first, or retire the record.",
        )
