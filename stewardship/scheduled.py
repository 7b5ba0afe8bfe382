"""Approved changes that wait for their day: carrying them out, and giving back those that no longer fit."""

from collections.abc import Sequence
from uuid import UUID

from django.utils import timezone

from mdm.errors import MdmError
from mdm.mastering import take_turn
from mdm.models import GoldenRecord
from mdm.retrying import atomic
from stewardship import requests
from stewardship.models import ChangeRequest, RequestState, Verb


def due() -> Sequence[UUID]:
    """Requests whose day has come, oldest day first."""
    waiting = ChangeRequest.objects.filter(state=RequestState.SCHEDULED, holds_from__lte=timezone.now())
    return list(waiting.order_by("holds_from", "pk").values_list("pk", flat=True))


def begin(request_id: UUID) -> bool:
    """Let an approved change whose day has come take effect; True when it did.

    Where the record has moved on in what the change touches, or the change no longer fits, it waits for approval
    again and says why. A second call changes nothing. Raises nothing of the core's.
    """
    try:
        return _begin(request_id)
    except MdmError as refusal:
        return _give_back(request_id, f"{refusal.message} {refusal.way_out}".strip())


@atomic
def _begin(request_id: UUID) -> bool:
    request = _locked(request_id)
    if request is None or request.record_id is None or request.decided_by is None:
        return False
    take_turn(composing=[request.domain])
    record = GoldenRecord.objects.select_for_update(no_key=True).get(pk=request.record_id)
    if requests.has_moved(request, record):
        return _give_back(request_id, "The record has changed since in what this touches.")
    decision = request.decisions.filter(verb=Verb.APPROVE).latest("decided_at")
    requests.carry_out(request, decision, approved_by=request.decided_by)
    request.state = RequestState.APPROVED
    request.save(update_fields=["state", "source_record"])
    return True


@atomic
def _give_back(request_id: UUID, why: str) -> bool:
    request = _locked(request_id)
    if request is not None:
        day = f"{request.holds_from:%d %b %Y}"
        request.state, request.decided_by, request.decided_at = RequestState.OPEN, None, None
        request.holds_from = None
        request.answer = f"It was approved to hold from {day} and could not: {why}"
        request.save(update_fields=["state", "decided_by", "decided_at", "holds_from", "answer"])
    return False


def _locked(request_id: UUID) -> ChangeRequest | None:
    mine = ChangeRequest.objects.select_for_update(no_key=True, of=("self",)).select_related("requested_by")
    return mine.filter(pk=request_id, state=RequestState.SCHEDULED, holds_from__lte=timezone.now()).first()
