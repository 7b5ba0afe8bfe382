"""What stands against a merge, by the words a domain's vetoes are declared in. Reads, never writes.

``differ``: two members say different things of an identifier. ``above``: one member is above another in the tree that
the attribute makes. ``open_in_both``: each of two members has a running record of another domain that refers to it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID, uuid4

from django.db.models import Q, QuerySet
from django.utils import timezone

from mdm.compiled import Compiled, found_by
from mdm.domains import BY_NAME
from mdm.models import GoldenRecord, GoldenState
from mdm.spec import Domain, Severity, Veto
from mdm.values import column, plain

GENERATIONS = 20


@dataclass(frozen=True)
class Standing:
    """One veto that stands: what it says, and whether a reason lifts it."""

    message: str
    severity: Severity

    @property
    def forbids(self) -> bool:
        """Whether nothing lifts it."""
        return self.severity is Severity.REFUSE

    @property
    def needs_reason(self) -> bool:
        """Whether a reason lifts it."""
        return self.severity is Severity.HOLD


def standing(domain: Domain, record_ids: Sequence[UUID]) -> list[Standing]:
    """The vetoes of the domain that stand against making one of these records, the gravest first."""
    if not domain.vetoes or len(record_ids) < 2:
        return []
    rows = found_by(domain.model, "record_id", list(record_ids))
    found = [
        Standing(f"{veto.message}{told}", veto.severity)
        for veto in domain.vetoes
        if (told := _CHECKS[veto.check](domain, veto, rows)) is not None
    ]
    return sorted(found, key=lambda one: list(Severity).index(one.severity))


def _differ(domain: Domain, veto: Veto, rows: Sequence[Any]) -> str | None:
    """The values, where two of them differ."""
    for name in veto.attributes:
        said = sorted({str(value) for row in rows if (value := plain(getattr(row, name))) is not None})
        if len(said) > 1:
            return f": {', '.join(said[:4])}"
    return None


def _above(domain: Domain, veto: Veto, rows: Sequence[Any]) -> str | None:
    """Which member is above which, where one is."""
    members = {row.pk for row in rows}
    (attribute,) = (a for a in domain.attributes if a.name in veto.attributes)
    parent = column(attribute)
    frontier: Mapping[UUID, UUID] = {row.pk: getattr(row, parent) for row in rows if getattr(row, parent)}
    for _ in range(GENERATIONS):
        for below, above in frontier.items():
            if above in members and above != below:
                codes = dict(GoldenRecord.objects.filter(pk__in=[above, below]).values_list("pk", "code"))
                return f": {codes[above]} is above {codes[below]}"
        ups = dict(domain.model._default_manager.filter(pk__in=frontier.values()).values_list("pk", parent))
        frontier = {below: up for below, above in frontier.items() if (up := ups.get(above))}
        if not frontier:
            break
    return None


def _open_in_both(domain: Domain, veto: Veto, rows: Sequence[Any]) -> str | None:
    """How many members have a running record that refers to them, where two or more do."""
    referred = _running(veto.domain, *veto.attributes).rows(
        records=[row.pk for row in rows], today=timezone.localdate()
    )
    return f" ({len(referred)} of the records)" if len(referred) > 1 else None


@cache
def _running(domain: str, name: str, end: str) -> Compiled[Any]:
    """Which of some records a running record of the domain refers to."""

    def ask(records: list[UUID], today: date) -> QuerySet[Any, Any]:
        running = BY_NAME[domain].model._default_manager.filter(
            Q(**{f"{end}__isnull": True}) | Q(**{f"{end}__gte": today}),
            **{f"{name}__in": records, "record__state": GoldenState.ACTIVE},
        )
        return running.values_list(name).distinct()

    return Compiled(ask, records=[uuid4()], today=date(1, 2, 3))


_CHECKS: Mapping[str, Callable[[Domain, Veto, Sequence[Any]], str | None]] = {
    "differ": _differ,
    "above": _above,
    "open_in_both": _open_in_both,
}
