"""Records that break a rule of quality, as SQL made of the declarations: whatever is declared is looked for.

Rules that hold a record leave their messages on it; of those that only warn, the rows that break them are found anew.
"""

from collections.abc import Sequence
from itertools import pairwise

from mdm.domains import DOMAINS
from mdm.quality import of_rows, part_of
from mdm.spec import Attribute, Domain, Kind, Severity, Validation
from mdm.work import WorkKind
from stewardship.work.sql import SLUG, quoted


def _blank(attribute: Attribute) -> str:
    column = f"v.{attribute.name}_id" if attribute.kind is Kind.REFERENCE else f"v.{attribute.name}"
    typed = attribute.kind in (Kind.REFERENCE, Kind.DATE, Kind.DECIMAL, Kind.INTEGER, Kind.BOOLEAN)
    return f"{column} IS NULL" if typed else f"coalesce({column}, '') = ''"


def broken(rule: Validation, attributes: Sequence[Attribute]) -> str:
    """A condition over the table ``v`` that is true of the rows breaking the rule; "" where SQL has no word for it.

    Placeholders are judged when a record is written, and then hold it: no other reader needs them here.
    """
    known = {attribute.name: attribute for attribute in attributes}
    asked = [known[name] for name in rule.attributes]
    columns = [f"v.{attribute.name}" for attribute in asked]
    match rule.check:
        case "required":
            return f"({' OR '.join(_blank(attribute) for attribute in asked)})"
        case "at_least_one":
            return f"({' AND '.join(_blank(attribute) for attribute in asked)})"
        case "dates_in_order":
            pairs = pairwise(columns)
            return f"({' OR '.join(f'{earlier} > {later}' for earlier, later in pairs)})"
        case "not_negative":
            return f"({' OR '.join(f'{column} < 0' for column in columns)})"
        case "positive":
            return f"({' OR '.join(f'{column} <= 0' for column in columns)})"
        case _:
            return ""


def warned(domain: Domain) -> str:
    """(record_id, message) of every live record of the domain that breaks a rule that warns; "" where none can be."""
    found = []
    for rule in domain.validations:
        if rule.severity is not Severity.WARN:
            continue
        part = next((part for part in domain.parts if part.name == part_of(rule)), None)
        model = part.model if part else domain.model
        asked = of_rows(rule) if part else rule
        if condition := broken(asked, part.attributes if part else domain.attributes):
            found.append(
                f"SELECT DISTINCT v.record_id, {quoted(rule.message)}::text AS message "
                f"FROM {model._meta.db_table} v WHERE {condition}"
            )
    return " UNION ALL ".join(found)


def held_and_warned() -> str:
    """(record_id, message) of every live record and each rule it breaks."""
    domains = ", ".join(quoted(domain.name) for domain in DOMAINS)
    held = f"""
SELECT h.id AS record_id, m.message FROM mdm_goldenrecord h, jsonb_array_elements_text(h.held_by) AS m(message)
WHERE h.domain IN ({domains}) AND h.state = 'pending'
"""
    return " UNION ALL ".join(text for text in (held, *(warned(domain) for domain in DOMAINS)) if text)


# One piece of work for a record, whatever number of rules it breaks. A held one waits since it came, any other since
# it last changed.
QUALITY = WorkKind(
    name="quality",
    label="Rule of quality",
    plural="Quality failures",
    icon="shield-check",
    hours=120,
    rows=f"""
SELECT g.id::text AS key, g.domain, g.id AS record_id,
       CASE WHEN g.state = 'pending' THEN g.created_at ELSE g.updated_at END AS since, NULL::timestamptz AS until,
       NULL::timestamptz AS parked_until, NULL::float8 AS score, NULL::bigint AS system_id, q.message AS reason,
       '' AS holder
FROM (SELECT record_id, min(message) AS message FROM ({held_and_warned()}) f GROUP BY record_id) q
JOIN mdm_goldenrecord g ON g.id = q.record_id WHERE g.state IN ('active', 'pending')
""",
    details=f"""
SELECT g.id::text AS key, ARRAY[g.title] AS titles, ARRAY[g.code::text] AS codes,
       string_agg(q.message, ' ' ORDER BY q.message) AS why, ARRAY[{SLUG}, g.code] AS place, '' AS query
FROM ({held_and_warned()}) q JOIN mdm_goldenrecord g ON g.id = q.record_id
WHERE g.id = ANY(%(keys)s::uuid[]) GROUP BY g.id
""",
    page="stewardship:record",
)
