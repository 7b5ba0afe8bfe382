"""Which column fills which attribute: proposed by name, by what the values look like, and by what earlier feeds say."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mdm.intake.naming import likeness, words
from mdm.intake.plan import Plan
from mdm.intake.targets import BY_NAME_MARK, Records, Target, kinds, targets_of
from mdm.spec import Attribute, Kind
from mdm.standardise import Doubt, Style, Unreadable, is_blank, standardise

SHOWN = 3  # sample values of a column
LOOKED_AT = 40  # values a standardiser tries per column
ENOUGH = 0.66  # a proposal below this is none
ENOUGH_BY_VALUES = 0.57
# Words that most other text does not pass. Of those that are certain, the values alone are reason enough.
_TELLING = frozenset(
    {"phone", "postcode", "region", "tax_id", "date", "currency", "country", "uom", "decimal", "integer", "boolean",
     "ccn", "hcpcs", "unspsc", "vat", "duns", "choice"}
)  # fmt: skip
_CERTAIN = frozenset({"email", "url", "gtin", "gln", "npi", "ndc", "lei", "iban", "uei"})

Shares = dict[tuple[str, str], float]  # {(column, standardiser): share of its values that read}
Samples = Mapping[str, Sequence[str]]
Learned = Mapping[str, tuple[str, str]]  # folded column name -> (target, title of the feed that reads it so)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A column proposed for a target, how sure (0 to 1), and why in one sentence."""

    column: str
    target: str
    score: float
    reason: str


def folded(column: str) -> str:
    """Column names are the same when they differ in case, spaces and signs only."""
    return " ".join(words(column))


def suggest(
    records: Records,
    samples: Samples,
    style: Style,
    extension: Mapping[str, Attribute],
    learned: Learned,
    keys: Collection[str] = (),
) -> dict[str, Suggestion]:
    """{column: the best proposal}, each column and each target at most once, surest first. Pure.

    Columns that are ``keys`` are proposed for an attribute only where they are plainly named so.
    """
    targets = targets_of(records, extension)
    noise = {word for name in records.domain.also_called for word in words(name)}
    read: Shares = {}
    found = []
    for column, values in samples.items():
        known = learned.get(folded(column))
        filled = [value for value in values if not is_blank(value, style)][:LOOKED_AT]
        for target in targets:
            if known and known[0] == target.code:
                found.append(Suggestion(column, target.code, 0.99, f"The feed {known[1]} reads it so."))
            elif (one := _judged(column, filled, target, style, noise, read)) and (
                column not in keys or one.score > 0.9
            ):
                found.append(one)
    return _chosen(found)


def _judged(
    column: str,
    filled: Sequence[str],
    target: Target,
    style: Style,
    noise: set[str],
    read: dict[tuple[str, str], float],
) -> Suggestion | None:
    attribute = target.attribute
    phrases = (attribute.label, attribute.name.replace("_", " "), *attribute.also_called)
    named = max(likeness(column, phrase, noise) for phrase in phrases)
    if target.in_part:
        # Of two attributes that fit alike the record's own comes first.
        named = max(named * 0.97, likeness(column, f"{target.group} {attribute.label}", noise))
    word = attribute.standardise
    certain = word in _CERTAIN
    if named < 0.5 and not certain:
        return None
    if word not in _TELLING and not certain:
        score = named * 0.93 * (_by_name(target, filled) if attribute.kind is Kind.REFERENCE else 1.0)
        return Suggestion(column, target.code, score, f"It is named like {attribute.label}.")
    if not filled:
        return Suggestion(column, target.code, named * 0.7, f"It is named like {attribute.label}; it is empty so far.")
    if (column, word) not in read:
        read[column, word] = _share(word, filled, style, attribute)
    share = read[column, word]
    good = round(share * len(filled))
    says = f"{good} of {len(filled)} values read as {attribute.label}"
    if named < 0.5:
        score = 0.6 * share if len(filled) > 1 else 0.0
        return Suggestion(column, target.code, score, f"{says}.") if score >= ENOUGH_BY_VALUES else None
    if share < 0.3:
        return None
    return Suggestion(
        column, target.code, 0.6 * named + 0.4 * share, f"It is named like {attribute.label}, and {says}."
    )


