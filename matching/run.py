"""Claim waiting source records, decide them, and have mastering write what was decided.

The state of the source records is the queue: what a crashed run leaves behind simply still waits.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import DataError, IntegrityError, connection, transaction
from django.db.models import Model

from matching import asking, lookup, misfits, models
from matching.arriving import claim_few, few_wait
from matching.deciding import Decisions, Joined, decide
from matching.known import Known, Pair, Scored
from matching.locking import deciding, hold
from matching.outcome import Outcome as Outcome
from matching.preparing import FEW, prepare
from matching.rules import in_force
from matching.scoring import bits_of, sentence, shares
from mdm import mastering
from mdm.cause import Cause
from mdm.domains import DOMAINS
from mdm.errors import Invalid, Refused, WrongState
from mdm.intake.turning_back import turn_back
from mdm.mastering import LinkTo, NewRecord
from mdm.models import GoldenState, Link, LinkMethod, SourceRecord, SourceReference, SourceState
from mdm.planning import by_index, keep_statistics
from mdm.retrying import atomic
from mdm.spec import Domain
from mdm.undisturbed import undisturbed

BATCH = 1000
PARTS = 5  # how many times as many part rows make a batch
# A batch takes along waiting records that resemble its own, so that groups do not depend on where batches end.
_HOPS = 3
_ATTEMPTS = 3
_MOVED = (WrongState, Refused)
# What the content of one record can bring about; a lost connection or a deadlock is not among them.
_FAULTS = (*_MOVED, Invalid, DataError, IntegrityError, ValueError, ArithmeticError)


@dataclass(frozen=True)
class _Step:
    """``claim`` locks up to a batch of what waits, or one source record alone; ``decide`` has it mastered."""

    claim: Callable[[Domain, int | None], dict[int, UUID | None]]
    decide: Callable[[Domain, dict[int, UUID | None], Cause, int], Outcome]


def match(
    domain: Domain, cause: Cause, *, everything: bool = True, call_help: Callable[[], None] | None = None
) -> Outcome:
    """Decide everything of one domain that waits and can be decided now.

    Without ``everything`` it does not look for records out of date beyond those that wait (``prepare``). Commits batch
    by batch; any number may run at once, and where much waits they work at the same time: while one writes what it
    decided, the next one decides. ``call_help`` is called once where that is so. Run again it finds nothing to do.
    """
    total = Outcome()
    if not everything and _at_once(domain, cause, total):
        return total
    much = prepare(domain, everything=everything, call_help=call_help) >= BATCH
    codes: list[str] = []
    while True:
        if much:
            keep_statistics(_filled(domain))
        done = _beside_others(domain, cause, codes) if much else None
        if done is None:
            done = _take_turn(_Step(_claim, _decide), domain, cause)
        if done.nothing:
            break
        total.add(done)
        much = done.decided * 2 >= BATCH and not done.refreshed
    mastering.give_back_codes(domain, codes)
    while not (done := _take_turn(_Step(_claim_parts, _follow), domain, cause)).nothing:
        total.add(done)
    return total


def _filled(domain: Domain) -> list[type[Model]]:
    """What batches write to and look rows up in by more than their primary key."""
    return [SourceRecord, SourceReference, Link, *(part.model for part in domain.parts), *models.FILLED]


def _at_once(domain: Domain, cause: Cause, total: Outcome) -> bool:
    """Where little waits, all of it in one transaction. Whether that was all there is to do."""
    if not few_wait(domain):  # asked first, so that nobody who works on much is held up
        return False
    try:
        with undisturbed():
            done, whole = _few(domain, cause)
    except _FAULTS:
        return False  # turn by turn it is found out which record it is
    total.add(done)
    return whole


@atomic
def _few(domain: Domain, cause: Cause) -> tuple[Outcome, bool]:
    hold(domain)
    domain = in_force(domain)
    few = claim_few(domain)
    if few is None:
        return Outcome(), False
    done = _decide(domain, few.claimed, cause, _HOPS) if few.claimed else Outcome()
    rows = _claim_parts(domain, None) if few.parts else {}
    if rows:
        done.add(_follow(domain, rows, cause, 1))
    return done, len(rows) < PARTS * BATCH


def _beside_others(domain: Domain, cause: Cause, codes: list[str]) -> Outcome | None:
    """One batch of newcomers, written while others decide. None where that cannot be: the batch has to be had alone.

    ``codes`` are those taken for golden records to come: taken by themselves, nobody waits for them until the end.
    """
    if len(codes) < BATCH:
        codes += mastering.take_codes(domain, 2 * BATCH)
    try:
        with undisturbed():
            return _once_beside(domain, cause, codes)
    except _FAULTS:
        return None


@atomic
def _once_beside(domain: Domain, cause: Cause, codes: list[str]) -> Outcome | None:
    by_index()
    with deciding(domain), transaction.atomic():
        domain = in_force(domain)
        claimed = _claim(domain, None)
        if any(claimed.values()):
            return None
        found = _gather(domain, set(claimed), set(), _HOPS, beside=True)
    if claimed and not any(one.golden is None for one in found[0].values()):
        return None
    outcome = _judge(domain, *found, cause, codes)
    del codes[: outcome.created]
    return outcome


def _take_turn(step: _Step, domain: Domain, cause: Cause) -> Outcome:
    """One batch in one transaction; where something in it cannot be mastered, each of its records in one of its own."""
    try:
        with undisturbed():
            return _attempt(step, domain, cause)
    except _FAULTS:
        with transaction.atomic():
            claimed = step.claim(domain, None)
        total = Outcome()
        for pk in claimed:
            total.add(_alone(step, domain, cause, pk))
        return total


def _attempt(step: _Step, domain: Domain, cause: Cause, alone: int | None = None) -> Outcome:
    """One transaction, begun anew when a person merged or linked what it had just read."""
    for attempt in range(_ATTEMPTS):
        try:
            return _once(step, domain, cause, alone)
        except _MOVED:
            if attempt + 1 == _ATTEMPTS:
                raise
    return Outcome()


@atomic
def _once(step: _Step, domain: Domain, cause: Cause, alone: int | None) -> Outcome:
    hold(domain)
    domain = in_force(domain)  # asked under the lock: approved rules hold from one batch to the next
    claimed = step.claim(domain, alone)
    if len(claimed) > FEW:
        by_index()
    return step.decide(domain, claimed, cause, _HOPS if alone is None else 1) if claimed else Outcome()


def _alone(step: _Step, domain: Domain, cause: Cause, pk: int) -> Outcome:
    try:
        return _attempt(step, domain, cause, pk)
    except _FAULTS as error:
        turn_back(source_record_id=pk, reason=str(error).partition("\n")[0][:300])
        return Outcome(turned_back=1)


def match_all(cause: Cause) -> dict[str, Outcome]:
    """Every domain, whoever is referred to first."""
    return {domain.name: match(domain, cause) for domain in DOMAINS}


def waiting_domains() -> list[Domain]:
    """Domains in which a source record waits; a part row waiting for its parent counts too."""
    names = set(SourceRecord.objects.filter(state=SourceState.WAITING).values_list("domain", flat=True).distinct())
    return [domain for domain in DOMAINS if domain.name in names]


def _decide(domain: Domain, claimed: dict[int, UUID | None], cause: Cause, hops: int) -> Outcome:
    changed = {pk for pk, golden in claimed.items() if golden}
    newcomers = set(claimed) - changed
    outcome = _judge(domain, *_gather(domain, newcomers, changed, hops), cause, changed=changed)
    if changed:
        mastering.refresh(record_ids={golden for golden in claimed.values() if golden}, cause=cause)
        _mark_read(claimed)
        outcome.refreshed = len(changed)
    return outcome


def _claim(domain: Domain, alone: int | None) -> dict[int, UUID | None]:
    """Up to a batch of waiting records, locked, oldest first, each with the golden record it is linked to."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.id, (SELECT l.record_id FROM mdm_link l WHERE l.source_record_id = s.id AND l.ended_at IS NULL)
            FROM mdm_sourcerecord s JOIN matching_prepared p ON p.source_record_id = s.id
            WHERE s.domain = %(domain)s AND s.state = 'waiting' AND s.part = '' AND p.content_hash = s.content_hash
              AND (%(alone)s::bigint IS NULL OR s.id = %(alone)s)
            ORDER BY s.id LIMIT %(batch)s FOR NO KEY UPDATE OF s SKIP LOCKED
            """,
            {"domain": domain.name, "alone": alone, "batch": BATCH},
        )
        return dict(cursor.fetchall())


def _gather(
    domain: Domain, newcomers: set[int], changed: set[int], hops: int, *, beside: bool = False
) -> tuple[dict[int, Known], set[Pair]]:
    """The claimed records, what they resemble, and the rest of the golden records those belong to; and the pairs of
    them that are worth a closer look. Commonness, which only takes away, is not known yet: this errs towards looking.

    ``beside``: what has to do with records that others are deciding or changing now is left out, to be decided later.
    """
    seen: set[Pair] = set()
    alike: set[Pair] = set()
    known: dict[int, Known] = {}
    scored = Scored(domain.matching, known, shares({}))
    fresh = newcomers | changed
    for hop in range(hops):
        found = lookup.pairs_of(domain, fresh) - seen
        seen |= found
        ids = {pk for pair in found for pk in pair} | fresh
        known |= lookup.load(ids - known.keys(), changed)
        close = scored.near((a, b) for a, b in found if a in known and b in known)
        alike |= close
        beyond = {b if a in newcomers or a in changed else a for a, b in close}
        unclaimed = {pk for pk in beyond if known[pk].golden is None and pk not in newcomers}
        fresh = lookup.waiting_among(unclaimed) if unclaimed and hop + 1 < hops else set()
        newcomers |= fresh
        if not fresh:
            break
    if beside:
        newcomers -= _out_of_reach(domain, newcomers, known, alike)
    # Whoever waits and was not taken along is decided later, and then sees what was decided now.
    known = {pk: one for pk, one in known.items() if one.golden or pk in newcomers}
    near = {pk for a, b in alike if a in known and b in known for pk in (a, b)}
    golden = {one.golden for pk, one in known.items() if one.golden and (pk in near or one.probe)}
    known = {pk: one for pk, one in known.items() if one.golden is None or one.golden in golden}
    known |= lookup.load(lookup.members_of(golden) - known.keys(), changed)
    return known, {(a, b) for a, b in alike if a in known and b in known}


def _out_of_reach(domain: Domain, newcomers: set[int], known: Mapping[int, Known], alike: set[Pair]) -> set[int]:
    """Newcomers that hang together, by whatever they resemble, with a record others have in hand.

    All the rest of what this batch may touch is locked from here on: whoever decides next finds it in other hands.
    """
    mastering.take_turn(relinking=[domain.name], beside=not mastering.refer_within(domain, newcomers))
    near: dict[Hashable, set[Hashable]] = defaultdict(set)
    for a, b in alike:
        homes = [known[pk].golden or pk for pk in (a, b)]
        near[homes[0]].add(homes[1])
        near[homes[1]].add(homes[0])
    golden = {one for one in near if isinstance(one, UUID)}
    waiting = {one for one in near if isinstance(one, int) and one not in newcomers}
    queue: list[Hashable] = [*lookup.golden_in_other_hands(golden), *lookup.in_other_hands(waiting)]
    reached = set(queue)
    while queue:
        fresh = near[queue.pop()] - reached
        reached |= fresh
        queue += fresh
    return newcomers & reached


def _judge(
    domain: Domain,
    known: Mapping[int, Known],
    pairs: set[Pair],
    cause: Cause,
    codes: Sequence[str] | None = None,
    *,
    changed: Collection[int] = (),
) -> Outcome:
    """Decide these records and have it written; beside others where ``codes`` were taken for that."""
    # Whoever resembles nobody is never scored.
    paired = {pk for pair in pairs for pk in pair}
    compared = {pk: one for pk, one in known.items() if pk in paired or one.golden or one.stub}
    common = lookup.shared_texts(domain, compared.values())
    scored = Scored(domain.matching, known, shares(common), lookup.ruled_out(compared))
    outcome = _apply(domain, scored, decide(scored, pairs), cause, codes)
    outcome.asked += misfits.judge(domain, scored, changed, cause)
    review = bits_of(domain.matching.review)
    outcome.respected = sum(scored.score(a, b).bits >= review for a, b in scored.apart)
    return outcome


def _apply(domain: Domain, scored: Scored, decisions: Decisions, cause: Cause, codes: Sequence[str] | None) -> Outcome:
    beside = codes is not None
    linking = [joined for joined in decisions.joined if joined.golden]
    making = [number for number, joined in enumerate(decisions.joined) if not joined.golden]
    links = [
        LinkTo(pk, joined.golden, LinkMethod.AUTO, *_evidence(scored, joined, pk))
        for joined in linking
        if joined.golden
        for pk in joined.records
    ]
    mastering.link(links=links, cause=cause, beside=beside)
    questions = asking.group(decisions)
    suspected = asking.suspected(decisions, questions)
    records = [
        NewRecord(
            decisions.joined[number].records,
            GoldenState.PENDING if number in suspected else GoldenState.ACTIVE,
            *_evidence(scored, decisions.joined[number], decisions.joined[number].records[-1]),
        )
        for number in making
    ]
    created = mastering.create(domain=domain, records=records, cause=cause, beside=beside, codes=codes or ())
    made = dict(zip(making, created, strict=True))
    sides = {n: made.get(n) or joined.golden for n, joined in enumerate(decisions.joined)}
    asked = asking.store(domain, questions, {n: golden for n, golden in sides.items() if golden})
    decided = sum(len(joined.records) for joined in decisions.joined)
    return Outcome(decided=decided, linked=decided - len(making), created=len(making), asked=asked)


def _evidence(scored: Scored, joined: Joined, pk: int) -> tuple[float | None, object]:
    """Score and explanation of one record's place, itself on the left; nothing for a record alone."""
    if pk not in joined.evidence:
        return None, None
    other, found = joined.evidence[pk]
    explanation = {
        "of": pk,  # of several newcomers that became one, the one the others came with
        "source_record": other,
        "sentence": sentence(found),
        "evidence": found.explanation(swap=pk > other),
    }
    return found.probability, explanation


