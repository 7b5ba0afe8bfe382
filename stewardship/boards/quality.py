"""The board of quality: which live records break a rule, by domain, rule, source and facility."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection
from django.db.models import Count

from mdm.domains import DOMAINS
from mdm.models import GoldenRecord, GoldenState
from mdm.spec import Domain, Severity
from stewardship.work.failing import QUALITY
from stewardship.work.places import ROOTED

MOST = 25


@dataclass(frozen=True)
class QualityLine:
    """How many live records there are, and how many of them break a rule."""

    name: str
    label: str
    live: int
    failing: int

    @property
    def kept(self) -> float | None:
        """The share that keeps every rule; None where there is no record."""
        return 1 - self.failing / self.live if self.live else None

    @property
    def width(self) -> float:
        """The same for a bar, on 0..100."""
        return round(100 * (self.kept or 0.0), 2)


@dataclass(frozen=True)
class RuleLine:
    """A rule of a domain, with the records that wait for its sake first of all."""

    domain: Domain
    message: str
    severity: str
    failing: int


@dataclass(frozen=True)
class QualityBoard:
    """Everything on the board. ``without`` are the domains nothing is declared for."""

    domains: Sequence[QualityLine]
    rules: Sequence[RuleLine]
    sources: Sequence[QualityLine]
    facilities: Sequence[QualityLine]
    live: int
    failing: int
    without: Sequence[str]


_SOURCES = f"""
WITH failing AS MATERIALIZED (SELECT record_id FROM ({QUALITY.rows}) q),
known AS (
    SELECT DISTINCT s.system_id, l.record_id FROM mdm_link l JOIN mdm_sourcerecord s ON s.id = l.source_record_id
    JOIN mdm_goldenrecord g ON g.id = l.record_id AND g.state IN ('active', 'pending') WHERE l.ended_at IS NULL
)
SELECT y.code, y.name, count(*)::int, count(f.record_id)::int FROM known k
JOIN mdm_sourcesystem y ON y.id = k.system_id AND NOT y.internal LEFT JOIN failing f ON f.record_id = k.record_id
GROUP BY y.code, y.name ORDER BY 4 DESC, 2
"""
_FACILITIES = f"""
WITH RECURSIVE failing AS MATERIALIZED (SELECT record_id FROM ({QUALITY.rows}) q), {ROOTED}
SELECT g.code, g.title, count(*)::int AS live, count(f.record_id)::int AS failing FROM concerned c
JOIN mdm_goldenrecord r ON r.id = c.record_id AND r.state IN ('active', 'pending')
JOIN mdm_goldenrecord g ON g.id = c.root LEFT JOIN failing f ON f.record_id = c.record_id
GROUP BY g.code, g.title HAVING count(f.record_id) > 0 ORDER BY 4 DESC, 2 LIMIT {MOST}
"""


def board() -> QualityBoard:
    """Four queries. What a number counts is what the queue shows under its link."""
    live_states = [GoldenState.ACTIVE, GoldenState.PENDING]
    counted = GoldenRecord.objects.filter(state__in=live_states).values_list("domain").annotate(number=Count("pk"))
    live = dict(counted)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT domain, reason, count(*)::int FROM ({QUALITY.rows}) q GROUP BY domain, reason", {})
        failing = {(domain, message): number for domain, message, number in cursor.fetchall()}
        cursor.execute(_SOURCES, {})
        sources = [QualityLine(*row) for row in cursor.fetchall()]
        cursor.execute(_FACILITIES, {})
        facilities = [QualityLine(*row) for row in cursor.fetchall()]
    by_domain = {
        one.name: sum(number for (domain, _), number in failing.items() if domain == one.name) for one in DOMAINS
    }
    return QualityBoard(
        domains=[QualityLine(one.name, one.plural, live.get(one.name, 0), by_domain[one.name]) for one in DOMAINS],
        rules=_rules(failing),
        sources=sources,
        facilities=facilities,
        live=sum(live.values()),
        failing=sum(by_domain.values()),
        without=[one.plural for one in DOMAINS if not one.validations],
    )


def _rules(failing: dict[tuple[str, str], int]) -> list[RuleLine]:
    """Every rule that can be broken by a golden record, the most broken first; refused rows never become one."""
    found = [
        RuleLine(one, rule.message, str(rule.severity), failing.get((one.name, rule.message), 0))
        for one in DOMAINS
        for rule in one.validations
        if rule.severity is not Severity.REFUSE
    ]
    return sorted(found, key=lambda line: -line.failing)
