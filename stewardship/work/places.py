"""Which golden records concern a facility, as SQL made of the references the domains declare.

A facility concerns itself and everything below it in the tree. Of other records it concerns those that refer to one of
these (a cost center, a contract by its eligible facilities), and those such a record names in turn: its supplier, the
items of its lines.
"""

from collections.abc import Sequence

from mdm.domains import DOMAINS
from mdm.domains.facilities import FACILITY
from mdm.models import GoldenRecord
from mdm.spec import Attribute, Domain, Kind


def _references(domain: Domain) -> list[tuple[str, Attribute]]:
    """(table, attribute) of everything the domain refers to."""
    own = [(domain.model._meta.db_table, attribute) for attribute in domain.attributes]
    parts = [(part.model._meta.db_table, attribute) for part in domain.parts for attribute in part.attributes]
    return [(table, attribute) for table, attribute in own + parts if attribute.kind is Kind.REFERENCE]


def _concerned(begin: str, root: str) -> str:
    """Three expressions, the last of them ``concerned``; ``root`` is "" or the column that says whose tree it is."""
    more, near_root = (f", {root}", f", p.{root}") if root else ("", "")
    near, far = [f"SELECT id AS record_id{more} FROM below"], [f"SELECT record_id{more} FROM near"]
    for domain in DOMAINS:
        if domain is FACILITY:
            continue
        to_place = [one for one in _references(domain) if one[1].references == FACILITY.name]
        others = [one for one in _references(domain) if one[1].references not in (FACILITY.name, domain.name)]
        for table, attribute in to_place:
            near.append(f"SELECT v.record_id{near_root} FROM {table} v JOIN below p ON p.id = v.{attribute.name}_id")
        for table, attribute in others if to_place else ():
            column = f"v.{attribute.name}_id"
            far.append(
                f"SELECT {column}{more and f', n.{root}'} FROM {table} v JOIN near n ON n.record_id = v.record_id "
                f"WHERE {column} IS NOT NULL"
            )
    table = FACILITY.model._meta.db_table
    return f"""
below AS (
    {begin}
    UNION
    SELECT f.record_id{more and f", below.{root}"} FROM below JOIN {table} f ON f.parent_id = below.id
), near AS ({" UNION ".join(near)}), concerned AS ({" UNION ".join(far)})
"""


_CHOSEN = f"SELECT id FROM mdm_goldenrecord WHERE code = ANY(%(places)s) AND domain = '{FACILITY.name}'"
_EVERY = f"SELECT id, id AS root FROM mdm_goldenrecord WHERE state = 'active' AND domain = '{FACILITY.name}'"
# Selects the record_id of everything that concerns the facilities whose codes are %(places)s.
CONCERNED = f"WITH RECURSIVE {_concerned(_CHOSEN, '')} SELECT record_id FROM concerned"
# Expressions ending in ``concerned`` (record_id, root): the same for every facility at once.
ROOTED = _concerned(_EVERY, "root")

MOST = 300


def choices(levels: Sequence[str]) -> list[tuple[str, str]]:
    """(code, name) of the facilities of these levels, by name; at most 300. One query."""
    rows = GoldenRecord.objects.filter(domain=FACILITY.name, state="active", facility__level__in=levels)
    return list(rows.order_by("title").values_list("code", "title")[:MOST])
