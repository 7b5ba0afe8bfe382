"""What happens in the storm (bench/storm.py): single acts of importers, matchers, stewards and sequencers, and what
must hold when it is over. Needs Django set up and a database of its own."""

import io
import random
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone

from matching import misfits, preparing, run, verdicts
from matching.models import CandidateKind, CandidateState, MatchCandidate
from mdm import log, mastering
from mdm.code_lists import load_code_lists
from mdm.domains import DOMAINS
from mdm.errors import MdmError
from mdm.intake import read, receive, save_feed
from mdm.intake.batches import due
from mdm.mastering import HUB, Cause, differences, end_expired_edits, follow_merges
from mdm.models import (
    Batch,
    BatchState,
    ChangeEvent,
    Feed,
    GoldenRecord,
    GoldenState,
    Link,
    Merge,
    SourceRecord,
    SourceState,
    SourceSystem,
)
from mdm.people import DOMAIN_OWNER, STEWARD
from mdm.verify import verify
from stewardship import requests, workflow
from stewardship.models import ChangeRequest, Decision, RequestState, Verb
from stewardship.pinning import Terms

PEOPLE = ("Stella", "Sam", "Olga")
KEYS = 40
BATCHES = (1, 2, 5, 1000)
WORDS = ("Acme", "Amgen", "Baxter", "Becton", "Cardinal", "Medline", "Stryker", "Zimmer")
CITIES = ("Phoenix", "Tucson", "Mesa")
FEEDS: dict[str, dict[str, Any]] = {
    "erp-s": {"domain": "supplier", "source": "erp", "attributes": {"name": "n", "tax_id": "t", "phone": "p"}},
    "ap-s": {"domain": "supplier", "source": "ap", "attributes": {"name": "n", "tax_id": "t", "parent": "up"}},
    "erp-f": {"domain": "facility", "source": "erp", "attributes": {"name": "n", "city": "c", "parent": "up"}},
    "erp-c": {"domain": "cost_center", "source": "erp", "attributes": {"code": "k", "name": "n", "facility": "f"}},
    "con": {
        "domain": "contract", "source": "erp",
        "attributes": {"number": "k", "supplier": {"column": "n", "by": "name", "source": "ap"}},
    },
    "con-l": {
        "domain": "contract", "source": "erp", "part": "lines", "parent": "c",
        "attributes": {"number": "k", "price": "p"},
    },
}  # fmt: skip
Act = Callable[[random.Random], str]


def prepare() -> None:
    """Code lists, source systems, feeds and three people."""
    load_code_lists()
    for code in ("erp", "ap"):
        SourceSystem.objects.get_or_create(code=code, defaults={"name": code.upper()})
    for code, told in FEEDS.items():
        key = {"columns": ["k"]} | ({"parent": [told["parent"]]} if "parent" in told else {})
        document = {"feed": code, "title": code, "key": key}
        save_feed(document=document | {n: v for n, v in told.items() if n != "parent"}, by="storm")
    for name in PEOPLE:
        user, _ = User.objects.get_or_create(username=name.lower(), defaults={"first_name": name})
        user.groups.set([Group.objects.get_or_create(name=group)[0] for group in (STEWARD, DOMAIN_OWNER)])


