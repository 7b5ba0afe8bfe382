"""Which source records stand behind a golden record, and what each of them says."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from mdm.masking import masked
from mdm.mastering.offers import resolve_references
from mdm.mastering.pins import resting
from mdm.models import Link, LinkMethod, SourceRecord
from mdm.queries.shapes import CrosswalkEntry, Offered
from mdm.queries.values import references_to
from mdm.spec import Attribute, Domain, Kind

Said = Sequence[tuple[SourceRecord, Any]]


def open_links(record_id: UUID) -> Sequence[Link]:
    """The open links of whole source records (not of single part rows), oldest first, all that is shown joined."""
    return list(
        Link.objects.filter(record_id=record_id, ended_at__isnull=True, source_record__part="")
        .select_related("source_record__system", "source_record__row", "source_record__batch")
        .defer("explanation", "source_record__row__raw", "source_record__row__cells", "source_record__batch__header")
        .order_by("linked_at", "pk")
    )


def crosswalk(links: Sequence[Link]) -> list[CrosswalkEntry]:
    """The links as one shows them."""
    return [_entry(link, link.source_record) for link in links]


def _entry(link: Link, source: SourceRecord) -> CrosswalkEntry:
    return CrosswalkEntry(
        source_record=source.pk,
        system=source.system.code,
        system_name=source.system.name,
        internal=source.system.internal,
        key=source.key,
        stub=source.stub,
        file=source.batch.file_name if source.batch else "",
        line=source.row.line if source.row else None,
        batch=source.batch_id,
        method=link.method,
        method_label=LinkMethod(link.method).label,
        score=link.score,
        since=link.linked_at,
        by=link.linked_by,
        reason=link.reason,
        seen=source.last_seen_at,
        warnings=source.warnings,
    )


class Sayings:
    """What the linked source records say of each attribute, references resolved through the crosswalk."""

    def __init__(self, domain: Domain, links: Sequence[Link]) -> None:
        self.sources = [link.source_record for link in links if link.source_record.state != "retired"]
        self._targets = resolve_references(domain, self.sources) if self._refer(domain) else {}
        self._rests = resting({links[0].record_id: self.sources}) if links else {}
        self._references = references_to(UUID(found) for found in self._targets.values())

    def _refer(self, domain: Domain) -> bool:
        names = [attribute.name for attribute in domain.attributes if attribute.kind is Kind.REFERENCE]
        return any(source.values.get(name) for source in self.sources for name in names)

    def others(self, attribute: Attribute, *, winner: int | None, value: Any, reveal: bool) -> list[Offered]:
        """What every source record but the winning one says, silent ones left out."""
        found = []
        for source in self.sources:
            said = self._said(attribute, source)
            if source.pk == winner or said in (None, "") or attribute.name in self._rests.get(source.pk, ()):
                continue
            found.append(
                Offered(
                    source_record=source.pk,
                    source=source.system.code,
                    source_name=source.system.name,
                    key=source.key,
                    value=said if reveal else masked(attribute, said),
                    seen=source.last_seen_at,
                    agrees=said == value,
                )
            )
        return found

    def _said(self, attribute: Attribute, source: SourceRecord) -> Any:
        said = source.values.get(attribute.name)
        if attribute.kind is not Kind.REFERENCE or not isinstance(said, Mapping):
            return said
        address = said.get("record") or (said.get("system", source.system.code), said["domain"], said["key"])
        target = self._targets.get(address)
        return self._references.get(UUID(target)) if target else f"{address[0]} {address[2]}, not known here"
