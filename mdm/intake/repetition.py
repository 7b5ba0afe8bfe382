"""Keys that stand twice in one file: remembered in PostgreSQL, so that memory stays flat for any file."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import connection

from mdm.intake.mapping import Mapped
from mdm.models import RowState

FORGET = "DROP TABLE IF EXISTS intake_seen"
START = "CREATE TEMP TABLE intake_seen (key text PRIMARY KEY, line integer, content_hash text)"
# A reading that goes on after a stop knows what its predecessor took.
RECALL = """
INSERT INTO intake_seen
SELECT row.key, min(row.line), (array_agg(record.content_hash ORDER BY row.line))[1]
FROM mdm_sourcerow row
JOIN mdm_sourcerecord record
  ON record.system_id = %s AND record.domain = %s AND record.part = %s AND record.key = row.key
WHERE row.batch_id = %s AND row.state IN ('accepted', 'unchanged', 'mended')
GROUP BY row.key
"""

Seen = tuple[int, str]  # line, content hash


class Keys:
    """The keys of one file as far as it was read. One at a time per connection.

    ``chunks``: there are several, or some were taken by a predecessor; else nothing has to be remembered. To drop a
    table makes the session forget all it has prepared.
    """

    def __init__(self, *, batch_id: UUID, system_id: int, domain: str, part: str, chunks: bool = True) -> None:
        self._chunks = chunks
        if not chunks:
            return
        with connection.cursor() as cursor:
            cursor.execute(FORGET)
            cursor.execute(START)
            cursor.execute(RECALL, [system_id, domain, part, batch_id])

    def seen(self, keys: Sequence[str]) -> dict[str, Seen]:
        """Those of the keys that stood in an earlier chunk: {key: (line, content hash)}."""
        if not self._chunks:
            return {}
        with connection.cursor() as cursor:
            cursor.execute("SELECT key, line, content_hash FROM intake_seen WHERE key = ANY(%s)", [list(keys)])
            return {key: (line, content) for key, line, content in cursor.fetchall()}

    def remember(self, fresh: Mapping[str, Seen]) -> None:
        """Add keys not seen before, in the caller's transaction."""
        if not self._chunks:
            return
        with connection.cursor() as cursor, cursor.copy("COPY intake_seen FROM STDIN") as copy:
            for key, (line, content) in fresh.items():
                copy.write_row((key, line, content))

    def forget(self) -> None:
        """Give the room back."""
        if not self._chunks:
            return
        with connection.cursor() as cursor:
            cursor.execute(FORGET)


def compare(row: Mapped, before: Seen | None) -> str:
    """The state of a good row whose key stood `before` in its file: the same content is nothing new, other content
    is a contradiction that a person has to settle."""
    if before is None:
        return RowState.ACCEPTED
    line, content = before
    if content == row.content_hash:
        return RowState.UNCHANGED
    row.refuse(
        f"The key {row.key} stands twice in this file with different content: on line {line}, which was taken, "
        f"and on line {row.line}.",
        "Decide which one is right: dismiss this row, or mend it and send it again.",
    )
    return RowState.QUARANTINED