def _by_name(target: Target, filled: Sequence[str]) -> float:
    """How well the way to refer fits: keys are short and without spaces, names are not."""
    spaced = sum(" " in value.strip() for value in filled) / max(len(filled), 1)
    return 0.5 + spaced / 2 if target.code.endswith(BY_NAME_MARK) else 1.0 - spaced / 2


def _share(word: str, filled: Sequence[str], style: Style, attribute: Attribute) -> float:
    options: dict[str, Any] = {"choices": attribute.choices} if attribute.choices else {}
    good = 0
    for value in filled:
        try:
            answer = standardise(word, value, style, country=style.country, **options)
        except Unreadable:
            continue
        good += answer is None or not isinstance(answer, Doubt)
    return good / len(filled)


def _chosen(found: Iterable[Suggestion]) -> dict[str, Suggestion]:
    chosen: dict[str, Suggestion] = {}
    taken: set[str] = set()
    for one in sorted(found, key=lambda one: (-one.score, one.column, one.target)):
        plain = one.target.removesuffix(BY_NAME_MARK)
        least = ENOUGH if one.reason.startswith("It is") else ENOUGH_BY_VALUES
        if one.score >= least and one.column not in chosen and plain not in taken:
            chosen[one.column] = one
            taken.add(plain)
    return chosen


def likely_records(
    file_name: str, samples: Samples, style: Style, learned: Mapping[str, Learned]
) -> tuple[Records, str]:
    """What the rows of the file most likely are, and what speaks for it. Rows of parts only where a feed taught so."""
    scored = []
    for place, records in enumerate(kinds()):
        known = learned.get(records.code, {})
        if records.part and not known:
            continue
        found = suggest(records, samples, style, {}, known)
        taught = sum(one.score > 0.98 for one in found.values())
        called = {word for name in records.domain.also_called for word in words(name)}
        by_file = len(called & {word.rstrip("s") for word in words(file_name)} | called & set(words(file_name)))
        by_column = sum(bool(called & set(words(column))) for column in samples)
        worth = sum(one.score for one in found.values()) + 2.0 * bool(by_file) + 0.5 * min(by_column, 3) + taught
        scored.append((worth - 0.01 * place - 0.5 * bool(records.part), -place, records, found, by_file, by_column))
    _, _, records, found, by_file, by_column = max(scored, key=lambda one: one[:2])
    because = [f"{len(found)} of {len(samples)} columns fit"]
    because += ["the file's name says so"] if by_file else []
    because += [f"{by_column} columns speak of it"] if by_column else []
    return records, ", ".join(because) + "."


def learned_from(plans: Iterable[Plan]) -> dict[str, dict[str, tuple[str, str]]]:
    """{code of records: {folded column: (target, feed)}} of what earlier feeds read; later plans win."""
    known: dict[str, dict[str, tuple[str, str]]] = {}
    for plan in plans:
        code = f"{plan.domain}.{plan.part}" if plan.part else plan.domain
        there = known.setdefault(code, {})
        for prefix, cells in _cells(plan):
            for cell in cells:
                mark = BY_NAME_MARK if cell.reference and cell.reference.by_name else ""
                if len(cell.columns) == 1:
                    there[folded(cell.columns[0])] = (prefix + cell.attribute + mark, plan.title)
    return known


def _cells(plan: Plan) -> Iterable[tuple[str, Sequence[Any]]]:
    yield "", plan.cells
    seen: dict[str, int] = {}
    for part in plan.parts:
        seen[part.part] = seen.get(part.part, 0) + 1
        yield f"parts.{part.part}.{seen[part.part]}.", part.cells
