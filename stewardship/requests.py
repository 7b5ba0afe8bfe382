"""The verbs of a change request: propose, approve, refuse, withdraw. Nothing is published before approval."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from mdm import canonical
from mdm.cause import Actor, Cause
from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound, Refused, Stale, WrongState
from mdm.identity import uuid7
from mdm.mastering import contribute, take_turn, unpin
from mdm.mastering.edits import check_values
from mdm.models import GoldenRecord, GoldenState
from mdm.retrying import atomic
from stewardship import creating
from stewardship.models import ChangeRequest, Decision, RequestState, Verb
from stewardship.permissions import may_approve
from stewardship.pinning import NOW_AND_FOR_GOOD, Terms, still_said, watching
from stewardship.rebasing import catch_up, digest_of, held, origins


def person(user: User, channel: str = "page") -> Actor:
    """The signed-in person as an actor of the core."""
    name = user.get_full_name() or user.get_username()
    return Actor(name=name, kind="person", channel=channel, user_id=user.pk)  # type: ignore[arg-type]


@atomic
def propose(
    *,
    record_id: UUID,
    values: Mapping[str, Any],
    base_version: int,
    reason: str,
    user: User,
    terms: Terms = NOW_AND_FOR_GOOD,
    unpins: Collection[str] = (),
    beside: Collection[str] = (),
    correlation_id: UUID | None = None,
) -> ChangeRequest:
    """Propose new values for attributes of a record; they take effect when somebody else approves.

    Only values that differ from the record's are kept, and those ``terms`` name a source of. ``unpins`` are attributes
    whose earlier edits are to end instead. ``beside`` are the ids of open requests about the same attributes that the
    person knows of; ``correlation_id`` is that of the act it is part of. Raises Stale when the record moved on, Invalid
    naming every value that does not fit (or that nothing differs, that the reason is missing, that somebody proposed a
    value already).
    """
    record = _lock_record(record_id, base_version)
    domain, before = BY_NAME[record.domain], held(record)
    pinned = terms.sources.keys()
    different = {name: v for name, v in values.items() if name in pinned or (v or None) != before.get(name)}
    fitting = check_values(domain, record_id, different) if different or not unpins else {}
    fitting = {name: v for name, v in fitting.items() if name in pinned or _flat(v) != before.get(name)}
    problems = [] if fitting or unpins else [("", "Nothing differs from the record as it is.")]
    problems += terms.problems(timezone.now())
    if not reason.strip():
        problems.append(("reason", "Say why, so that whoever approves can judge it."))
    rivals = overlapping(record_id, [*fitting, *unpins])
    problems += _unseen(rivals, [*fitting, *unpins], beside)
    if problems:
        raise Invalid("The proposal is not complete.", "Correct it and send it again.", problems)
    flat = {name: _flat(value) for name, value in fitting.items()}
    request = ChangeRequest.objects.create(
        record=record,
        domain=record.domain,
        base_version=base_version,
        values=flat,
        before={name: before.get(name) for name in (*fitting, *unpins)},
        origins=origins(record, (*fitting, *unpins)),
        beside=[str(one.pk) for one in rivals],
        suggested=not may_approve(user),
        digest=digest_of(record.pk, base_version, flat, unpins),
        reason=reason.strip(),
        valid_until=terms.valid_until,
        watching=watching(domain, record_id, fitting.keys(), terms),
        unpins=sorted(unpins),
        holds_from=terms.holds_from,
        requested_by=user,
    )
    _decide(request, Verb.PROPOSE, user, request.reason, correlation_id)
    return request


def _lock_record(record_id: UUID, base_version: int) -> GoldenRecord:
    record = GoldenRecord.objects.select_for_update(no_key=True).filter(pk=record_id).first()
    if record is None:
        raise NotFound("There is no such record.", "Search for it by name or code.")
    if record.state == GoldenState.MERGED:
        raise WrongState(f"{record.code} was merged.", "Propose the change on the record it was merged into.")
    if record.version != base_version:
        raise Stale([(record.pk, base_version, record.version)])
    return record


def _unseen(rivals: Sequence[ChangeRequest], names: Sequence[str], beside: Collection[str]) -> list[tuple[str, str]]:
    """(attribute, sentence) of what somebody proposed already and the person does not say to know of."""
    return [
        (name, f"{person(one.requested_by).name} proposed a value already. Look at it, or propose yours beside it.")
        for one in rivals
        for name in names
        if name in (*one.values, *one.unpins) and str(one.pk) not in beside
    ]


def open_on(record_id: UUID) -> list[ChangeRequest]:
    """Open requests on the record, the oldest first. One query."""
    open_now = ChangeRequest.objects.select_related("requested_by").filter(record=record_id, state=RequestState.OPEN)
    return list(open_now.order_by("requested_at"))


def overlapping(record_id: UUID, names: Collection[str]) -> list[ChangeRequest]:
    """Open requests on the record about one of these attributes, the oldest first. One query."""
    return [one for one in open_on(record_id) if not {*one.values, *one.unpins}.isdisjoint(names)]


def conflicts(request: ChangeRequest) -> dict[str, Any]:
    """{attribute: what the record holds by now} of those that held something else when it was proposed."""
    if request.record is None:
        return {}
    now = held(request.record)
    return {name: now.get(name) for name, old in request.before.items() if now.get(name) != old}


def acknowledgement(found: Mapping[str, Any]) -> str:
    """What an approval names to say that the person saw these conflicts; "" for none."""
    return canonical.digest(sorted(found.items())) if found else ""


@atomic
def propose_new(
    *,
    draft: creating.Draft,
    reason: str,
    user: User,
    seen: Collection[str] = (),
    although: str = "",
) -> ChangeRequest:
    """Propose a record that is not there yet; it is made when somebody else approves.

    ``seen`` are the codes of the records the person was shown as alike. Raises Invalid naming everything that does not
    fit at once: values, the missing reason, likely duplicates not seen yet or not spoken to in ``although``.
    """
    problems = lacking(draft, reason=reason, although=although, seen=seen)
    if problems:
        raise Invalid("The proposal is not complete.", "Correct it and send it again.", problems)
    given, domain = draft.given, draft.domain
    request = ChangeRequest.objects.create(
        domain=domain.name,
        base_version=0,
        values=given.values,
        parts=given.parts,
        alike=creating.kept(draft.searched.found),
        although=although.strip() if draft.searched.likely else "",
        suggested=not may_approve(user),
        digest=creating.digest_of(domain.name, given.values, given.parts),
        reason=reason.strip(),
        requested_by=user,
    )
    _decide(request, Verb.PROPOSE, user, request.reason)
    return request


def lacking(draft: creating.Draft, *, reason: str, although: str, seen: Collection[str]) -> list[tuple[str, str]]:
    """(pointer, sentence) of everything that keeps the new record from being proposed."""
    problems, likely = list(draft.problems), draft.searched.likely
    unseen = [f"{one.title} ({one.code})" for one in likely if one.code not in seen]
    if unseen:
        problems.append(("", f"It may be there already. Look at {', '.join(unseen)} first."))
    if likely and not although.strip():
        problems.append(("although", "Say why a new one is needed although these are there, or use one of them."))
    if not reason.strip():
        problems.append(("reason", "Say why, so that whoever approves can judge it."))
    return problems


def _flat(value: Any) -> Any:
    return value["record"] if isinstance(value, Mapping) else value


def has_moved(request: ChangeRequest, record: GoldenRecord) -> bool:
    """Whether the record no longer holds what it held when the change was proposed, in what the change touches."""
    now = held(record)
    return any(now.get(name) != old for name, old in request.before.items())


@atomic
def approve(*, request_id: UUID, digest: str, user: User, answer: str = "", acknowledged: str = "") -> ChangeRequest:
    """Approve what somebody else proposed: the values become the record's, and are published, at once or on the day
    the proposal names.

    ``digest`` is that of the proposal the approver read. An attribute whose value has changed since it was proposed
    makes the approval stale, unless ``acknowledged`` says that the approver saw what it is now. Other open requests on
    the record that still fit are about its new version. Raises Refused for the requester, WrongState, Stale, Invalid.
    """
    request = _locked(request_id)
    if request.requested_by_id == user.pk:
        raise Refused("You proposed this change yourself.", "Ask a colleague to approve it.")
    if request.record_id is None:
        return _approve_new(request, digest, user, answer)
    take_turn(composing=[request.domain])
    record = GoldenRecord.objects.select_for_update(no_key=True).get(pk=request.record_id)
    found = conflicts(request)
    if request.digest != digest or acknowledgement(found) not in ("", acknowledged):
        raise Stale([(record.pk, request.base_version, record.version)])
    if found:
        told = {"although": found, "at": timezone.now().isoformat(), "by": person(user).name}
        request.moves, request.before = [*request.moves, told], request.before | found
    decision = _decide(request, Verb.APPROVE, user, answer)
    if request.holds_from and request.holds_from > timezone.now():
        return _settle(request, RequestState.SCHEDULED, user, answer)
    carry_out(request, decision, approved_by=user)
    _settle(request, RequestState.APPROVED, user, answer)
    catch_up(GoldenRecord.objects.get(pk=record.pk))
    return request


def carry_out(request: ChangeRequest, decision: Decision, *, approved_by: User) -> None:
    """Let an approved proposal take effect, the record being locked. Raises Refused where a source it watches has
    said something else since."""
    if request.record_id is None:
        raise WrongState("A new record is made, not changed.", "Approve the request on its page.")
    if not still_said(request.watching):
        raise Refused(
            "The source has changed since, so the pin would end at once.", "Look at what it says now and propose again."
        )
    cause = Cause(
        by=person(request.requested_by),
        reason=request.reason,
        approved_by=person(approved_by).name,
        decision_id=decision.pk,
        correlation_id=decision.correlation_id,
    )
    if request.unpins:
        unpin(record_id=request.record_id, attributes=request.unpins, cause=cause)
    if request.values:
        request.source_record_id = contribute(
            record_id=request.record_id,
            values=request.values,
            expected=None,
            valid_until=request.valid_until,
            until={name: one["source_record"] for name, one in request.watching.items()},
            cause=cause,
        )


def _approve_new(request: ChangeRequest, digest: str, user: User, answer: str) -> ChangeRequest:
    if request.digest != digest:
        raise Refused("What you read is not what was proposed.", "Reload the page and read it again.")
    by, decision_id = person(user), uuid7()
    cause = Cause(by=person(request.requested_by), reason=request.reason, approved_by=by.name, decision_id=decision_id)
    record_id, request.source_record_id, barred = creating.make(request, cause)
    request.record = GoldenRecord.objects.get(pk=record_id)
    Decision.objects.create(
        id=decision_id,
        verb=Verb.APPROVE,
        domain=request.domain,
        request=request,
        records=_records(request),
        non_matches=barred,
        reason=answer,
        decided_by=user,
        correlation_id=cause.correlation_id,
    )
    return _settle(request, RequestState.APPROVED, user, answer)


@atomic
def refuse(*, request_id: UUID, user: User, answer: str) -> ChangeRequest:
    """Refuse what somebody else proposed, saying why. Raises Refused for the requester, WrongState, Invalid."""
    request = _locked(request_id)
    if request.requested_by_id == user.pk:
        raise Refused("You proposed this change yourself.", "Withdraw it instead.")
    if not answer.strip():
        raise Invalid("A refusal needs a reason.", "Say why.", [("answer", "Say why, so that it can be mended.")])
    _decide(request, Verb.REFUSE, user, answer)
    return _settle(request, RequestState.REFUSED, user, answer)


@atomic
def withdraw_request(*, request_id: UUID, user: User, correlation_id: UUID | None = None) -> ChangeRequest:
    """Take back one's own request that is open, or waits for its day; then whoever approved it may as well.

    Raises Refused for anybody else, WrongState.
    """
    request = _locked(request_id, RequestState.OPEN, RequestState.SCHEDULED)
    if user.pk not in (request.requested_by_id, request.decided_by_id):
        raise Refused("Only whoever proposed a change can withdraw it.", "Refuse it instead.")
    _decide(request, Verb.WITHDRAW, user, "", correlation_id)
    return _settle(request, RequestState.WITHDRAWN, user, "")


def _locked(request_id: UUID, *states: RequestState) -> ChangeRequest:
    request = ChangeRequest.objects.select_for_update(no_key=True, of=("self",)).filter(pk=request_id).first()
    if request is None:
        raise NotFound("There is no such change request.", "Open the list of change requests.")
    if request.state not in (states or (RequestState.OPEN,)):
        raise WrongState(
            f"This request is already {RequestState(request.state).label.lower()}.", "Reload the page to see by whom."
        )
    return request


def _settle(request: ChangeRequest, state: RequestState, user: User, answer: str) -> ChangeRequest:
    request.state, request.decided_by, request.decided_at = state, user, timezone.now()
    request.answer = answer.strip()
    request.save(
        update_fields=["state", "decided_by", "decided_at", "answer", "source_record", "record", "moves", "before"]
    )
    return request


def _decide(
    request: ChangeRequest, verb: Verb, user: User, reason: str, correlation_id: UUID | None = None
) -> Decision:
    return Decision.objects.create(
        verb=verb,
        domain=request.domain,
        request=request,
        records=_records(request),
        reason=reason,
        decided_by=user,
        correlation_id=correlation_id or uuid7(),
    )


def _records(request: ChangeRequest) -> list[dict[str, Any]]:
    """The record the request is about; none while it is not made yet."""
    if request.record is None:
        return []
    return [{"record": str(request.record_id), "code": request.record.code, "version": request.base_version}]
