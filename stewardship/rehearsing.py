"""The dry run of a whole file with a look at whom its new rows resemble. Nothing of it is stored."""

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from matching.searching import search
from mdm.domains import BY_NAME
from mdm.intake.drafts import try_draft
from mdm.intake.dry_running import Report
from mdm.intake.mapping import Mapped
from mdm.models import FeedDraft


def dry_run(draft_id: UUID | str) -> FeedDraft:
    """Try the draft if it is due; its report also says what matching would do with its first new rows."""
    return try_draft(draft_id, _judged)[0]


def _judged(draft: FeedDraft, report: Report) -> dict[str, dict[str, int]]:
    if not report.fresh or draft.document.get("part"):
        return {}
    return {"likely": likely(str(draft.document["domain"]), report.fresh)}


def likely(domain: str, rows: Sequence[Mapped]) -> dict[str, int]:
    """{band: how many of these rows}; ``looked_at`` is how many there were."""
    counted = Counter(search(BY_NAME[domain], row.values, row.parts, limit=1).band for row in rows)
    return {**{band: counted.get(band, 0) for band in ("auto", "review", "new")}, "looked_at": len(rows)}
