"""What commands print: refusals with all their reasons, and counts of batches as a table."""

from collections.abc import Iterable

from mdm.errors import Invalid
from mdm.models import Batch

HEAD = ("Feed", "File", "State", "Rows", "New", "Changed", "Unchanged", "Quarantined")


def told(error: Exception) -> str:
    """An error in words for a terminal: message, every reason, way out."""
    lines = [getattr(error, "message", "") or str(error)]
    if isinstance(error, Invalid):
        lines += [f"  {place}: {message}" for place, message in error.problems]
    return "\n".join([*lines, *filter(None, [getattr(error, "way_out", "")])])


def table(batches: Iterable[Batch]) -> str:
    """One line a batch, a line of totals below, and what went wrong or was repeated."""
    batches = list(batches)
    rows = [
        (
            batch.feed.code,
            batch.file_name,
            "repeated" if batch.repeats_id and not batch.rows_read else batch.state,
            *(f"{count:,}" for count in _counts(batch)),
        )
        for batch in batches
    ]
    totals = [sum(column) for column in zip(*(_counts(batch) for batch in batches), strict=True)] or [0] * 5
    lines = [HEAD, *rows, ("Total", "", "", *(f"{count:,}" for count in totals))]
    widths = [max(len(line[place]) for line in lines) for place in range(len(HEAD))]
    text = [
        "  ".join(
            cell.ljust(width) if place < 3 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    text += [f"{batch.file_name}: {batch.problem} {batch.way_out}".rstrip() for batch in batches if batch.problem]
    return "\n".join(text)


def _counts(batch: Batch) -> tuple[int, int, int, int, int]:
    return (batch.rows_read, batch.rows_new, batch.rows_changed, batch.rows_unchanged, batch.rows_quarantined)
