"""The verbs of a change request: propose, approve, refuse, withdraw. Nothing is published before approval."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from mdm import canonical
from mdm.cause import Actor, Cause
from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound, Refused, Stale, WrongState
from mdm.identity import uuid7
from mdm.mastering import contribute, take_turn
from mdm.mastering.edits import check_values
from mdm.models import GoldenRecord, GoldenState
from mdm.retrying import atomic
from mdm.values import plain_row
from stewardship import creating
from stewardship.models import ChangeRequest, Decision, RequestState, Verb


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
    valid_until: datetime | None = None,
) -> ChangeRequest:
    """Propose new values for attributes of a record; they take effect when somebody else approves.

    Only values that differ from the record's are kept. Raises Stale when the record moved on, Invalid naming every
    value that does not fit (or that nothing differs, or that the reason is missing).
    """
    record = GoldenRecord.objects.select_for_update(no_key=True).filter(pk=record_id).first()
    if record is None:
        raise NotFound("There is no such record.", "Search for it by name or code.")
    if record.state == GoldenState.MERGED:
        raise WrongState(f"{record.code} was merged.", "Propose the change on the record it was merged into.")
    if record.version != base_version:
        raise Stale([(record.pk, base_version, record.version)])
    domain = BY_NAME[record.domain]
    before = _current(record)
    different = {name: value for name, value in values.items() if (value or None) != before.get(name)}
    fitting = check_values(domain, record_id, different)
    fitting = {name: value for name, value in fitting.items() if _flat(value) != before.get(name)}
    problems = [] if fitting else [("", "Nothing differs from the record as it is.")]
    if not reason.strip():
        problems.append(("reason", "Say why, so that whoever approves can judge it."))
    if problems:
        raise Invalid("The proposal is not complete.", "Correct it and send it again.", problems)
    flat = {name: _flat(value) for name, value in fitting.items()}
    request = ChangeRequest.objects.create(
        record=record,
        domain=record.domain,
        base_version=base_version,
        values=flat,
        before={name: before.get(name) for name in fitting},
        digest=canonical.digest([str(record.pk), base_version, flat]),
        reason=reason.strip(),
        valid_until=valid_until,
        requested_by=user,
    )
    _decide(request, Verb.PROPOSE, user, request.reason)
    return request


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


def _current(record: GoldenRecord) -> dict[str, Any]:
    domain = BY_NAME[record.domain]
    row: Any = domain.model._default_manager.get(pk=record.pk)
    extension = {f"ext.{name}": value for name, value in row.extension.items()}
    return {**plain_row(domain.attributes, row), **extension}


def _flat(value: Any) -> Any:
    return value["record"] if isinstance(value, Mapping) else value


@atomic
def approve(*, request_id: UUID, digest: str, user: User, answer: str = "") -> ChangeRequest:
    """Approve what somebody else proposed: the values become the record's at once, and are published.

    ``digest`` is that of the proposal the approver read. An attribute whose value has changed since it was proposed
    makes the approval stale. Raises Refused for the requester, WrongState, Stale, Invalid.
    """
    request = _locked(request_id)
    if request.requested_by_id == user.pk:
        raise Refused("You proposed this change yourself.", "Ask a colleague to approve it.")
    if request.record_id is None:
        return _approve_new(request, digest, user, answer)
    take_turn(composing=[request.domain])
    record = GoldenRecord.objects.select_for_update(no_key=True).get(pk=request.record_id)
    if request.digest != digest or any(_current(record).get(name) != old for name, old in request.before.items()):
        raise Stale([(record.pk, request.base_version, record.version)])
    by = person(user)
    decision = _decide(request, Verb.APPROVE, user, answer)
    request.source_record_id = contribute(
        record_id=record.pk,
        values=request.values,
        expected=None,
        valid_until=request.valid_until,
        cause=Cause(
            by=person(request.requested_by),
            reason=request.reason,
            approved_by=by.name,
            decision_id=decision.pk,
            correlation_id=decision.correlation_id,
        ),
    )
    return _settle(request, RequestState.APPROVED, user, answer)


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
def withdraw_request(*, request_id: UUID, user: User) -> ChangeRequest:
    """Take back one's own open request. Raises Refused for anybody else, WrongState."""
    request = _locked(request_id)
    if request.requested_by_id != user.pk:
        raise Refused("Only whoever proposed a change can withdraw it.", "Refuse it instead.")
    _decide(request, Verb.WITHDRAW, user, "")
    return _settle(request, RequestState.WITHDRAWN, user, "")


def _locked(request_id: UUID) -> ChangeRequest:
    request = ChangeRequest.objects.select_for_update(no_key=True, of=("self",)).filter(pk=request_id).first()
    if request is None:
        raise NotFound("There is no such change request.", "Open the list of change requests.")
    if request.state != RequestState.OPEN:
        raise WrongState(
            f"This request is already {RequestState(request.state).label.lower()}.", "Reload the page to see by whom."
        )
    return request


def _settle(request: ChangeRequest, state: RequestState, user: User, answer: str) -> ChangeRequest:
    request.state, request.decided_by, request.decided_at = state, user, timezone.now()
    request.answer = answer.strip()
    request.save(update_fields=["state", "decided_by", "decided_at", "answer", "source_record", "record"])
    return request


def _decide(request: ChangeRequest, verb: Verb, user: User, reason: str) -> Decision:
    return Decision.objects.create(
        verb=verb,
        domain=request.domain,
        request=request,
        records=_records(request),
        reason=reason,
        decided_by=user,
    )


def _records(request: ChangeRequest) -> list[dict[str, Any]]:
    """The record the request is about; none while it is not made yet."""
    if request.record is None:
        return []
    return [{"record": str(request.record_id), "code": request.record.code, "version": request.base_version}]
