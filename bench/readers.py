"""Reading speed and memory: ``python -m bench.readers [ROWS]`` writes files of that many rows and reads them.

Speed and memory are measured in separate passes, because tracemalloc slows reading several times.
"""

import csv
import json
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

from openpyxl import Workbook

from mdm.intake.readers import read

COLUMNS = ["VENDOR_NO", "VENDOR_NAME", "TAX_ID", "ADDR1", "ADDR2", "CITY", "STATE", "ZIP", "COUNTRY", "PHONE"]


def row(n: int) -> list[str]:
    """One made-up supplier; every third has a quoted comma."""
    comma = "," if n % 3 == 0 else ""
    return [f"V{n:07d}", f"SUPPLIER {n % 9973}{comma} INC",
            f"84-{n:07d}", f"{n % 999} WINTER STREET", "", "WALTHAM", "MA",
            f"{n % 99999:05d}", "US", "(858) 909-0749"]  # fmt: skip


def write(folder: Path, rows: int) -> list[Path]:
    """The same rows as CSV, JSON lines and XLSX (a tenth of them: writing is slow)."""
    as_csv, as_lines, as_book = folder / "rows.csv", folder / "rows.jsonl", folder / "rows.xlsx"
    with as_csv.open("w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out)
        writer.writerow(COLUMNS)
        writer.writerows(row(n) for n in range(rows))
    with as_lines.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(dict(zip(COLUMNS, row(n), strict=True))) + "\n" for n in range(rows))
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(COLUMNS)
    for n in range(rows // 10):
        sheet.append(row(n))
    book.save(as_book)
    return [as_csv, as_lines, as_book]


def measure(path: Path) -> str:
    """Rows a second of processor time, and the peak of memory a second pass holds."""
    started = time.process_time()
    with read(path, expected_columns=COLUMNS) as reading:
        count = sum(1 for _ in reading)
    seconds = time.process_time() - started
    tracemalloc.start()
    with read(path, expected_columns=COLUMNS) as reading:
        for number, _ in enumerate(reading):
            if number == 0:
                tracemalloc.reset_peak()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return f"{path.name}: {count:,} rows, {count / seconds:,.0f} rows/s, peak {peak / 1024**2:.1f} MB"


def main() -> None:
    """Write, measure, print."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as folder:
        for path in write(Path(folder), rows):
            print(measure(path))


if __name__ == "__main__":
    main()