def _mark_read(claimed: Mapping[int, UUID | None]) -> None:
    """A changed record whose golden record had nothing to write is no longer waiting either.

    One that a person moved elsewhere since it was claimed waits on: what was refreshed was not its record.
    """
    links = Link.objects.filter(source_record__in=list(claimed), ended_at__isnull=True)
    read = [pk for pk, golden in links.values_list("source_record_id", "record_id") if claimed[pk] == golden]
    SourceRecord.objects.filter(pk__in=read, state=SourceState.WAITING).update(state=SourceState.LINKED)


def _claim_parts(domain: Domain, alone: int | None) -> dict[int, UUID | None]:
    """Up to a batch of waiting part rows whose parent is linked, locked, each with the golden record it has itself."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT s.id, own.record_id FROM mdm_sourcerecord s
            JOIN mdm_sourcerecord parent ON parent.system_id = s.system_id AND parent.domain = s.domain
              AND parent.part = '' AND parent.key = s.parent_key
            JOIN mdm_link parent_link ON parent_link.source_record_id = parent.id AND parent_link.ended_at IS NULL
            LEFT JOIN mdm_link own ON own.source_record_id = s.id AND own.ended_at IS NULL
            WHERE s.domain = %(domain)s AND s.state = 'waiting' AND s.part <> ''
              AND (%(alone)s::bigint IS NULL OR s.id = %(alone)s)
            ORDER BY s.parent_key, s.id LIMIT %(batch)s FOR NO KEY UPDATE OF s SKIP LOCKED
            """,
            {"domain": domain.name, "alone": alone, "batch": PARTS * BATCH},
        )
        return dict(cursor.fetchall())


def _follow(domain: Domain, claimed: dict[int, UUID | None], cause: Cause, hops: int) -> Outcome:
    """Part rows go where their parent is; those whose parent is not there yet keep waiting."""
    mastering.follow_parents(domain=domain, source_record_ids=list(claimed), cause=cause)
    homes = mastering.parents_of(claimed)
    _mark_read(homes)
    fresh = sum(golden is None for pk, golden in claimed.items() if pk in homes)
    return Outcome(decided=fresh, linked=fresh, refreshed=len(homes) - fresh)
