"""What of publishing waits for people, declared for the queue of all work."""

from mdm.work import WorkKind
from publishing.models import DifferenceKind

PARKED = WorkKind(
    name="parked",
    label="Parked delivery",
    plural="Parked deliveries",
    icon="mail",
    hours=24,
    rows="""
SELECT id::text AS key, domain, record_id, due_at AS since, NULL::timestamptz AS until,
       NULL::timestamptz AS parked_until, NULL::float8 AS score, NULL::bigint AS system_id, outcome_code AS reason,
       '' AS holder
FROM publishing_delivery WHERE state = 'parked'
""",
    details="""
SELECT d.id::text AS key, ARRAY[g.title] AS titles, ARRAY[g.code::text] AS codes,
       e.name || ': ' || coalesce(nullif(d.outcome, ''), d.outcome_code) AS why, ARRAY[d.id::text] AS place, '' AS query
FROM publishing_delivery d JOIN mdm_goldenrecord g ON g.id = d.record_id
JOIN publishing_endpoint e ON e.id = d.endpoint_id WHERE d.id = ANY(%(keys)s::bigint[])
""",
    page="publishing:delivery",
)

DRIFT = WorkKind(
    name="drift",
    label="Difference at a target",
    plural="Drift",
    icon="scale",
    hours=72,
    rows="""
SELECT d.id::text AS key, coalesce(g.domain, '') AS domain, d.record_id, d.found_at AS since,
       NULL::timestamptz AS until, NULL::timestamptz AS parked_until, NULL::float8 AS score,
       NULL::bigint AS system_id, d.kind AS reason, '' AS holder
FROM publishing_difference d LEFT JOIN mdm_goldenrecord g ON g.id = d.record_id WHERE d.state = 'open'
""",
    details="""
SELECT d.id::text AS key, ARRAY[coalesce(nullif(g.title, ''), d.their_id)] AS titles,
       ARRAY[coalesce(g.code, '')]::text[] AS codes,
       e.name || ': ' || CASE d.kind WHEN 'missing' THEN 'lacks the record.'
           WHEN 'extra' THEN 'has a record it was never given.' WHEN 'behind' THEN 'has an older version.'
           ELSE d.field || ' is otherwise there.' END AS why,
       ARRAY[e.code::text] AS place, 'difference=' || d.id AS query
FROM publishing_difference d JOIN publishing_endpoint e ON e.id = d.endpoint_id
LEFT JOIN mdm_goldenrecord g ON g.id = d.record_id WHERE d.id = ANY(%(keys)s::bigint[])
""",
    page="publishing:drift_of",
    reasons={str(kind): str(kind.label) for kind in DifferenceKind},
)
