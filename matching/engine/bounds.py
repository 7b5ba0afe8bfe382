"""What of the values of a file is left out before anything is compared, and the sentences that say so."""

from collections.abc import Mapping, Sequence

from matching.engine.texts import Texts

LONGEST = 2_000  # characters of one value that are read; no name, address or description tells more behind them

Rows = Mapping[str, Sequence[str]]


def bounded(rows: Rows, needed: Sequence[str]) -> tuple[Rows, list[str]]:
    """The same values, none longer than ``LONGEST``, and for people: what was cut, who is silent in all that is
    ``needed``, and what tells no two records apart."""
    found, notes = dict(rows), list[str]()
    for attribute, texts in rows.items():
        longest = texts.longest if isinstance(texts, Texts) else max(map(len, texts), default=0)
        if longest > LONGEST:
            long = sum(len(text) > LONGEST for text in texts)
            found[attribute] = Texts(text[:LONGEST] for text in texts)
            notes.append(
                f"{long:,} values of {attribute} are longer than {LONGEST:,} characters: what comes behind is left out."
            )
        first = next(iter(texts), "")
        if len(texts) > 1 and first and all(text == first for text in texts):
            notes.append(f"All records have the same {attribute}: it tells none of them apart.")
    told = [rows[attribute] for attribute in needed if attribute in rows]
    if silent := sum(not any(text.strip() for text in texts) for texts in zip(*told, strict=True)):
        notes.append(f"{silent:,} records have no {' and no '.join(n for n in needed if n in rows)} to be compared by.")
    return found, notes
