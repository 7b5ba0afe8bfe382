"""Members that no longer fit their golden record: the hub proposes that they leave, and never takes them out itself.

A proposal is a question of kind *misfit*. It is judged again whenever something about its golden record changes, and
closes by itself once the member fits again or is there no more.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import F
from django.utils import timezone

from matching import asking, lookup, verdicts
from matching.fit import Fit, fit, new_labels, worse
from matching.known import Known, Scored
from matching.linking import when_linked
from matching.models import (
    CandidateKind,
    CandidateMember,
    CandidateState,
    MatchCandidate,
    MatchPair,
    Misfit,
    MisfitCause,
)
from matching.preparing import Content, features_of
from matching.rematch_looking import LIVE
from matching.rules import in_force
from matching.scoring import bits_of, shares
from mdm.cause import Cause
from mdm.compiled import prepared
from mdm.domains import BY_NAME
from mdm.models import GoldenRecord, SourceRecord
from mdm.retrying import atomic
from mdm.spec import Domain

MOST_PAIRS = 50
AT_ONCE = 200  # proposals judged again by one sweep
_FITS = "It fits the rest of its record again."
_LEFT = "It left, or its record is out of use."

_OPEN = """
SELECT source_record_id, id FROM matching_matchcandidate
WHERE source_record_id = ANY(%s::bigint[]) AND source_record_id IS NOT NULL AND state IN ('open', 'skipped')
"""


@dataclass(frozen=True)
class _Found:
    """A member that no longer fits: how it fits now and did before (None where that is not known), and why."""

    record: int
    golden: UUID
    now: Fit
    before: Fit | None
    cause: MisfitCause


def judge(domain: Domain, scored: Scored, changed: Collection[int], cause: Cause) -> int:
    """Judge records whose content changed against the rest of their golden records, and what is proposed about these.

    Whoever made the link, it stays as it is; where a member fitted before and does not now, a person is asked, once.
    ``scored`` knows the golden records whole. Returns how many proposals are new. Callers hold the domain's matching.
    """
    known = scored.known
    touched = {known[pk].golden for pk in changed if pk in known} - {None}
    if not touched:
        return 0
    members = {golden: ids for golden, ids in scored.members().items() if golden in touched}
    asked = _open({pk for ids in members.values() for pk in ids})
    fits = {
        pk: now
        for pk in {*changed, *asked}
        if pk in known and (golden := known[pk].golden) and (now := fit(scored, pk, members[golden]))
    }
    if asked:
        _judge_again(domain, asked, {pk: fits.get(pk) for pk in asked}, scored, cause)
    review = domain.matching.review
    doubtful = [pk for pk in changed if pk not in asked and pk in fits and worse(fits[pk], None, review)]
    if not doubtful:
        return 0
    earlier, told = _earlier(domain, scored, changed)
    found = []
    for pk in sorted(doubtful):
        golden = known[pk].golden
        before = fit(earlier, pk, members[golden]) if golden and pk in told else None
        if golden and worse(fits[pk], before, review):
            reason = MisfitCause.VETO if new_labels(fits[pk], before) else MisfitCause.SCORE
            found.append(_Found(pk, golden, fits[pk], before, reason))
    return _propose(domain, found, told)


def doubt(domain: Domain, scored: Scored, before: Scored, doubted: Iterable[tuple[UUID, int, int]]) -> int:
    """Propose that one of two records leaves a golden record people hold together, as other rules no longer believe in
    it: the one that fits the rest less. (golden record now, the two.) Returns how many proposals are new."""
    found, members = [], scored.members()
    for golden, *both in doubted:
        home = scored.known[both[0]].golden
        rest = members[home] if home else ()
        judged = [(now.average, pk, now) for pk in both if (now := fit(scored, pk, rest))]
        if judged:
            _, pk, now = min(judged, key=lambda one: one[:2])
            found.append(_Found(pk, golden, now, fit(before, pk, rest), MisfitCause.RULES))
    asked = _open([one.record for one in found])
    return _propose(domain, [one for one in found if one.record not in asked], {})


@atomic
def settle(
    *, cause: Cause, domain: Domain | None = None, records: Collection[UUID] | None = None, since: Any = None
) -> tuple[int, ...]:
    """Judge proposals again, those about members of these golden records, or of any that changed since they were
    judged; close those that are answered. ``since``: only those asked before that moment.

    Locks what it closes. Repeats without effect. Returns which it closed.
    """
    if records is not None and not _any_about(records):
        return ()
    waiting = MatchCandidate.objects.filter(source_record__isnull=False, state__in=verdicts.WAITING)
    if records is not None:
        waiting = waiting.filter(members__record__in=list(records))
    else:
        waiting = waiting.filter(members__record__updated_at__gt=F("misfit__judged_at"))
    if since is not None:
        waiting = waiting.filter(created_at__lt=since)
    found: dict[str, dict[int, int]] = {}
    rows = waiting.order_by("pk").values_list("domain", "source_record_id", "pk").distinct()
    for name, record, pk in rows[: AT_ONCE if records is None else None]:
        found.setdefault(name, {})[record] = pk
    closed: list[int] = []
    for name, asked in found.items():
        rules = domain if domain and domain.name == name else in_force(BY_NAME[name])
        closed += _settle(rules, asked, cause)
    return tuple(closed)


def _any_about(records: Collection[UUID]) -> bool:
    """Of few records a member is asked about; a person's act on the others is told so in a tenth of the time."""
    with prepared(len(records)) as cursor:
        cursor.execute(_ASKED, [list(records)])
        return cursor.fetchone() is not None


