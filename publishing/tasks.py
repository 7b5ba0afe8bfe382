"""Publishing in the background. PostgreSQL holds all of it: losing every message costs a second."""

from uuid import UUID

from celery import shared_task
from celery.worker import state

from mdm.cause import HUB
from mdm.retrying import AWAY
from publishing import asking, reconciling
from publishing.attending import ATTENDANT
from publishing.files import kept, runs
from publishing.files.queries import due as due_files
from publishing.models import Endpoint
from publishing.notices import watch as look_round
from publishing.partitions import keep_attempts
from publishing.purging import purge as purge_settled
from publishing.witnessing import tell_all


def stopping() -> bool:
    """Whether this worker was told to end; 0 is a way to end, too."""
    return any(said is not None and said is not False for said in (state.should_stop, state.should_terminate))


@shared_task(throws=AWAY, name="publishing.tasks.attend")
def attend() -> int:
    """See that this worker's attendant lives, who drains lanes as the log grows; returns how many it moves now.

    The second of two finds it living and ends.
    """
    return ATTENDANT.ensure(stopping)


@shared_task(throws=AWAY, name="publishing.tasks.watch")
def watch() -> dict[str, int]:
    """Tell owners what is wrong with their endpoints; returns counts. Of two at a time the second ends at once."""
    seen = look_round()
    return {"new": len(seen.new), "mailed": seen.mailed, "called": seen.called}


@shared_task(throws=AWAY, name="publishing.tasks.purge", queue="maintenance")
def purge() -> int:
    """Delete settled deliveries kept long enough; returns how many. The second time there are none."""
    return purge_settled()


@shared_task(throws=AWAY, name="publishing.tasks.files_sweep")
def files_sweep() -> int:
    """Wake a worker for every file endpoint whose turn has come; returns how many. Waking twice is harmless."""
    waiting = due_files()
    for endpoint_id in waiting:
        write_file.apply_async((str(endpoint_id),), queue="publish", expires=60)
    return len(waiting)


@shared_task(throws=AWAY, name="publishing.tasks.write_file")
def write_file(endpoint_id: str) -> int:
    """Write the file of one endpoint that is due; returns its rows. The second of two finds the lane taken and ends,
    or nothing due any more."""
    if UUID(endpoint_id) not in due_files():
        return 0
    done = runs.write(Endpoint.objects.get(pk=endpoint_id), HUB)
    return done.run.rows if done.run else 0


@shared_task(throws=AWAY, name="publishing.tasks.tidy_files", queue="publish")
def tidy_files() -> int:
    """Clear away sent files kept long enough; returns of how many runs. The second time there are none."""
    return kept.tidy()


@shared_task(throws=AWAY, name="publishing.tasks.compare_sweep")
def compare_sweep() -> int:
    """Wake a worker for every comparison nobody works at; returns how many. Waking twice is harmless."""
    waiting = asking.due()
    for check_id in waiting:
        compare.apply_async((check_id,), queue="maintenance", expires=60)
    return len(waiting)


@shared_task(throws=AWAY, name="publishing.tasks.compare", queue="maintenance")
def compare(check_id: int) -> str:
    """Ask a target what it holds and compare; returns the state of the check. The second of two leaves at once."""
    return asking.run(check_id)


@shared_task(throws=AWAY, name="publishing.tasks.compare_all", queue="maintenance")
def compare_all() -> int:
    """Begin a comparison of every target that can be asked; returns how many. Those being compared are left alone."""
    reconciling.give_up_old()
    return asking.ask_all()


@shared_task(throws=AWAY, name="publishing.tasks.witness", queue="publish")
def witness() -> int:
    """Tell witnesses of new checkpoints; returns how many were taken. The second of two finds the lanes taken."""
    return tell_all()


@shared_task(throws=AWAY, name="publishing.tasks.partitions", queue="maintenance")
def partitions() -> int:
    """Make the coming weeks of attempts and drop those nobody may look at any more; returns how many were dropped.

    The second time there is nothing to do; what waits for a lock is done an hour later.
    """
    return len(keep_attempts().dropped)
