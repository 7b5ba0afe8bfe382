"""Background work of stewardship: changes whose day has come, dry runs of whole files, mail of what is new."""

from uuid import UUID

from celery import shared_task

from mdm.intake.drafts import due_drafts
from mdm.retrying import AWAY
from stewardship import bulk, rehearsing
from stewardship.lists import acting, checking, keeping
from stewardship.scheduled import begin, due
from stewardship.work.digest import send_due


@shared_task(throws=AWAY, queue="maintenance")
def begin_scheduled() -> int:
    """Let approved changes whose day has come take effect; how many did. The second time there are none."""
    return sum(begin(request_id) for request_id in due())


@shared_task(throws=AWAY, queue="import")
def dry_run(draft_id: str) -> str:
    """Try one file as a whole; the draft's state afterwards. The second time there is nothing left to try."""
    return rehearsing.dry_run(draft_id).state


@shared_task(throws=AWAY, queue="import")
def dry_run_sweep() -> dict[str, str]:
    """Try every file that waits or whose worker died: {draft: state}. Drafts tried elsewhere are left alone."""
    return {str(draft_id): rehearsing.dry_run(draft_id).state for draft_id in due_drafts()}


@shared_task(throws=AWAY, queue="maintenance")
def send_digests() -> int:
    """Mail people what is new for them, where their turn has come; how many mails went. The second time none."""
    return send_due()


@shared_task(throws=AWAY, name=bulk.CARRY_OUT, queue="maintenance")
def carry_out_bulk(bulk_id: str) -> int:
    """Carry out one bulk decision to its end; how many steps. The second time there is nothing left."""
    return bulk.carry_out(UUID(bulk_id))


@shared_task(throws=AWAY, queue="maintenance")
def bulk_sweep() -> int:
    """Go on with what a lost message or a dead worker left behind; how many steps. Repeatable."""
    return sum(bulk.carry_out(bulk_id) for bulk_id in bulk.under_way())


@shared_task(throws=AWAY, name=keeping.CHECK, queue="import")
def check_list(list_id: str) -> str:
    """Check one list, or propose or withdraw its changes, for a while; its state afterwards.

    The second time there is nothing left, or others have it.
    """
    return checking.check(list_id) or acting.carry_out(list_id)


@shared_task(throws=AWAY, queue="import")
def lists_sweep() -> dict[str, str]:
    """Go on with the list that waits longest, or whose worker died: {list: state}. Lists in other hands are left."""
    return {str(list_id): check_list(str(list_id)) for list_id in keeping.due()[:1]}


@shared_task(throws=AWAY, queue="maintenance")
def tidy_lists() -> int:
    """Take away lists that were kept long enough, with their files; how many. The second time none."""
    return keeping.tidy()