_ASKED = """
SELECT 1 FROM matching_candidatemember m JOIN matching_matchcandidate c ON c.id = m.candidate_id
WHERE m.record_id = ANY(%s::uuid[]) AND c.source_record_id IS NOT NULL AND c.state IN ('open', 'skipped') LIMIT 1
"""


def _settle(domain: Domain, asked: Mapping[int, int], cause: Cause) -> list[int]:
    known = lookup.load(asked)
    golden = _in_use([one.golden for one in known.values() if one.golden])
    known = {pk: one for pk, one in known.items() if one.golden in golden}
    known |= lookup.load(lookup.members_of(golden) - known.keys())
    scored = Scored(domain.matching, known, shares(lookup.shared_texts(domain, known.values()) if known else {}))
    members = scored.members()
    fits = {pk: fit(scored, pk, members[home]) if pk in known and (home := known[pk].golden) else None for pk in asked}
    return _judge_again(domain, asked, fits, scored, cause)


def _open(records: Collection[int]) -> dict[int, int]:
    """{member: the proposal about it that waits}."""
    if not records:
        return {}
    with prepared(len(records)) as cursor:
        cursor.execute(_OPEN, [list(records)])
        return dict(cursor.fetchall())


def _judge_again(
    domain: Domain, asked: Mapping[int, int], fits: Mapping[int, Fit | None], scored: Scored, cause: Cause
) -> list[int]:
    """Close the proposals ({member: proposal}) that are answered, and bring the others up to date.

    One somebody decides at this moment is left: whoever decides holds it and waits for the golden record.
    """
    waiting = MatchCandidate.objects.filter(pk__in=asked.values(), state__in=verdicts.WAITING).order_by("pk")
    held = set(waiting.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))
    asked = {record: pk for record, pk in asked.items() if pk in held}
    mates: dict[int, set[int]] = {}
    for pk, mate in MatchPair.objects.filter(candidate__in=asked.values()).values_list("candidate_id", "right_source"):
        mates.setdefault(pk, set()).add(mate)
    misfits = Misfit.objects.select_related("candidate__source_record__system").in_bulk(list(asked.values()))
    fitting, gone = [], []
    for record, pk in asked.items():
        now, told = fits[record], misfits[pk]
        if now is None or not mates.get(pk, set()) & {other for other, _ in now.pairs}:
            gone.append(pk)
        elif not _stands(domain, told, now):
            fitting.append(pk)
        else:
            _renew(domain, told, now, scored.known[record])
    closed = verdicts.answered(
        candidate_ids=fitting, state=CandidateState.WITHDRAWN, cause=replace(cause, reason=_FITS)
    )
    return [
        *closed,
        *verdicts.answered(candidate_ids=gone, state=CandidateState.SUPERSEDED, cause=replace(cause, reason=_LEFT)),
    ]


def _stands(domain: Domain, misfit: Misfit, now: Fit) -> bool:
    """Whether what was found still speaks against the member."""
    review = domain.matching.review
    if misfit.cause == MisfitCause.RULES:
        # Whole groups may be doubted, of which each member fits the rest by its average.
        return worse(now, None, review) or now.pairs[0][1].bits < bits_of(review)
    return worse(now, _read(misfit.base), review)


def _renew(domain: Domain, misfit: Misfit, now: Fit, known: Known) -> None:
    """The proposal as things are now; what was before, and when it was linked, stays as it was found."""
    candidate = misfit.candidate
    record = candidate.source_record
    assert record is not None and known.golden  # noqa: S101, PT018 - a constraint says so, and it was judged
    before = _read(misfit.base)
    if misfit.cause != MisfitCause.RULES:
        misfit.cause = MisfitCause.VETO if new_labels(now, before) else MisfitCause.SCORE
    misfit.against, misfit.after, misfit.judged_at = _facts(now), _content(record), timezone.now()
    misfit.save(update_fields=["cause", "against", "after", "judged_at"])
    candidate.score = now.average
    candidate.sentence = _sentence(record, misfit, now)
    candidate.save(update_fields=["score", "sentence"])
    candidate.pairs.all().delete()
    asking.store_pairs(_pairs(candidate, known.golden, candidate.source_record_id or 0, now))
    CandidateMember.objects.get_or_create(candidate=candidate, record_id=known.golden)