def _rows(dice: random.Random, code: str) -> bytes:
    """A changed file of the feed: some keys, with names and numbers that often, not always, agree."""
    lines = ["k,n,t,p,c,up,f"]
    for number in sorted(dice.sample(range(KEYS), KEYS // 2)):
        key, alike = f"K{number}", number % 12
        name = f"{WORDS[alike % 8]} {dice.choice(('Medical', 'Health', 'Supply'))} {alike}"
        tax = f"84-{1368850 + alike + dice.choice((0, 0, 0, 100)):07d}"
        phone = str(number) if code == "con-l" else f"602555{1000 + alike}"
        city = f"K{dice.randrange(8)}" if code == "con-l" else dice.choice(CITIES)
        lines.append(f"{key},{name},{tax},{phone},{city},K{dice.randrange(KEYS)},K{dice.randrange(KEYS)}")
    return "\n".join(lines).encode()


def bring(dice: random.Random) -> str:
    """A changed file arrives and whatever is due is read."""
    code = dice.choice(list(FEEDS))
    content = io.BytesIO(_rows(dice, code))
    receive(feed=Feed.objects.get(code=code), file=content, file_name=f"{code}.csv", by="storm", wake=False)
    for batch_id in due():
        read(batch_id)
    return "files read"


def pair_up(dice: random.Random) -> str:
    """One domain is matched; now and then what the sweeps do."""
    # Where a batch is full, the next one is written beside others (matching.run).
    run.BATCH = preparing.BATCH = dice.choice(BATCHES)
    run.match(dice.choice(DOMAINS), Cause(by=HUB, reason="storm"))
    if dice.random() < 0.2:
        verdicts.supersede(cause=Cause(by=HUB, reason="storm"))
        verdicts.wake()
        end_expired_edits(cause=Cause(by=HUB, reason="storm"))
    return "matching runs"


def number(_dice: random.Random) -> str:
    """The sequencer's turn."""
    log.sequence(limit=50)
    return "sequencer turns"


def decide(dice: random.Random) -> str:
    """A steward does one thing."""
    user = User.objects.get(username=dice.choice(PEOPLE).lower())
    return dice.choice(
        (_judge, _judge, _judge, _undo, _unmerge, _edit, _approve, _withdraw, _turn_off_or_on, _by_hand)
    )(dice, user)


def _any(dice: random.Random, rows: Any) -> Any:
    found = list(rows[:30])
    return dice.choice(found) if found else None


def _judge(dice: random.Random, user: User) -> str:
    question = _any(dice, MatchCandidate.objects.filter(state=CandidateState.OPEN).order_by("-pk"))
    if question is None:
        return "nothing to judge"
    holders = follow_merges(question.members.values_list("record_id", flat=True)).values()
    shown: dict[UUID, int] = dict(GoldenRecord.objects.filter(pk__in=list(holders)).values_list("pk", "version"))
    given: dict[str, Any] = {"candidate_id": question.pk, "user": user, "shown": shown}
    if question.kind == CandidateKind.CONFLICT:
        dice.choice((workflow.keep_together, workflow.split_off))(**given)
        return "conflicts settled"
    if question.kind == CandidateKind.MISFIT:
        dice.choice((workflow.keep_together, workflow.take_out_misfit))(reason="storm", **given)
        return "misfits settled"
    what = dice.random()
    if what < 0.5:
        ticked = dice.sample(sorted(shown), dice.randint(min(2, len(shown)), len(shown)))
        differ = dice.random() < 0.5
        workflow.merge_candidate(winner_id=ticked[0], record_ids=ticked, others_differ=differ, reason="storm", **given)
        return "merged"
    if what < 0.8:
        workflow.reject_candidate(**given)
        return "rejected"
    later = timezone.now() + timedelta(seconds=1)
    workflow.skip_candidate(candidate_id=question.pk, until=later, user=user)
    return "skipped"


def _undo(dice: random.Random, user: User) -> str:
    decision = _any(dice, Decision.objects.exclude(verb=Verb.UNDO).order_by("-decided_at"))
    if decision is not None:
        workflow.undo(decision_id=decision.pk, user=user)
    return "undone"


def _unmerge(dice: random.Random, user: User) -> str:
    merge = _any(dice, Merge.objects.filter(undone_at__isnull=True).order_by("-pk"))
    if merge is not None:
        workflow.unmerge(merge_ids=[merge.pk], user=user, reason="storm")
    return "unmerged"


def _record(dice: random.Random, *states: GoldenState) -> GoldenRecord | None:
    found: GoldenRecord | None = _any(dice, GoldenRecord.objects.filter(state__in=states).order_by("?"))
    return found


def _edit(dice: random.Random, user: User) -> str:
    record = _record(dice, GoldenState.ACTIVE, GoldenState.PENDING)
    if record is None:
        return "nothing to edit"
    values: dict[str, Any] = {"number" if record.domain == "contract" else "name": f"Edited {dice.randrange(1000)}"}
    other = _record(dice, GoldenState.ACTIVE, GoldenState.MERGED)
    if record.domain in ("supplier", "facility") and other and other.domain == record.domain and other != record:
        values["parent"] = str(other.pk)
    lifetime = timezone.now() + timedelta(seconds=2) if dice.random() < 0.5 else None
    requests.propose(
        record_id=record.pk,
        values=values,
        base_version=record.version,
        reason="storm",
        user=user,
        terms=Terms(valid_until=lifetime),
    )
    return "proposed"


def _approve(dice: random.Random, user: User) -> str:
    request = _any(dice, ChangeRequest.objects.filter(state=RequestState.OPEN).order_by("?"))
    if request is not None:
        requests.approve(request_id=request.pk, digest=request.digest, user=user)
    return "approved"


def _withdraw(dice: random.Random, user: User) -> str:
    edit = _any(dice, SourceRecord.objects.filter(system__internal=True, state=SourceState.LINKED).order_by("?"))
    if edit is not None:
        mastering.withdraw(source_record_ids=[edit.pk], cause=Cause(by=requests.person(user), reason="storm"))
    return "edits withdrawn"


def _turn_off_or_on(dice: random.Random, user: User) -> str:
    record = _record(dice, GoldenState.ACTIVE, GoldenState.PENDING, GoldenState.RETIRED)
    if record is None:
        return "nothing to retire"
    verb = workflow.reinstate_record if record.state == GoldenState.RETIRED else workflow.retire_record
    verb(record_id=record.pk, shown=record.version, user=user, reason="storm")
    return "retired or reinstated"


def _by_hand(dice: random.Random, user: User) -> str:
    one = _record(dice, GoldenState.ACTIVE)
    others = (
        GoldenRecord.objects.filter(domain=one.domain, state=GoldenState.ACTIVE).exclude(pk=one.pk) if one else None
    )
    other = _any(dice, others.order_by("?")) if others is not None else None
    if one is not None and other is not None:
        shown = {one.pk: one.version, other.pk: other.version}
        workflow.merge_records(winner_id=one.pk, record_ids=list(shown), shown=shown, user=user, reason="storm")
    return "merged by hand"


ROLES: dict[str, Act] = {"import": bring, "match": pair_up, "steward": decide, "sequence": number}


def act(role: str, dice: random.Random) -> str:
    """One act of a role; a refusal in business words is an answer like any other."""
    try:
        return ROLES[role](dice)
    except MdmError as refusal:
        return f"refused: {refusal.code}"


def settle() -> None:
    """After the storm: what was left behind is taken up as the sweeps would."""
    Batch.objects.filter(state=BatchState.READING).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    while batches := due():
        for batch_id in batches:
            read(batch_id)
    cause = Cause(by=HUB, reason="after the storm")
    for _ in range(2):  # the second time part rows whose parent came last
        run.match_all(cause)
    verdicts.supersede(cause=cause)
    misfits.settle(cause=cause)
    end_expired_edits(cause=cause)
    log.sequence_all()


def violations() -> list[str]:
    """Everything that must not be, in words."""
    found = [f"{d.code} {d.what}: stored {d.stored}, recomputed {d.recomputed}" for d in differences()]
    found += [f"verify_log: {finding.where} {finding.what}" for finding in verify().findings]
    with connection.cursor() as cursor:
        for words, question in QUESTIONS.items():
            cursor.execute(question)
            found += [f"{words}: {', '.join(map(str, row))}" for row in cursor.fetchall()]
    return found + _disorder() + _hollow_questions()


QUESTIONS = {
    "linked twice": "SELECT source_record_id FROM mdm_link WHERE ended_at IS NULL GROUP BY 1 HAVING count(*) > 1",
    "linked to a merged record": "SELECT l.id, g.code FROM mdm_link l JOIN mdm_goldenrecord g ON g.id = l.record_id "
    "WHERE l.ended_at IS NULL AND g.state = 'merged'",
    "waits for ever": "SELECT s.domain, s.part, s.key FROM mdm_sourcerecord s WHERE s.state = 'waiting' AND (s.part = "
    "'' OR EXISTS (SELECT FROM mdm_sourcerecord p WHERE p.system_id = s.system_id AND p.domain = s.domain AND "
    "p.part = '' AND p.key = s.parent_key))",
    "not in the crosswalk": "SELECT s.domain, s.key, s.state FROM mdm_sourcerecord s WHERE s.state = 'linked' "
    "AND NOT EXISTS (SELECT FROM mdm_link l WHERE l.source_record_id = s.id AND l.ended_at IS NULL)",
    "turned back": "SELECT s.domain, s.key, s.warnings FROM mdm_sourcerecord s JOIN mdm_sourcesystem y "
    "ON y.id = s.system_id WHERE s.state = 'retired' AND NOT y.internal",
    "part row away from its parent": "SELECT c.domain, c.key FROM mdm_sourcerecord c JOIN mdm_sourcerecord p ON "
    "p.system_id = c.system_id AND p.domain = c.domain AND p.part = '' AND p.key = c.parent_key "
    "JOIN mdm_link cl ON cl.source_record_id = c.id AND cl.ended_at IS NULL "
    "JOIN mdm_link pl ON pl.source_record_id = p.id AND pl.ended_at IS NULL "
    "WHERE c.part <> '' AND cl.record_id <> pl.record_id",
    "pending without a reason": "SELECT g.code, g.suspected FROM mdm_goldenrecord g WHERE g.state = 'pending' AND "
    "g.held_by = '{}' AND NOT EXISTS (SELECT FROM matching_candidatemember m JOIN matching_matchcandidate c "
    "ON c.id = m.candidate_id WHERE m.record_id = g.id AND c.state IN ('open', 'skipped'))",
    "no longer fits where nobody else is": "SELECT c.id FROM matching_matchcandidate c JOIN mdm_link l "
    "ON l.source_record_id = c.source_record_id AND l.ended_at IS NULL WHERE c.state IN ('open', 'skipped') "
    "AND NOT EXISTS (SELECT FROM matching_matchpair p JOIN mdm_link o ON o.source_record_id = p.right_source_id "
    "AND o.ended_at IS NULL WHERE p.candidate_id = c.id AND o.record_id = l.record_id)",
    "without any source": "SELECT g.code FROM mdm_goldenrecord g WHERE g.state <> 'merged' AND NOT EXISTS "
    "(SELECT FROM mdm_link l WHERE l.record_id = g.id AND l.ended_at IS NULL)",
    "not numbered": "SELECT id FROM mdm_changeevent WHERE seq IS NULL",
}


def _disorder() -> list[str]:
    """Numbers dense from one, versions of each record dense from one and in the order of the numbers."""
    found, last, versions = [], 0, Counter[UUID]()
    rows = ChangeEvent.objects.filter(seq__isnull=False).order_by("seq").values_list("seq", "record_id", "version")
    for seq, record_id, version in rows.iterator():
        versions[record_id] += 1
        if seq != last + 1 or version != versions[record_id]:
            found.append(f"event {seq} after {last}: version {version} of {record_id}, not {versions[record_id]}")
        last = seq or 0
    return found


def _hollow_questions() -> list[str]:
    """Waiting questions whose records have become one."""
    waiting = MatchCandidate.objects.filter(state__in=verdicts.WAITING, kind=CandidateKind.RESEMBLANCE)
    return [
        f"question {question.pk} is about one record only"
        for question in waiting
        if len(set(follow_merges(question.members.values_list("record_id", flat=True)).values())) < 2
    ]


def facts() -> dict[str, int]:
    """How much there was."""
    return {
        "source records": SourceRecord.objects.count(),
        "golden records": GoldenRecord.objects.count(),
        "events": ChangeEvent.objects.count(),
        "links": Link.objects.count(),
        "merges": Merge.objects.count(),
        "questions": MatchCandidate.objects.count(),
    }
