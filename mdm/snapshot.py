"""A golden record at one version as plain JSON: for comparing, hashing, showing and publishing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mdm import canonical
from mdm.models import GoldenRecord
from mdm.spec import Attribute, Domain, Kind
from mdm.values import plain

Labels = Mapping[UUID, tuple[str, str]]  # golden id -> (code, title)


@dataclass(frozen=True)
class Snapshot:
    """Values, parts, extension and provenance as JSON; references are golden ids as text; blanks are left out."""

    values: dict[str, Any]
    parts: dict[str, list[dict[str, Any]]]
    extension: dict[str, Any]
    provenance: dict[str, Any]

    def digest(self, record: GoldenRecord, sources: Sequence[Mapping[str, str]]) -> str:
        """SHA-256 over everything a version says about the record."""
        return version_digest(
            record_id=record.pk, version=record.version, code=record.code, state=record.state,
            merged_into=record.merged_into_id, snapshot=self, sources=sources,
        )  # fmt: skip


def version_digest(
    *,
    record_id: UUID,
    version: int,
    code: str,
    state: str,
    merged_into: UUID | None,
    snapshot: Snapshot,
    sources: Sequence[Mapping[str, str]],
) -> str:
    """SHA-256 of the canonical JSON of one version; ``verify_log`` recomputes it from the stored version row."""
    return canonical.digest(
        {
            "record": str(record_id),
            "version": version,
            "code": code,
            "state": state,
            "merged_into": plain(merged_into),
            "attributes": snapshot.values,
            "parts": snapshot.parts,
            "extension": snapshot.extension,
            "provenance": snapshot.provenance,
            "sources": list(sources),
        }
    )


def record_labels(domain: Domain, snapshots: Iterable[Snapshot]) -> dict[UUID, tuple[str, str]]:
    """Code and title of every golden record the snapshots refer to. One query."""
    own = _references(domain.attributes)
    parts = [(part.name, names) for part in domain.parts if (names := _references(part.attributes))]
    wanted: set[UUID] = set()
    for snapshot in snapshots:
        wanted |= _referred(own, [snapshot.values])
        for name, names in parts:
            wanted |= _referred(names, snapshot.parts.get(name, ()))
    if not wanted:
        return {}
    found = GoldenRecord.objects.filter(pk__in=wanted).values_list("pk", "code", "title")
    return {pk: (code, title) for pk, code, title in found}


def _references(attributes: Sequence[Attribute]) -> list[str]:
    return [attribute.name for attribute in attributes if attribute.kind is Kind.REFERENCE]


def _referred(names: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> set[UUID]:
    return {UUID(row[name]) for row in rows for name in names if row.get(name)}


def expand(attributes: Sequence[Attribute], row: Mapping[str, Any], labels: Labels) -> dict[str, Any]:
    """The row with every reference as {record, code, title}."""
    shown = dict(row)
    for attribute in attributes:
        if attribute.kind is Kind.REFERENCE and row.get(attribute.name):
            shown[attribute.name] = reference(row[attribute.name], labels)
    return shown


def reference(record_id: str, labels: Labels) -> dict[str, str]:
    """How a reference is shown everywhere: id, code and title."""
    code, title = labels.get(UUID(record_id), ("", ""))
    return {"record": record_id, "code": code, "title": title}


def changes(domain: Domain, before: Snapshot, after: Snapshot, labels: Labels) -> list[dict[str, Any]]:
    """What differs: [{attribute, before, after, source, rule}] and [{part, added, removed}]."""
    found: list[dict[str, Any]] = []
    for attribute in domain.attributes:
        old, new = before.values.get(attribute.name), after.values.get(attribute.name)
        if old != new:
            if attribute.kind is Kind.REFERENCE:
                old, new = (reference(value, labels) if value else None for value in (old, new))
            origin = after.provenance.get(attribute.name, {})
            found.append({"attribute": attribute.name, "before": old, "after": new, **_origin(origin)})
    for name in sorted({*before.extension, *after.extension}):
        if before.extension.get(name) != after.extension.get(name):
            origin = after.provenance.get(f"ext.{name}", {})
            found.append(
                {
                    "attribute": f"ext.{name}",
                    "before": before.extension.get(name),
                    "after": after.extension.get(name),
                    **_origin(origin),
                }
            )
    for part in domain.parts:
        old_rows, new_rows = before.parts.get(part.name, []), after.parts.get(part.name, [])
        if new_rows and not old_rows:
            added = [expand(part.attributes, row, labels) for row in new_rows]
            found.append({"part": part.name, "added": added, "removed": []})
        elif old_rows != new_rows:
            old_set = {canonical.dumps(row): row for row in old_rows}
            new_set = {canonical.dumps(row): row for row in new_rows}
            added = [expand(part.attributes, row, labels) for key, row in new_set.items() if key not in old_set]
            removed = [expand(part.attributes, row, labels) for key, row in old_set.items() if key not in new_set]
            found.append({"part": part.name, "added": added, "removed": removed})
    return found


def _origin(origin: Mapping[str, Any]) -> dict[str, Any]:
    return {"source": origin.get("source"), "rule": origin.get("rule")}
