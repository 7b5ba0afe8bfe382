"""The crosswalk as a file: which row of which received file is which golden record."""

import csv
from pathlib import Path, PurePosixPath, PureWindowsPath

from django.db import connection, transaction

COLUMNS = ("domain", "source_file", "source_key", "cluster_id")
_SQL = """
    SELECT s.domain, b.file_name, s.key, l.record_id
    FROM mdm_link l
    JOIN mdm_sourcerecord s ON s.id = l.source_record_id
    JOIN mdm_batch b ON b.id = s.batch_id
    WHERE l.ended_at IS NULL AND s.part = '' AND NOT s.stub
    ORDER BY s.id
"""


def export_crosswalk(path: Path) -> int:
    """Write domain, source_file, source_key, cluster_id of every linked row that came with a file; how many.

    The cluster is the golden record that answers now: links follow merges. Streams; the file is UTF-8.
    """
    count = 0
    with transaction.atomic(), path.open("w", encoding="utf-8", newline="") as lines:
        out = csv.writer(lines)
        out.writerow(COLUMNS)
        with connection.cursor() as cursor:
            cursor.execute(_SQL)
            while rows := cursor.fetchmany(5000):
                out.writerows((domain, _base(name), key, record) for domain, name, key, record in rows)
                count += len(rows)
    return count


def _base(name: str) -> str:
    return PureWindowsPath(PurePosixPath(name).name).name
