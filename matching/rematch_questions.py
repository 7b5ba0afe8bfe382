"""Open questions other rules would no longer ask."""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from matching import lookup
from matching.known import Scored
from matching.models import CandidateKind, CandidateMember, CandidateState, MatchPair
from matching.scoring import bits_of, shares
from mdm.spec import Domain


def fading(
    domain: Domain, seeds: Collection[UUID], *, before: datetime, table: str = lookup.KEYS
) -> dict[int, set[UUID]]:
    """Open questions asked before, held by nobody, about one of these golden records, none of whose pairs reaches the
    limit for asking under these rules: {candidate: the golden records of its pairs}. Five queries.

    What concerns a record known by name only, one matching has not read, was drawn at random or reported by a person,
    stays asked.
    """
    about = CandidateMember.objects.filter(
        record__in=list(seeds),
        candidate__state=CandidateState.OPEN,
        candidate__kind=CandidateKind.RESEMBLANCE,
        candidate__claimed_by="",
        candidate__sampled=False,
        candidate__reported=False,
        candidate__created_at__lt=before,
    ).values("candidate")
    pairs: dict[int, list[tuple[int, int]]] = defaultdict(list)
    members: dict[int, set[UUID]] = defaultdict(set)
    columns = ("candidate_id", "left_source_id", "right_source_id", "left_record_id", "right_record_id")
    for candidate, left, right, *records in MatchPair.objects.filter(candidate__in=about).values_list(*columns):
        pairs[candidate].append((left, right))
        members[candidate].update(records)
    if not pairs:
        return {}
    known = lookup.load({pk for found in pairs.values() for pair in found for pk in pair})
    counts = lookup.shared_texts(domain, known.values(), table) if known else {}
    scored = Scored(domain.matching, known, shares(counts))
    limit = bits_of(domain.matching.review)
    return {
        candidate: members[candidate]
        for candidate, found in pairs.items()
        if all(a in known and b in known and not (known[a].stub or known[b].stub) for a, b in found)
        and max(scored.score(a, b).bits for a, b in found) < limit
    }
