"""The crosswalk as a file: which row of which received file is which golden record."""

import csv
from pathlib import Path, PurePosixPath, PureWindowsPath

from mdm.models import Link

COLUMNS = ("domain", "source_file", "source_key", "cluster_id")
_CHUNK = 5000


def export_crosswalk(path: Path) -> int:
    """Write domain, source_file, source_key, cluster_id of every linked row that came with a file; how many.

    The cluster is the golden record that answers now: links follow merges. Streams; the file is UTF-8. Rows of parts
    and records known by name only are left out: they are no rows of a list. Raises OSError.
    """
    rows = (
        Link.objects.filter(
            ended_at__isnull=True,
            source_record__part="",
            source_record__stub=False,
            source_record__batch__isnull=False,
        )
        .order_by("source_record_id")
        .values_list("source_record__domain", "source_record__batch__file_name", "source_record__key", "record_id")
    )
    count = 0
    with path.open("w", encoding="utf-8", newline="") as lines:
        out = csv.writer(lines)
        out.writerow(COLUMNS)
        for domain, file_name, key, record in rows.iterator(_CHUNK):
            out.writerow((domain, PureWindowsPath(PurePosixPath(file_name).name).name, key, record))
            count += 1
    return count
