"""How a lane that stood still goes on: with everything, with the latest state of each record, or from now on."""

from django.db.models import Min

from mdm.cause import Actor
from mdm.models import LogHead
from publishing import outcomes
from publishing.clock import now
from publishing.filling import bring_forward, newest_events
from publishing.models import Delivery, DeliveryState, Lane, Passing
from publishing.superseding import supersede

OPEN = (DeliveryState.WAITING, DeliveryState.PARKED)


def go_on(lane: Lane, passing: Passing, by: Actor, reason: str) -> None:
    """Set the lane's place in the log of today and what becomes of what it has not told. The caller has it locked."""
    head = LogHead.objects.first()
    if head is not None:
        lane.epoch, lane.cursor_low = head.epoch, min(lane.cursor_low, head.seq)
    until = head.seq if head else 0
    lane.passing, lane.passing_until = Passing.NOTHING, None
    if passing != Passing.NOTHING and until > lane.cursor_low:
        lane.passing, lane.passing_until = passing, until
    lane.save(update_fields=["epoch", "cursor_low", "passing", "passing_until"])
    if passing == Passing.LATEST:
        _only_latest(lane, until)
    elif passing == Passing.SKIP:
        _leave_out(lane, by, reason)


def _only_latest(lane: Lane, until: int) -> None:
    """Of each record that waits only its latest state is told, wherever in the log that stands."""
    moment = now()
    waiting = Delivery.objects.filter(endpoint_id=lane.endpoint_id, state__in=OPEN)
    ranks = dict(waiting.order_by().values_list("record_id").annotate(first=Min("rank")))
    newest = [event for event in newest_events(ranks, until).values() if int(event.seq or 0) > lane.cursor_low]
    Delivery.objects.bulk_create(bring_forward(lane.endpoint, newest, ranks, moment), ignore_conflicts=True)
    supersede(lane.endpoint_id, ranks, moment)


def _leave_out(lane: Lane, by: Actor, reason: str) -> None:
    Delivery.objects.filter(endpoint_id=lane.endpoint_id, state__in=OPEN).update(
        state=DeliveryState.SKIPPED,
        settled_at=now(),
        outcome_code=outcomes.LEFT_OUT.code,
        outcome=outcomes.left_out(by.name, reason),
    )
