"""Random checks: links matching made and pairs just short of a question, put to people so that figures can be known."""

import random
from collections.abc import Collection, Iterable
from uuid import UUID

from django.db import connection

from matching import asking, lookup
from matching.asking import Drawn
from matching.known import Scored
from matching.measured import MADE
from matching.models import CandidateKind, CandidateMember, CandidateState, KnownNonMatch, MatchCandidate
from matching.rules import in_force
from matching.sampling import take
from matching.scoring import shares
from mdm.errors import Refused
from mdm.retrying import atomic
from mdm.spec import Domain

MOST = 500
_GONE = (CandidateState.WITHDRAWN, CandidateState.SUPERSEDED)


@atomic
def ask(*, domain: Domain, links: int, near: int, seed: int | None = None) -> int:
    """Put so many random links and so many random near pairs into the queue. Returns how many there were to ask about.

    What is or was asked is not drawn again. A link is asked as *does this belong together*, a near pair as any
    possible duplicate; no record waits for the answer. Raises Refused for more than MOST.
    """
    if not 0 < links + near <= MOST or min(links, near) < 0:
        raise Refused(f"Between 1 and {MOST} can be drawn at a time.", "Choose another number.")
    domain = in_force(domain)
    chosen = random.randrange(2**31) if seed is None else seed  # noqa: S311 - a sample, no secret
    asked = asking.ask_drawn(domain, CandidateKind.CONFLICT, _links(domain, links, chosen)) if links else 0
    return asked + (asking.ask_drawn(domain, CandidateKind.RESEMBLANCE, _near(domain, near, chosen)) if near else 0)


def _links(domain: Domain, number: int, seed: int) -> list[Drawn]:
    """Random links matching made by itself that stand, of records nobody is or was asked about in this way."""
    asked = MatchCandidate.objects.filter(kind=CandidateKind.CONFLICT, domain=domain.name).exclude(state__in=_GONE)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            {MADE}
            SELECT DISTINCT ON (place, made.record_id) made.one, made.other, made.record_id,
              hashint8extended(hashtext(made.record_id::text), %s) AS place
            FROM made
            JOIN mdm_link b ON b.source_record_id = made.other AND b.ended_at IS NULL AND b.record_id = made.record_id
            WHERE made.ended_at IS NULL AND NOT (made.record_id = ANY(%s))
            ORDER BY place, made.record_id, hashint8extended(made.one, %s) LIMIT %s
            """,  # noqa: S608 - the statement is ours
            [domain.name, seed, list(asked.values_list("members__record", flat=True)), seed, number],
        )
        rows = [(one, other, golden) for one, other, golden, _ in cursor.fetchall()]
    known = lookup.load({pk for row in rows for pk in row[:2]})
    shared = shares(lookup.shared_texts(domain, known.values())) if known else shares({})
    scored = Scored(domain.matching, known, shared)
    return [
        Drawn((golden, golden), (one, other), scored.score(one, other))
        for one, other, golden in rows
        if one in known and other in known
    ]


def _near(domain: Domain, number: int, seed: int) -> list[Drawn]:
    """Random pairs of golden records that nearly were questions and about which nobody said anything."""
    found = take(domain, seed=seed).near()
    spoken = _asked_about(found) | _ruled_out(found.values())
    free = sorted((both for both in found if both not in spoken), key=sorted)
    random.Random(seed).shuffle(free)  # noqa: S311 - a sample, no secret
    return [found[both] for both in free[:number]]


def _asked_about(pairs: Collection[frozenset[UUID]]) -> set[frozenset[UUID]]:
    records = {record for both in pairs for record in both}
    members: dict[int, set[UUID]] = {}
    for candidate, record in CandidateMember.objects.filter(record__in=records).values_list(
        "candidate_id", "record_id"
    ):
        members.setdefault(candidate, set()).add(record)
    return {both for both in pairs if any(both <= inside for inside in members.values())}


def _ruled_out(found: Iterable[Drawn]) -> set[frozenset[UUID]]:
    sources = {pk for one in found for pk in one.sources}
    standing = KnownNonMatch.objects.filter(
        first__in=sources,
        second__in=sources,
        withdrawn_at__isnull=True,
        first__links__isnull=False,
        second__links__isnull=False,
    )
    return {frozenset(pair) for pair in standing.values_list("first__links__record", "second__links__record")}
