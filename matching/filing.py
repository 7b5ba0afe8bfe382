"""The file door of the engine: records and decisions read from files, what was found written to files.

A file is taken whole or refused with every fault at once; nothing of it enters the hub.
"""

import csv
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import numpy as np

from matching.engine.candidates import Pairs
from matching.engine.columns import Numbers
from matching.engine.decisions import MOST_FAULTS, Decisions, contradictions, decided
from matching.engine.deduping import MATCHABLE, File, Found, uncollected
from matching.engine.learning import Odds
from matching.engine.texts import AT_ONCE, Texts
from mdm.errors import Refused
from mdm.intake import readers
from mdm.intake.quarantine import harmless

COLUMNS = ("left_id", "right_id", "same")
VERDICTS = {"yes": True, "y": True, "1": True, "true": True, "no": False, "n": False, "0": False, "false": False}
WRITTEN = 100_000  # pairs written at once
WIDEST = 60  # bytes of a key up to which lines are put together as a table
DIGITS = 6  # of a score behind the point

Lines = Callable[[Numbers, Numbers, Odds], bytes]


@uncollected()
def load(file: Path, domain: str, mapped: Mapping[str, str], *, key: str, source: str = "") -> File:
    """The records of a file. Raises Refused with every fault of the question at once, or where a row cannot be read."""
    faults = list(_unmatchable(domain, mapped))
    if faults:
        raise Refused(" ".join(faults), _ways_out(domain))
    wanted = [key, *mapped.values(), *([source] if source else [])]
    columns = {column: Texts() for column in dict.fromkeys(wanted)}
    try:
        with readers.read(file, expected_columns=list(columns)) as reading:
            rows = (row.cells for row in _sound(reading))
            while some := list(islice(rows, AT_ONCE)):
                for column, texts in columns.items():
                    texts.extend([cells.get(column, "") for cells in some])
    except (readers.UnreadableFile, OSError) as error:
        raise Refused(f"{file.name} cannot be read: {error}", "Name a CSV, XLSX or JSON-lines file.") from error
    keys = Texts(map(str.strip, columns[key]))
    sources = Texts(map(str.strip, columns[source])) if source else [""] * len(keys)
    if twice := len(keys) - len(set(keys)):
        raise Refused(f"{twice:,} records share a key in {key}.", "Name a column that is different in each record.")
    return File(keys, sources, {attribute: columns[column] for attribute, column in mapped.items()})


def _sound(rows: Iterable[readers.RawRow]) -> Iterator[readers.RawRow]:
    for row in rows:
        if row.problems:
            raise Refused(f"Line {row.line}: {' '.join(row.problems)}", "Mend the line, then try again.")
        yield row


def _unmatchable(domain: str, mapped: Mapping[str, str]) -> Iterator[str]:
    matchable = MATCHABLE.get(domain)
    if matchable is None:
        yield f"{domain} is not matched from a file."
        return
    for attribute in mapped:
        if attribute not in matchable.attributes:
            yield f"A {domain} has no {attribute} to match by."
    if not any(attribute in mapped for attribute in matchable.needed):
        yield f"A {domain} is matched by its {' or '.join(matchable.needed)}: map it."


def _ways_out(domain: str) -> str:
    matchable = MATCHABLE.get(domain)
    if matchable is None:
        return f"Choose one of {', '.join(MATCHABLE)}."
    return f"You can map {', '.join(matchable.attributes)}."


def read_decisions(file: Path, keys: Sequence[str]) -> Decisions:
    """The decisions of a file with the columns left_id, right_id and same, about records with these keys.

    A row whose ``same`` is empty is a question nobody answered yet. Raises Refused with every fault of the file at
    once: records nobody knows, answers nobody understands, decisions that contradict each other, also through others.
    """
    number = {key: at for at, key in enumerate(keys)}
    told: dict[tuple[int, int], bool] = {}
    faults, unanswered = list[str](), 0
    try:
        with readers.read(file, expected_columns=COLUMNS) as reading:
            for row in reading:
                left, right, same = (row.cells.get(column, "").strip() for column in COLUMNS)
                here = [*row.problems, *_faults(left, right, same, number)]
                if here:
                    faults.append(f"Line {row.line}: {' '.join(here)}")
                    continue
                if not same:
                    unanswered += 1
                    continue
                one, other = sorted((number[left], number[right]))
                if told.setdefault((one, other), VERDICTS[same.lower()]) != VERDICTS[same.lower()]:
                    faults.append(f"Line {row.line}: {left} and {right} are told to be the same and not the same.")
    except (readers.UnreadableFile, OSError) as error:
        raise Refused(f"{file.name} cannot be read: {error}", "Name a file of left_id, right_id, same.") from error
    of = np.array(sorted(told), dtype=np.int64).reshape(-1, 2)
    pairs = Pairs(of[:, 0], of[:, 1])
    found = decided(
        pairs, np.array([told[pair] for pair in sorted(told)], dtype=bool), len(keys), unanswered=unanswered
    )
    faults += contradictions(found, keys)
    if faults:
        raise Refused(f"{file.name} has {len(faults):,} faults. {_listed(faults)}", "Mend them, then try again.")
    return found


