"""The verbs of a change request: propose, approve, refuse, withdraw. Nothing is published before approval."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from mdm import canonical
from mdm.cause import Actor, Cause
from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound, Refused, Stale, WrongState
from mdm.mastering import contribute, take_turn
from mdm.mastering.edits import check_values
from mdm.models import GoldenRecord, GoldenState
from mdm.retrying import atomic
from mdm.values import plain_row
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
    request.save(update_fields=["state", "decided_by", "decided_at", "answer", "source_record"])
    return request


def _decide(request: ChangeRequest, verb: Verb, user: User, reason: str) -> Decision:
    return Decision.objects.create(
        verb=verb,
        domain=request.domain,
        request=request,
        records=[{"record": str(request.record_id), "code": request.record.code, "version": request.base_version}],
        reason=reason,
        decided_by=user,
    )
