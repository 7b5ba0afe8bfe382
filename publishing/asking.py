"""Asking a target what it holds: its buckets if it has them, then its records page by page, then comparing.

The target offers one address (``Endpoint.reconcile_path``); docs/guides/receipts-and-drift.md says what it answers. A
check is a job: each page and its place are kept in one transaction under the worker's claim, so a worker that dies
costs one page. No transaction is open while the target is waited for.
"""

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Q

from mdm.cause import HUB, Actor
from mdm.errors import WrongState
from publishing import oauth
from publishing.clock import now
from publishing.comparing import keepable
from publishing.http import Caller, CallFailed
from publishing.models import SIGNED_KINDS, UNFINISHED, Compared, DriftCheck, Endpoint, JobState, Told
from publishing.oauth import NoToken
from publishing.outcomes import clean
from publishing.reconciling import BUCKETS, Theirs, compare_all, moving, our_buckets, take_down
from publishing.sealing import SealBroken
from publishing.sending import Message, Route, headers_for, open_caller, route_of

PAGE = 1000
ANSWER_MOST = 4 * 1024 * 1024
LEASE = timedelta(seconds=120)
TRIES = 3
ASKED_AT_ONCE = 64  # buckets of one question: an address of 300 characters
FEW = 512  # above this many buckets the whole list is asked for at once

logger = logging.getLogger(__name__)


class NoAnswer(Exception):
    """The target did not say what it holds; the message says why, for whoever runs it."""


@dataclass(frozen=True)
class Place:
    """How far a check has come: how many lots of buckets are told, and the target's own place within the next."""

    lots: int = -1  # -1: buckets not asked for yet
    cursor: str = ""

    @classmethod
    def read(cls, text: str) -> "Place":
        return cls(*json.loads(text)) if text else cls()

    def __str__(self) -> str:
        return json.dumps([self.lots, self.cursor])


def may_ask(endpoint: Endpoint) -> bool:
    """Whether the target offers to say what it holds."""
    return bool(endpoint.reconcile_path and endpoint.url)


def ask(*, endpoint: Endpoint, by: Actor) -> DriftCheck:
    """A job that asks the target what it holds and compares; a worker takes it on. Raises WrongState where the target
    offers nothing to ask, or is being asked.
    """
    if not may_ask(endpoint):
        raise WrongState(
            f"{endpoint.name} has no address to ask what it holds.",
            "Set it up, or let the target send what it holds to /api/v1/reconcile.",
        )
    try:
        with transaction.atomic():
            return DriftCheck.objects.create(
                endpoint=endpoint, by=by.name[:150], via="asked", state=JobState.WAITING, started_at=now()
            )
    except IntegrityError as error:
        raise WrongState(f"{endpoint.name} is being compared.", "Its page shows how far it is.") from error


def ask_all() -> int:
    """Begin a check of every target that can be asked and is not being asked; returns how many."""
    begun = 0
    for endpoint in Endpoint.objects.exclude(reconcile_path="").exclude(state="disabled"):
        try:
            ask(endpoint=endpoint, by=HUB)
        except WrongState:
            continue
        begun += 1
    return begun


def due() -> list[int]:
    """Checks nobody works at."""
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=now())
    return list(DriftCheck.objects.filter(free, via="asked", state__in=UNFINISHED).values_list("pk", flat=True))


def run(check_id: int) -> str:
    """Work at a check until it is done; returns its state. One worker at a time: the second of two leaves at once.

    Killed at any point it loses one page: when the lease has ended, whoever runs it next goes on from there. Never
    raises for what the target does: the check fails and says why.
    """
    claim_id = uuid4()
    check = _claim(check_id, claim_id)
    if check is None:
        return "taken"
    try:
        route = route_of(check.endpoint, now())
        with open_caller(route) as caller:
            _work(check, claim_id, caller, route)
    except (NoAnswer, SealBroken) as error:
        _fail(check, claim_id, str(error))
    check.refresh_from_db(fields=["state"])
    return str(check.state)


def _claim(check_id: int, claim_id: UUID) -> DriftCheck | None:
    moment = now()
    free = Q(lease_until__isnull=True) | Q(lease_until__lte=moment)
    rows = DriftCheck.objects.filter(free, pk=check_id, via="asked", state__in=UNFINISHED)
    if not rows.update(claim_id=claim_id, lease_until=moment + LEASE, state=JobState.RUNNING):
        return None
    return DriftCheck.objects.select_related("endpoint").get(pk=check_id)


def _work(check: DriftCheck, claim_id: UUID, caller: Caller, route: Route) -> None:
    while True:
        place = Place.read(check.cursor)
        if place.lots < 0:
            answer = _ask(caller, route, check.endpoint, {"view": "buckets"}, may_lack=True)
            _keep_buckets(check, claim_id, answer)
            continue
        lots = _lots(check)
        if place.lots >= len(lots):
            _compare(check, claim_id)
            return
        question = {"limit": str(PAGE)} | ({"buckets": ",".join(lots[place.lots])} if lots[place.lots] else {})
        answer = _ask(caller, route, check.endpoint, question | ({"cursor": place.cursor} if place.cursor else {}))
        _keep_page(check, claim_id, place, answer)


def _lots(check: DriftCheck) -> list[list[str]]:
    """What is asked for, question by question; one without buckets asks for everything."""
    names = [f"{number:03x}" for number in check.open_buckets]
    if len(names) > FEW:
        return [[]]
    return [names[start : start + ASKED_AT_ONCE] for start in range(0, len(names), ASKED_AT_ONCE)]


