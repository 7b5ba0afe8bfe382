"""Publishing in the background. PostgreSQL holds all of it: losing every message costs a second."""

from uuid import UUID

from celery import shared_task

from mdm.retrying import AWAY
from publishing.draining import drain as drain_lane
from publishing.lanes import due


@shared_task(throws=AWAY, name="publishing.tasks.sweep")
def sweep() -> int:
    """Wake a worker for every lane that has work and no holder; returns how many. Waking twice is harmless."""
    lanes = due()
    for endpoint_id in lanes:
        drain.apply_async((str(endpoint_id),), queue="publish", expires=30)
    return len(lanes)


@shared_task(throws=AWAY, name="publishing.tasks.drain")
def drain(endpoint_id: str) -> dict[str, int]:
    """Drain one lane for a while; returns counts. The second of two at the same time finds the lane taken and ends."""
    done = drain_lane(UUID(endpoint_id))
    return {"delivered": done.delivered, "refused": done.refused, "failed": done.failed}