def _faults(left: str, right: str, same: str, number: Mapping[str, int]) -> Iterator[str]:
    for key in dict.fromkeys((left, right)):
        if key not in number:
            yield f"No record has the key {key}." if key else "A key is missing."
    if left == right and left in number:
        yield f"{left} is compared with itself."
    if same and same.lower() not in VERDICTS:
        yield f"{same} is no answer: write yes or no."


def _listed(faults: Sequence[str]) -> str:
    more = len(faults) - MOST_FAULTS
    return " ".join(faults[:MOST_FAULTS]) + (f" And {more:,} more." if more > 0 else "")


def write_pairs(found: Found, file: File, out: Path) -> None:
    """left_id, right_id, score; the most likely first."""
    order = np.argsort(-found.odds, kind="stable")
    keys = [_cell(key).encode() for key in file.keys]
    lines = _one_by_one(keys) if max(map(len, keys), default=0) > WIDEST else _by_table(keys)
    with out.open("wb") as written:
        written.write(b"left_id,right_id,score\r\n")
        for begin in range(0, len(order), WRITTEN):
            some = order[begin : begin + WRITTEN]
            scores = 1 / (1 + np.exp(-found.odds[some]))
            written.write(lines(found.pairs.left[some], found.pairs.right[some], scores))


def _cell(text: str) -> str:
    """As a CSV file holds it; a writer's row for each of millions of pairs takes longer than comparing them."""
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\r\n') else text


def _one_by_one(keys: Sequence[bytes]) -> Lines:
    def lines(left: Numbers, right: Numbers, scores: Odds) -> bytes:
        rows = zip(left.tolist(), right.tolist(), scores.tolist(), strict=True)
        return b"".join([b"%b,%b,%.6f\r\n" % (keys[one], keys[other], score) for one, other, score in rows])

    return lines


def _by_table(keys: Sequence[bytes]) -> Lines:
    """All lines as one table of bytes, of which those that are zero are left out: no key holds one."""
    table = np.array([*keys, b"0"], dtype=np.bytes_).view(np.uint8).reshape(len(keys) + 1, -1)
    width = table.shape[1]
    powers = 10 ** np.arange(DIGITS, -1, -1)

    def lines(left: Numbers, right: Numbers, scores: Odds) -> bytes:
        found = np.zeros((len(left), 2 * width + DIGITS + 6), np.uint8)
        found[:, :width] = table[left]
        found[:, width] = found[:, 2 * width + 1] = ord(",")
        found[:, width + 1 : 2 * width + 1] = table[right]
        digits = np.rint(scores * powers[0]).astype(np.int64)[:, None] // powers % 10 + ord("0")
        found[:, 2 * width + 2] = digits[:, 0]
        found[:, 2 * width + 3] = ord(".")
        found[:, 2 * width + 4 : -2] = digits[:, 1:]
        found[:, -2:] = ord("\r"), ord("\n")
        return found[found > 0].tobytes()

    return lines


def write_groups(found: Found, file: File, out: Path) -> None:
    """record_id, cluster_id in the order of the file."""
    with out.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        writer.writerow(["record_id", "cluster_id"])
        writer.writerows(zip(file.keys, found.grouped.groups, strict=True))


def write_questions(found: Found, file: File, out: Path) -> None:
    """left_id, right_id, an empty ``same`` to be filled in with yes or no, the score, and both records side by side."""
    with out.open("w", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines)
        shown = [f"{side}_{attribute}" for attribute in file.values for side in ("left", "right")]
        writer.writerow(["left_id", "right_id", "same", "score", *shown])
        for at in found.asked:
            records = int(found.pairs.left[at]), int(found.pairs.right[at])
            texts = [harmless(values[record]) for values in file.values.values() for record in records]
            writer.writerow([*(file.keys[record] for record in records), "", f"{found.scores[at]:.4f}", *texts])
