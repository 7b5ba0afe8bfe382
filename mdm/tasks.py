"""Background work of the core: reading batches, and the sweep that finds what no message announced."""

from celery import shared_task

from mdm.intake.batches import due, read


@shared_task(queue="import")
def read_batch(batch_id: str) -> str:
    """Read one batch; its state afterwards. The second time there is nothing left to read."""
    return read(batch_id).state


@shared_task(queue="import")
def sweep() -> dict[str, str]:
    """Read every batch that waits or whose reader died: {batch: state}. Batches read elsewhere are left alone."""
    return {str(batch_id): read(batch_id).state for batch_id in due()}
