"""The file beside a file: its number, rows, sums and checksum, by which the other side sees that it is whole."""

import csv
import io
import json
from collections.abc import Mapping
from typing import Any


def written(facts: Mapping[str, Any], form: str) -> bytes:
    """The control file's bytes. As CSV the sums are columns ``sum_NAME``."""
    if form == "csv":
        flat = {name: value for name, value in facts.items() if name != "sums"}
        flat |= {f"sum_{name}": value for name, value in facts["sums"].items()}
        text = io.StringIO()
        csv.writer(text, lineterminator="\r\n").writerows([list(flat), [str(value) for value in flat.values()]])
        return text.getvalue().encode()
    return json.dumps(dict(facts), indent=2, ensure_ascii=False).encode() + b"\n"
