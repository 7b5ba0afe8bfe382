"""Whether a source record fits the rest of its golden record, by the very scores pairs are linked by. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from matching.deciding import CEILING, FLOOR
from matching.known import Scored, agreed
from matching.scoring import Score, probability

# A label, what the record says, what another one of its golden record says.
Contradiction = tuple[str, str, str]


@dataclass(frozen=True)
class Fit:
    """``average`` is how likely the record and the rest are one, by all their pairs; ``against`` are contradictions
    that nobody in the rest makes good; ``pairs`` are the others with their scores, the least likely first."""

    average: float
    against: frozenset[Contradiction]
    pairs: tuple[tuple[int, Score], ...]


def fit(scored: Scored, record: int, members: Collection[int]) -> Fit | None:
    """How a record fits these members of its golden record; None where none of them can be compared with it.

    Records known by name only are no judges and are not judged.
    """
    if record not in scored.known or scored.known[record].stub:
        return None
    others = [pk for pk in members if pk != record and pk in scored.known and not scored.known[pk].stub]
    if not others:
        return None
    pairs = [(pk, scored.score(record, pk)) for pk in others]
    made_good = agreed(score for _, score in pairs)
    return Fit(
        average=probability(sum(max(FLOOR, min(score.bits, CEILING)) for _, score in pairs) / len(pairs)),
        against=frozenset(
            fact for pk, score in pairs for fact in _against(score, swap=record > pk) if fact[0] not in made_good
        ),
        pairs=tuple(sorted(pairs, key=lambda pair: (pair[1].bits, pair[0]))),
    )


def _against(score: Score, *, swap: bool) -> list[Contradiction]:
    told = score.explanation(swap) if score.vetoes else ()
    return [(one["label"], one["left"], one["right"]) for one in told if one["label"] in score.vetoes]


def worse(now: Fit, before: Fit | None, review: float) -> bool:
    """Whether something speaks against the record that did not before: a new contradiction, or the limit for asking
    passed downwards. Where nothing is known of before, whatever speaks against it is new."""
    if before is None:
        return bool(now.against) or now.average < review
    return bool(now.against - before.against) or now.average < review <= before.average


def new_labels(now: Fit, before: Fit | None) -> Sequence[str]:
    """The labels of the contradictions that are new, in the order of the alphabet."""
    return sorted({label for label, *_ in now.against - (before.against if before else frozenset())})
