"""The kinds of work that stewardship and the rooms below it keep. Publishing declares its own beside this."""

from dataclasses import replace

from matching.models import MisfitCause
from mdm.domains import DOMAINS
from mdm.work import WorkKind
from stewardship.work.expiring import EXPIRING as EXPIRING
from stewardship.work.failing import QUALITY as QUALITY

# How colleagues' opinions of a question stand.
_SAID = """
SELECT candidate_id, CASE
    WHEN bool_or(verdict = 'same') AND bool_or(verdict = 'different') THEN 'differ'
    WHEN bool_or(given_at IS NULL) THEN 'asked'
    WHEN count(*) > 1 AND bool_and(verdict <> 'unsure') THEN 'agree' ELSE 'given' END AS said
FROM stewardship_opinion WHERE withdrawn_at IS NULL GROUP BY candidate_id
"""
_OPINIONS = {
    "differ": "Opinions differ",
    "asked": "Opinion asked for",
    "agree": "Opinions agree",
    "given": "One opinion",
}
_CANDIDATE = f"""
SELECT id::text AS key, domain, NULL::uuid AS record_id, created_at AS since, NULL::timestamptz AS until,
       snoozed_until AS parked_until, score, NULL::bigint AS system_id,
       coalesce(said, CASE WHEN reported THEN 'reported' WHEN sampled THEN 'sampled' ELSE '' END) AS reason,
       CASE WHEN claimed_until > now() THEN claimed_by ELSE '' END AS holder
FROM matching_matchcandidate LEFT JOIN ({_SAID}) o ON candidate_id = id
WHERE kind = '{{kind}}' AND state = '{{state}}'
"""
# Open and skipped ones apart: each half has an index of its own.
_CANDIDATES = f"{_CANDIDATE} UNION ALL {_CANDIDATE.replace('{state}', 'skipped')}".replace("{state}", "open")
_CANDIDATE_DETAILS = """
SELECT c.id::text AS key, m.titles, m.codes, c.sentence AS why, ARRAY[c.id::text] AS place, '' AS query
FROM matching_matchcandidate c CROSS JOIN LATERAL (
    SELECT array_agg(g.title ORDER BY g.suspected, g.code) AS titles,
           array_agg(g.code::text ORDER BY g.suspected, g.code) AS codes
    FROM matching_candidatemember n JOIN mdm_goldenrecord g ON g.id = n.record_id
    WHERE n.candidate_id = c.id AND g.state <> 'merged') m
WHERE c.id = ANY(%(keys)s::bigint[])
"""
_MEMBERS = "SELECT candidate_id::text AS key, record_id FROM matching_candidatemember"

DUPLICATES = WorkKind(
    name="duplicates",
    label="Possible duplicate",
    plural="Possible duplicates",
    icon="git-merge",
    hours=72,
    rows=_CANDIDATES.replace("{kind}", "resemblance"),
    details=_CANDIDATE_DETAILS,
    members=_MEMBERS,
    page="stewardship:review",
    reasons={"": "Found by matching", "reported": "Reported by a person", "sampled": "Random check"} | _OPINIONS,
)

CONFLICTS = replace(
    DUPLICATES,
    name="conflicts",
    label="Conflict inside a record",
    plural="Conflicts",
    icon="arrows-split",
    rows=_CANDIDATES.replace("{kind}", "conflict"),
)

_MISFIT = f"""
SELECT c.id::text AS key, c.domain, l.record_id, c.created_at AS since, NULL::timestamptz AS until,
       c.snoozed_until AS parked_until, c.score, s.system_id, coalesce(o.said, m.cause) AS reason,
       CASE WHEN c.claimed_until > now() THEN c.claimed_by ELSE '' END AS holder
FROM matching_matchcandidate c JOIN matching_misfit m ON m.candidate_id = c.id
JOIN mdm_sourcerecord s ON s.id = c.source_record_id
LEFT JOIN mdm_link l ON l.source_record_id = s.id AND l.ended_at IS NULL
LEFT JOIN ({_SAID}) o ON o.candidate_id = c.id
WHERE c.source_record_id IS NOT NULL AND c.state IN ('open', 'skipped')
"""

MISFITS = WorkKind(
    name="misfits",
    label="No longer fits",
    plural="No longer fit",
    icon="unlink",
    hours=48,
    rows=_MISFIT,
    details=_CANDIDATE_DETAILS,
    page="stewardship:review",
    reasons=dict(MisfitCause.choices) | _OPINIONS,
)

QUARANTINE = WorkKind(
    name="quarantine",
    label="Row in quarantine",
    plural="Quarantined rows",
    icon="alert-triangle",
    hours=48,
    rows="""
SELECT r.id::text AS key, f.domain, NULL::uuid AS record_id, b.received_at AS since, NULL::timestamptz AS until,
       NULL::timestamptz AS parked_until, NULL::float8 AS score, f.system_id, f.title AS reason, '' AS holder
FROM mdm_sourcerow r JOIN mdm_batch b ON b.id = r.batch_id JOIN mdm_feed f ON f.id = b.feed_id
WHERE r.state = 'quarantined'
""",
    details="""
SELECT r.id::text AS key, ARRAY[b.file_name || ', line ' || r.line] AS titles, ARRAY[r.key]::text[] AS codes,
       (SELECT string_agg(p->>'message', ' ') FROM jsonb_array_elements(r.problems) p) AS why,
       ARRAY[r.id::text] AS place, '' AS query
FROM mdm_sourcerow r JOIN mdm_batch b ON b.id = r.batch_id WHERE r.id = ANY(%(keys)s::bigint[])
""",
    page="stewardship:quarantined_row",
)

_TITLES = " ".join(f"WHEN '{domain.name}' THEN r.values->>'{domain.title}'" for domain in DOMAINS)

REQUESTS = WorkKind(
    name="requests",
    label="Change request",
    plural="Change requests",
    icon="git-pull-request",
    hours=24,
    rows="""
SELECT id::text AS key, domain, record_id, requested_at AS since, NULL::timestamptz AS until,
       NULL::timestamptz AS parked_until, NULL::float8 AS score, NULL::bigint AS system_id,
       CASE WHEN suggested THEN 'suggested' WHEN base_version = 0 THEN 'new' ELSE 'change' END AS reason, '' AS holder
FROM stewardship_changerequest WHERE state = 'open'
""",
    details="""
SELECT r.id::text AS key, ARRAY[coalesce(nullif(g.title, ''), {title}, 'New record')] AS titles,
       ARRAY[coalesce(g.code, '')]::text[] AS codes,
       r.reason AS why, ARRAY[r.id::text] AS place, '' AS query
FROM stewardship_changerequest r LEFT JOIN mdm_goldenrecord g ON g.id = r.record_id
WHERE r.id = ANY(%(keys)s::uuid[])
""".replace("{title}", f"CASE r.domain {_TITLES} END"),
    page="stewardship:request",
    reasons={"new": "New record", "change": "Change", "suggested": "Suggested"},
)
