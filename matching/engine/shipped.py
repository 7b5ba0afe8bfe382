"""The default weights shipped for a domain: read, and written by the training that made them."""

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np

from matching.engine.additive import KNOTS, Additive, Line

FOLDER = Path(__file__).parents[1] / "defaults"


@lru_cache(maxsize=8)
def shipped(domain: str) -> Additive | None:
    """The weights shipped under that name, nothing where there is no name."""
    if not domain:
        return None
    read = json.loads((FOLDER / f"{domain}.json").read_text(encoding="utf-8"))
    lines = {name: Line(line["silent"], np.array(line["rises"])) for name, line in read["lines"].items()}
    return Additive(read["start"], lines, np.array(read.get("knots", KNOTS)))


def ship(domain: str, model: Additive, facts: Mapping[str, str | int]) -> Path:
    """Write them with the facts of their training; the file."""
    lines = {
        name: {"silent": round(line.silent, 3), "rises": [round(rise, 3) for rise in line.rises.tolist()]}
        for name, line in sorted(model.lines.items())
    }
    file = FOLDER / f"{domain}.json"
    told = [
        f" {json.dumps(name)}: {json.dumps(value)}"
        for name, value in [*facts.items(), ("start", round(model.start, 3)), ("knots", model.knots.tolist())]
    ]
    each = [f"  {json.dumps(name)}: {json.dumps(line)}" for name, line in lines.items()]
    file.write_text("{\n" + ",\n".join(told) + ',\n "lines": {\n' + ",\n".join(each) + "\n }\n}\n", encoding="utf-8")
    return file
