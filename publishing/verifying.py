"""Ask a target whether it is the right one, show what it would be sent, and send that as a test."""

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID, uuid4

import orjson
from django.db import transaction

from mdm import canonical
from mdm.cause import Actor
from mdm.errors import Invalid, NotFound, WrongState
from mdm.identity import uuid7
from mdm.masking import MASK
from mdm.models import ChangeEvent, GoldenRecord, LogHead
from publishing import mapping, outcomes, payloads, selection, verbs
from publishing.clock import now
from publishing.files.verifying import put_test_file
from publishing.http import Caller
from publishing.lanes import locked, restart
from publishing.models import SIGNED_KINDS, Attempt, AuthKind, Endpoint, EndpointKind, EndpointState, Intervention
from publishing.proposing import Problem, Proposal, fill, unknown_host
from publishing.sending import Message, Result, Route, headers_for, open_caller, route_of, send

TEST_TYPE = "assay.test.v1"


def verify(*, endpoint: Endpoint, by: Actor) -> Result:
    """Ask the target whether it is the right one; an endpoint waiting for that becomes active. Records the attempt.

    A webhook is sent a signed ping and has to answer 2xx with the challenge it was given; a REST target has to answer
    2xx to a GET of its address, signed in; a place for files lets a small one be put and taken away. The result says
    in words why not. Raises WrongState where it is disabled.
    """
    if endpoint.state == EndpointState.DISABLED:
        raise WrongState(f"{endpoint.name} is disabled.", "Resume it first.")
    result = put_test_file(endpoint) if endpoint.kind == EndpointKind.FILE else _call(endpoint)
    with transaction.atomic():
        row = locked(endpoint.pk)
        _record(row, result, "verify", by)
        if result.outcome is outcomes.ACCEPTED and row.state == EndpointState.PENDING_VERIFICATION:
            verbs.change_state(row, EndpointState.ACTIVE, "", by)
            restart(row)
        endpoint.state = row.state
    return result


def _call(endpoint: Endpoint) -> Result:
    route = route_of(endpoint, now())
    with open_caller(route) as caller:
        return _ping(caller, route)


def _record(endpoint: Endpoint, result: Result, verb: str, by: Actor) -> None:
    """One attempt without a delivery, and who asked for it."""
    moment = now()
    Attempt.objects.create(
        endpoint=endpoint, number=0, at=moment, method=result.method, url=result.url,
        request_headers=dict(result.request_headers), http_code=result.http_code,
        outcome_code=result.outcome.code, duration_ms=result.duration_ms, answer=result.answer, error=result.words,
    )  # fmt: skip
    Intervention.objects.create(endpoint=endpoint, verb=verb, by=by.name, reason=result.outcome.code, at=moment)


def _ping(caller: Caller, route: Route) -> Result:
    uid = str(uuid7())
    if route.kind not in SIGNED_KINDS:
        return send(caller, replace(route, method="GET", secrets=()), Message(id=uid, body="", number=0))
    challenge = secrets.token_urlsafe(24)
    body = payloads.ping(uid, challenge, now())
    result = send(caller, route, Message(id=uid, body=body, number=0))
    if result.outcome is outcomes.ACCEPTED and not _echoes(result.answer, challenge):
        return replace(result, outcome=outcomes.NOT_LISTENING, words=outcomes.NOT_LISTENING.words, local_id="")
    return result


def _echoes(answer: str, challenge: str) -> bool:
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return False
    return isinstance(document, dict) and document.get("challenge") == challenge


@dataclass(frozen=True)
class Preview:
    """A record as an endpoint would be sent it; secrets show as dots.

    ``problems`` (field, sentence) say why it could not be sent, with an empty body; ``notes`` what else is good to
    know.
    """

    record: GoldenRecord
    version: int
    method: str
    url: str
    headers: Mapping[str, str]
    body: str
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    given: Mapping[str, Any] = field(default_factory=dict)


