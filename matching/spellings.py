"""Spellings of one column that likely mean one thing: those with one fingerprint, then those a few letters apart."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from matching.comparisons import near_texts
from mdm.standardise.translations import fingerprint

MOST_COMPARED = 3_000  # different texts compared letter by letter, most frequent first; n squared
SHORTEST = 5  # codes and initials a letter apart are different things
ALIKE = 0.9
LONGEST = 120


@dataclass(frozen=True)
class Spellings:
    """Texts that likely mean one thing, most frequent first, with their rows; why they were put together."""

    texts: tuple[tuple[str, int], ...]
    reason: str

    @property
    def target(self) -> str:
        """The text most rows have."""
        return self.texts[0][0]

    @property
    def rows(self) -> int:
        return sum(rows for _, rows in self.texts)


def group(counts: Mapping[str, int]) -> list[Spellings]:
    """Groups of at least two spellings, those that concern most rows first. Pure."""
    prints: dict[str, list[str]] = defaultdict(list)
    for text in counts:
        if key := fingerprint(text):
            prints[key].append(text)
    weight = {key: sum(counts[text] for text in texts) for key, texts in prints.items()}
    frequent = sorted((key for key in prints if SHORTEST <= len(key) <= LONGEST), key=lambda key: (-weight[key], key))
    near = _joined(frequent[:MOST_COMPARED], weight)
    found = []
    for head, keys in near.items():
        texts = [text for key in (head, *keys) for text in prints[key]]
        found.append(_spellings(texts, counts, "They are a letter or two apart."))
        for key in (head, *keys):
            prints.pop(key)
    same = "They differ in case, signs, spaces or the order of words only."
    found += [_spellings(texts, counts, same) for texts in prints.values() if len(texts) > 1]
    return sorted(found, key=lambda one: (-one.rows, one.target))


def _joined(keys: list[str], weight: Mapping[str, int]) -> dict[str, list[str]]:
    """{fingerprint: rarer ones near it}; nothing is near through a third one, so that no chain drifts away."""
    heads: dict[str, list[str]] = {}
    member: set[str] = set()
    for one, other in sorted(near_texts(keys, ALIKE), key=lambda pair: (-max(weight[k] for k in pair), pair)):
        head, rare = sorted((one, other), key=lambda key: (-weight[key], key))
        if head in member or rare in member or rare in heads or _numbers(head) != _numbers(rare):
            continue
        heads.setdefault(head, []).append(rare)
        member.add(rare)
    return heads


def _numbers(key: str) -> list[str]:
    """What has another number in it is another thing, however alike the letters."""
    return [word for word in key.split() if any(sign.isdigit() for sign in word)]


def _spellings(texts: list[str], counts: Mapping[str, int], reason: str) -> Spellings:
    return Spellings(tuple(sorted(((text, counts[text]) for text in texts), key=lambda one: (-one[1], one[0]))), reason)
