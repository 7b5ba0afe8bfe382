"""What ends soon, or ended lately: the dates the domains declare, one piece of work for a record and such a date."""

from mdm.domains import DOMAINS
from mdm.spec import Domain, Expiry
from mdm.work import WorkKind
from stewardship.work.sql import SLUG, quoted


def _ending(domain: Domain, expiry: Expiry) -> str:
    """(record_id, which, label, day, number, ahead) of the records of whom something ends in this time."""
    owner, dot, name = expiry.attribute.rpartition(".")
    part = next((part for part in domain.parts if part.name == owner), None)
    model = part.model if part and dot else domain.model
    return f"""
SELECT v.record_id, {quoted(expiry.attribute)}::text AS which, {quoted(expiry.label)}::text AS label,
       min(v.{name}) AS day, count(*) AS number, {expiry.ahead} AS ahead
FROM {model._meta.db_table} v
WHERE v.{name} BETWEEN current_date - {expiry.behind} AND current_date + {expiry.ahead}
GROUP BY v.record_id
"""


ENDING = " UNION ALL ".join(_ending(domain, expiry) for domain in DOMAINS for expiry in domain.expiries)

EXPIRING = WorkKind(
    name="expiring",
    label="Ends soon",
    plural="Ending soon",
    icon="calendar",
    hours=24 * 30,
    rows=f"""
SELECT g.id || ':' || e.which AS key, g.domain, g.id AS record_id,
       (e.day - e.ahead)::timestamp AT TIME ZONE 'UTC' AS since, (e.day + 1)::timestamp AT TIME ZONE 'UTC' AS until,
       NULL::timestamptz AS parked_until, NULL::float8 AS score, NULL::bigint AS system_id, e.label AS reason,
       '' AS holder
FROM ({ENDING}) e JOIN mdm_goldenrecord g ON g.id = e.record_id WHERE g.state IN ('active', 'pending')
""",
    details=f"""
SELECT g.id || ':' || e.which AS key, ARRAY[g.title] AS titles, ARRAY[g.code::text] AS codes,
       e.label || ' on ' || to_char(e.day, 'FMDD Mon YYYY') || CASE WHEN e.number > 1 THEN
       ' (the first of ' || e.number || ')' ELSE '' END || '.' AS why, ARRAY[{SLUG}, g.code] AS place, '' AS query
FROM ({ENDING}) e JOIN mdm_goldenrecord g ON g.id = e.record_id
WHERE g.id || ':' || e.which = ANY(%(keys)s::text[])
""",
    page="stewardship:record",
)