def preview(of: Endpoint | Proposal, record_id: UUID) -> Preview:
    """How the record's newest event would be sent to this endpoint, saved or merely proposed. Sends and writes nothing.

    Raises NotFound for an unknown record.
    """
    endpoint = of if isinstance(of, Endpoint) else _draft(of)
    record, event = _newest(record_id)
    uid = str(event.uid) if event else str(uuid7())
    message, problems, notes = Message(uid, "", 1), [], []
    given: dict[str, Any] = {}
    if event is None:
        problems.append(("record", f"{record.code} was never told to anybody outside: it is {record.state}."))
    else:
        body = payloads.read(event.body)
        path = payloads.path_of(endpoint.path, body) if endpoint.path else ""
        try:
            text, given = _rendered(endpoint, body, event)
            message = Message(uid, text, 1, path=path, lane_number=_number(endpoint))
        except mapping.Unfit as error:
            problems += error.faults
            message = replace(message, path=path)
        if not selection.chosen(endpoint).covers(body):
            notes.append("The selection of this endpoint leaves this record out: it would not be sent.")
        if given.get("truncated"):
            notes.append(f"Too large to be sent whole: {', '.join(given['left_out'])} left out, with a link.")
    if unheard := unknown_host(endpoint.url):
        notes.append(unheard)
    return Preview(
        record=record, version=event.version if event else record.version, method=endpoint.method,
        url=endpoint.url.rstrip("/") + message.path if message.path else endpoint.url,
        headers=_headers(endpoint, message), body=message.body, problems=tuple(problems), notes=tuple(notes),
        given=given,
    )  # fmt: skip


def _draft(proposal: Proposal) -> Endpoint:
    endpoint = Endpoint(id=uuid4())
    fill(endpoint, proposal)
    return endpoint


def _newest(record_id: UUID) -> tuple[GoldenRecord, ChangeEvent | None]:
    record = GoldenRecord.objects.filter(pk=record_id).first()
    if record is None:
        raise NotFound("There is no such record.", "Choose another one.")
    return record, ChangeEvent.objects.filter(record=record, outward=True).order_by("-version").first()


def _number(endpoint: Endpoint) -> int:
    """The number the next message of the lane would have."""
    lane = getattr(endpoint, "lane", None) if not endpoint._state.adding else None
    return (lane.numbered if lane else 0) + 1


def _rendered(endpoint: Endpoint, body: dict[str, Any], event: ChangeEvent) -> tuple[str, dict[str, Any]]:
    """The text, and what it gives of the record. Raises mapping.Unfit, also for an event of older declarations."""
    head = LogHead.objects.first() or LogHead()
    try:
        text = payloads.render(endpoint, body, seq=event.seq or 0, epoch=head.epoch, number=_number(endpoint))
        return text, payloads.content(endpoint, body)
    except (KeyError, TypeError, ValueError) as error:
        raise mapping.Unfit([("record", f"{outcomes.UNREADABLE.words} ({error})")]) from error


def _headers(endpoint: Endpoint, message: Message) -> dict[str, str]:
    """The headers of the call, with dots where secrets and what is made of them would stand."""
    scheme = {AuthKind.NONE: "", AuthKind.BASIC: f"Basic {MASK}"}.get(AuthKind(endpoint.auth_kind), f"Bearer {MASK}")
    route = Route(endpoint.kind, endpoint.url, endpoint.method, 0.0, scheme, ())
    headers = headers_for(route, message, now())
    return headers | ({"webhook-signature": f"v1,{MASK}"} if "webhook-signature" in headers else {})


def test_send(*, endpoint: Endpoint, record_id: UUID, by: Actor) -> Result:
    """Send the record to the target once, marked as a test; recorded as an attempt without delivery.

    A webhook gets the type ``assay.test.v1``, every target the header ``webhook-test: 1``. Neither what the target
    holds nor its lane moves. Raises WrongState for a disabled endpoint or one that is not called, NotFound, and Invalid
    where the record cannot be sent as it is.
    """
    if endpoint.kind not in (EndpointKind.WEBHOOK, EndpointKind.REST):
        raise WrongState(f"{endpoint.name} is not sent single records.", "Run its file instead.")
    if endpoint.state == EndpointState.DISABLED:
        raise WrongState(f"{endpoint.name} is disabled.", "Resume it first.")
    seen = preview(endpoint, record_id)
    if seen.problems:
        raise Invalid(f"{seen.record.code} cannot be sent like this.", "Mend what is named.", list(seen.problems))
    uid = str(uuid7())
    text = seen.body
    if endpoint.kind == EndpointKind.WEBHOOK:
        message = orjson.loads(text)
        message.pop("dataschema", None)
        text = canonical.dumps(message | {"id": uid, "type": TEST_TYPE, "time": now().isoformat()})
    path = seen.url.removeprefix(endpoint.url.rstrip("/")) if endpoint.path else ""
    route = route_of(endpoint, now())
    with open_caller(route) as caller:
        result = send(caller, route, Message(id=uid, body=text, number=0, path=path, test=True))
    with transaction.atomic():
        _record(endpoint, result, "test send", by)
    return result


test_send.__test__ = False  # type: ignore[attr-defined]  # a verb of the product, whatever its name tells pytest
