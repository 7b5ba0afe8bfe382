"""Tell witnesses outside of the log's signed checkpoints, so that one is kept where nobody of the hub can reach it.

A witness is an endpoint with a lane of its own; its cursor counts checkpoints. A message carries the newest checkpoint
of each life of the log, not all of them: the hash vouches for every event before, so nothing is proven less by what
was passed over while the witness was away. Signed, timed out, rested and disabled like any webhook.
"""

from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from mdm import canonical
from mdm.checkpoints import signed
from mdm.models import Checkpoint
from publishing import breaker, outcomes
from publishing.clock import now
from publishing.lanes import Claim, Fenced, claim, hold, let_go
from publishing.models import LIVE, Attempt, Endpoint, EndpointKind, Lane
from publishing.outcomes import Fate
from publishing.payloads import SOURCE
from publishing.sealing import SealBroken
from publishing.sending import Message, Result, open_caller, route_of, send

TYPE = "assay.checkpoint.v1"


def due_witnesses() -> list[UUID]:
    """Witnesses whose lane is free and rested and who have not heard of the newest checkpoint. One query."""
    moment = now()
    newer = Checkpoint.objects.filter(pk__gt=OuterRef("cursor_low"))
    lanes = Lane.objects.filter(Exists(newer), endpoint__kind=EndpointKind.WITNESS, endpoint__state__in=LIVE)
    lanes = lanes.filter(Q(claim_id__isnull=True) | Q(lease_until__lte=moment))
    lanes = lanes.filter(Q(next_probe_at__isnull=True) | Q(next_probe_at__lte=moment))
    return list(lanes.order_by(F("last_success_at").asc(nulls_first=True)).values_list("endpoint_id", flat=True))


def tell(endpoint_id: UUID) -> int:
    """Tell one witness what it has not heard, in order; returns how many checkpoints it took.

    Of two workers the second returns at once. Killed between the call and its record, the same checkpoint is sent
    again with the same id and bytes. Never raises for what the witness does.
    """
    claimed = claim(endpoint_id, kinds=(EndpointKind.WITNESS,))
    if claimed is None:
        return 0
    try:
        return _tell(claimed)
    except Fenced:
        return 0
    finally:
        let_go(claimed)


def tell_all() -> int:
    """Tell every witness that is due; returns how many checkpoints were taken."""
    return sum(tell(endpoint_id) for endpoint_id in due_witnesses())


def next_for(cursor: int) -> Checkpoint | None:
    """The next checkpoint after this one that is the last of its life so far; None where there is none."""
    later = Checkpoint.objects.filter(epoch=OuterRef("epoch"), pk__gt=OuterRef("pk"))
    return Checkpoint.objects.filter(~Exists(later), pk__gt=cursor).order_by("pk").first()


def body_of(row: Checkpoint) -> str:
    """The message: the same bytes for every try and every witness."""
    at = signed(row)
    return canonical.dumps(
        {
            "specversion": "1.0",
            "id": str(row.uid),
            "source": SOURCE,
            "type": TYPE,
            "time": at.at,
            "subject": at.epoch,
            "datacontenttype": "application/json",
            "data": {
                "epoch": at.epoch, "seq": at.seq, "hash": at.hash, "at": at.at, "key_id": at.key_id,
                "signature": at.signature,
            },
        }
    )  # fmt: skip


def _tell(claimed: Claim) -> int:
    endpoint = Endpoint.objects.prefetch_related("secrets").select_related("lane").get(pk=claimed.endpoint_id)
    taken = 0
    try:
        route = route_of(endpoint, now())
        caller = open_caller(route)
    except SealBroken as error:
        broken = Result(outcomes.SECRET, endpoint.url, endpoint.method, words=f"{outcomes.SECRET.words} {error}"[:500])
        _write(claimed, None, broken)
        return 0
    with caller:
        cursor, failures = endpoint.lane.cursor_low, endpoint.lane.failures
        while row := next_for(cursor):
            result = send(caller, route, Message(id=str(row.uid), body=body_of(row), number=failures + 1))
            if not _write(claimed, row, result):
                break
            cursor, failures, taken = row.pk, 0, taken + 1
    return taken


@transaction.atomic
def _write(claimed: Claim, row: Checkpoint | None, result: Result) -> bool:
    """Record the attempt; the cursor moves on or the lane rests. Whether there is any sense in going on."""
    lane, moment = hold(claimed)
    Attempt.objects.create(
        endpoint=lane.endpoint, number=lane.failures + 1, at=moment, method=result.method, url=result.url,
        request_headers=dict(result.request_headers), http_code=result.http_code, outcome_code=result.outcome.code,
        duration_ms=result.duration_ms, answer=result.answer, error=result.words,
    )  # fmt: skip
    if row is None or result.outcome.fate is not Fate.ACCEPTED:
        # A witness that refuses a checkpoint is a broken witness: there is nothing to park.
        breaker.rest(lane, result, moment)
        return False
    lane.cursor_low = row.pk
    lane.save(update_fields=["cursor_low"])
    breaker.clear(lane, moment, succeeded=True)
    return lane.endpoint.state in LIVE
