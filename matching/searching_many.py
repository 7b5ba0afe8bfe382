"""Search before create for many records at once, as a list is checked. Writes nothing.

By blocking keys alone, as for records that arrive: what is found is what matching would compare them with. A fixed
number of queries, whatever is asked.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from matching import lookup
from matching.blocking import keys
from matching.features import Features
from matching.known import Known, Scored
from matching.rules import in_force
from matching.searching import (
    Searched,
    Sharing,
    commonness,
    counted,
    features_of,
    held,
    linked,
    nearest,
    nothing_given,
    sharing_of,
    told,
    what_becomes,
    with_new,
)
from mdm.spec import Domain

MEMBERS = 30  # source records read of each golden record found, on average

Row = tuple[Mapping[str, Any], Mapping[str, Sequence[Mapping[str, Any]]]]


def search_many(domain: Domain, rows: Sequence[Row], limit: int = 3) -> list[Searched]:
    """For each (standardised values, parts) the golden records it may mean, likest first; all are answered in order.

    ``rows`` are held in memory with whom they look like: give a few hundred at a time.
    """
    domain = in_force(domain)
    asked = [features_of(domain.matching, values, parts) for values, parts in rows]
    by_key = held(list({key for features in asked for _, key in keys(domain, features)}), domain.matching.block_cap)
    sharing = [sharing_of(domain, features, by_key) for features in asked]
    known = lookup.load({pk for one in sharing for pk in one.records})
    counts = counted({key for one in sharing for key in one.crowded})
    scored = [_scored(domain, features, shared, known, counts) for features, shared in zip(asked, sharing, strict=True)]
    near = [nearest(one, limit) for one in scored]
    wanted = list({golden for listed in near for golden in listed})
    members = linked(wanted, MEMBERS * len(wanted))
    answers = []
    for features, one, listed, shared in zip(asked, scored, near, sharing, strict=True):
        if not features:
            answers.append(nothing_given(domain))
            continue
        found = [alike for alike in told(one, {g: members[g] for g in listed if g in members}) if alike.band != "new"]
        looked = len(one.known) - 1
        answers.append(
            Searched(tuple(found), what_becomes(domain.matching, found), looked, tuple(shared.left_out), domain)
        )
    return answers


def _scored(
    domain: Domain, features: Features, sharing: Sharing, known: Mapping[int, Known], counts: Mapping[int, int]
) -> Scored:
    chosen = {pk: known[pk] for pk in sharing.records if pk in known and known[pk].golden}
    return Scored(domain.matching, with_new(chosen, features), commonness(domain, features, sharing, counts))