def _earlier(domain: Domain, scored: Scored, changed: Collection[int]) -> tuple[Scored, dict[int, Mapping[str, Any]]]:
    """The same records as they were before they changed, and {record: its former content}."""
    rows = SourceRecord.objects.filter(pk__in=list(changed), former__isnull=False)
    former = {pk: (system, one) for pk, system, one in rows.values_list("pk", "system_id", "former") if one}
    contents = [
        Content(pk, system, bool(one.get("stub")), "", one["values"], one["parts"])
        for pk, (system, one) in former.items()
    ]
    known = dict(scored.known)
    for pk, features in features_of(domain, contents).items():
        if pk in known:
            known[pk] = replace(known[pk], features=features, stub=bool(former[pk][1].get("stub")))
    earlier = Scored(scored.matching, known, scored.shared, scored.apart)
    return earlier, {pk: one for pk, (_, one) in former.items()}


def _in_use(records: Collection[UUID]) -> set[UUID]:
    """Those of these golden records that are; about one taken out of use nobody is asked."""
    return set(GoldenRecord.objects.filter(pk__in=records, state__in=LIVE).values_list("pk", flat=True))


def _propose(domain: Domain, found: Collection[_Found], former: Mapping[int, Mapping[str, Any]]) -> int:
    live = _in_use([one.golden for one in found]) if found else ()
    found = [one for one in found if one.golden in live]
    if not found:
        return 0
    records = SourceRecord.objects.select_related("system").in_bulk([one.record for one in found])
    linked = when_linked({one.record: [pk for pk, _ in one.now.pairs] for one in found})
    candidates, misfits = [], []
    members: list[CandidateMember] = []
    pairs: list[MatchPair] = []
    for one in found:
        record, was = records[one.record], former.get(one.record)
        candidate = MatchCandidate(
            domain=domain.name,
            kind=CandidateKind.MISFIT,
            source_record=record,
            score=one.now.average,
            created_at=timezone.now(),
        )
        misfit = Misfit(
            candidate=candidate,
            cause=one.cause,
            before={"values": was["values"], "parts": was["parts"]} if was else None,
            after=_content(record),
            against=_facts(one.now),
            base=_kept(one.before),
            linked=linked.get(one.record, {}),
            judged_at=timezone.now(),
        )
        candidate.sentence = _sentence(record, misfit, one.now)
        candidates.append(candidate)
        misfits.append(misfit)
        members.append(CandidateMember(candidate=candidate, record_id=one.golden))
        pairs += _pairs(candidate, one.golden, one.record, one.now)
    asking.store_candidates(candidates, members, pairs)
    for misfit in misfits:
        misfit.candidate_id = misfit.candidate.pk  # known only now
    Misfit.objects.bulk_create(misfits)
    return len(candidates)


def _pairs(candidate: MatchCandidate, golden: UUID, record: int, now: Fit) -> list[MatchPair]:
    both = (golden, golden)
    return [asking.pair(candidate, both, record, other, score) for other, score in now.pairs[:MOST_PAIRS]]


def _content(record: SourceRecord) -> dict[str, Any]:
    return {"values": record.values, "parts": record.parts}


def _facts(found: Fit) -> list[list[str]]:
    return sorted(map(list, found.against))


def _kept(found: Fit | None) -> dict[str, Any] | None:
    return {"average": found.average, "against": _facts(found)} if found else None


def _read(kept: Mapping[str, Any] | None) -> Fit | None:
    if kept is None:
        return None
    return Fit(kept["average"], frozenset((label, mine, other) for label, mine, other in kept["against"]), ())


def _sentence(record: SourceRecord, misfit: Misfit, now: Fit) -> str:
    """What no longer fits and why, with the score now and before."""
    said = {
        MisfitCause.VETO: f"{' and '.join(new_labels(now, _read(misfit.base)))} now differs from the rest",
        MisfitCause.SCORE: "too little agrees with the rest now",
        MisfitCause.RULES: "the rules in force no longer believe in it",
    }[MisfitCause(misfit.cause)]
    score = misfit.linked.get("score")
    then = f", {_percent(score)} when it was linked" if score is not None else ""
    return f"{record.system.name} {record.key[:80]}: {said}. {_percent(now.average)} now{then}."[:300]


def _percent(score: float) -> str:
    """Cut rather than rounded, so that only a certain 1 reads 100."""
    return f"{int(score * 1000) / 10:.1f}%"