def _held(check: DriftCheck, claim_id: UUID) -> DriftCheck:
    """The check, locked, its lease renewed. Raises NoAnswer where another worker has it."""
    row = DriftCheck.objects.select_for_update(no_key=True, of=("self",)).filter(pk=check.pk, claim_id=claim_id).first()
    if row is None or row.state != JobState.RUNNING:
        raise NoAnswer("Another worker goes on with it.")
    row.lease_until = now() + LEASE
    row.save(update_fields=["lease_until"])
    return row


@transaction.atomic
def _keep_buckets(check: DriftCheck, claim_id: UUID, answer: Mapping[str, Any] | None) -> None:
    """Where the target has buckets, only those that differ are asked for; where it has none, everything."""
    row = _held(check, claim_id)
    given = answer.get("buckets") if answer else None
    by = answer.get("by") if answer else None
    row.compares = by if by in Compared.values else Compared.CONTENT
    ours = our_buckets(check.endpoint, row.compares)
    row.open_buckets = list(range(BUCKETS))
    if isinstance(given, Mapping):
        theirs = {int(str(name), 16): str(digest) for name, digest in given.items() if _is_bucket(str(name))}
        named = ours.keys() | theirs.keys()
        row.open_buckets = sorted(n for n in named if ours.get(n, (0, ""))[1] != theirs.get(n, ""))
    row.buckets_differing, row.left_out = len(row.open_buckets), moving(check.endpoint)
    row.compared = sum(count for count, _ in ours.values())
    _move(check, row, Place(0), ["compares", "open_buckets", "buckets_differing", "left_out", "compared"])


def _is_bucket(name: str) -> bool:
    return len(name) == 3 and set(name) <= set("0123456789abcdef")


@transaction.atomic
def _keep_page(check: DriftCheck, claim_id: UUID, place: Place, answer: Mapping[str, Any] | None) -> None:
    row = _held(check, claim_id)
    records = _records(answer)
    take_down(row, records)
    row.told += len(records)
    following = clean(str((answer or {}).get("next_cursor") or ""))
    if len(following) > 250 or (following and following == place.cursor):
        raise NoAnswer("The target's next_cursor leads nowhere: it is the same again, or longer than 250 characters.")
    _move(check, row, Place(place.lots, following) if following else Place(place.lots + 1), ["told"])


def _move(check: DriftCheck, row: DriftCheck, place: Place, fields: Sequence[str]) -> None:
    row.cursor = str(place)
    row.save(update_fields=["cursor", *fields])
    for name in ("cursor", *fields):
        setattr(check, name, getattr(row, name))


def _records(answer: Mapping[str, Any] | None) -> list[Theirs]:
    records = (answer or {}).get("records")
    if not isinstance(records, list) or any(not isinstance(one, Mapping) for one in records):
        raise NoAnswer("The target's answer has no list `records`.")
    return [_theirs(one) for one in records]


def _theirs(raw: Mapping[str, Any]) -> Theirs:
    version, fields = raw.get("version"), raw.get("fields")
    names = {name: clean(str(raw.get(name) or "")).strip() for name in ("id", "local_id", "digest")}
    if not names["id"] and not names["local_id"]:
        raise NoAnswer("A record of the target's answer has neither id nor local_id.")
    whole = isinstance(version, int) and not isinstance(version, bool) and 0 <= version < 2**31
    kept = keepable(fields) if isinstance(fields, Mapping) else None
    return Theirs(names["id"][:200], version if whole else None, names["digest"][:64], kept, names["local_id"][:120])


@transaction.atomic
def _compare(check: DriftCheck, claim_id: UUID) -> None:
    Endpoint.objects.select_for_update(no_key=True).get(pk=check.endpoint_id)
    row = _held(check, claim_id)
    row.endpoint = check.endpoint
    compare_all(row)


def _fail(check: DriftCheck, claim_id: UUID, words: str) -> None:
    rows = DriftCheck.objects.filter(pk=check.pk, claim_id=claim_id, state=JobState.RUNNING)
    if rows.update(state=JobState.FAILED, error=words[:500], finished_at=now()):
        Told.objects.filter(check_run=check).delete()


def _ask(
    caller: Caller, route: Route, endpoint: Endpoint, question: Mapping[str, str], *, may_lack: bool = False
) -> Mapping[str, Any] | None:
    """One GET, signed in; three tries. None where the target answers 4xx and may. Raises NoAnswer."""
    url = f"{address(endpoint)}?{urlencode(question)}"
    words = ""
    for _ in range(TRIES):
        try:
            signed = _signed_in(caller, route)
            headers = headers_for(signed, Message(id=str(uuid4()), body="", number=0), now())
            reply = caller.call("GET", url, headers, b"", seconds=route.seconds, most=ANSWER_MOST)
        except (CallFailed, NoToken) as error:
            words = f"{endpoint.name} did not answer: {error}."
            continue
        if may_lack and reply.code in (400, 404, 422, 501):
            return None
        if reply.code == 200:
            return _document(endpoint, reply.text)
        words = f"{endpoint.name} answered HTTP {reply.code} when it was asked what it holds."
    raise NoAnswer(words)


def _signed_in(caller: Caller, route: Route) -> Route:
    if route.credentials is None:
        return route
    return replace(route, authorization=oauth.authorization(caller, route.credentials, seconds=route.seconds))


def address(endpoint: Endpoint) -> str:
    """Where the target says what it holds: behind the URL of a push, behind the host of a webhook."""
    if endpoint.kind in SIGNED_KINDS:
        parts = urlsplit(endpoint.url)
        return f"{parts.scheme}://{parts.netloc}{endpoint.reconcile_path}"
    return endpoint.url.rstrip("/") + endpoint.reconcile_path


def _document(endpoint: Endpoint, text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        size = " (longer than 4 MB)" if len(text.encode()) >= ANSWER_MOST else ""
        raise NoAnswer(f"{endpoint.name} answered something that is no JSON object{size}.")
    return document
