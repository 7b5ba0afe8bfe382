"""Relations that are not identity, in words: what can be said of two records, and what was said of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from matching.models import RelationKind
from matching.relations import Suggestion
from mdm.errors import Invalid
from mdm.models import GoldenRecord


@dataclass(frozen=True)
class Option:
    """One thing that can be said of two records. ``value`` is what the form sends, ``chosen``: the evidence says it."""

    value: str
    label: str
    chosen: bool


def options(
    records: Sequence[GoldenRecord], suggestions: Sequence[Suggestion], *, numbered: bool = False
) -> list[Option]:
    """Everything that can be said of two records, each way round; nothing where there are more or fewer.

    ``numbered``: the page calls them 1 and 2, else they go by their codes.
    """
    if len(records) != 2:
        return []
    one, other = records
    both = ((one, other), (other, one))
    called = {one.pk: "1" if numbered else one.code, other.pk: "2" if numbered else other.code}
    said = [
        *((RelationKind.PARENT, a, f"{called[a.pk]} is the parent of {called[b.pk]}") for a, b in both),
        *((RelationKind.SUCCESSOR, a, f"{called[a.pk]} was succeeded by {called[b.pk]}") for a, b in both),
        (RelationKind.EQUIVALENT, one, "Equivalent"),
        (RelationKind.OTHER, one, "Related otherwise"),
    ]
    hints = {(hint.kind, hint.first) for hint in suggestions}
    chosen = next((n for n, (kind, first, _) in enumerate(said) if hints & {(kind, first.pk), (kind, None)}), None)
    return [Option(f"{kind}:{first.pk}", label, number == chosen) for number, (kind, first, label) in enumerate(said)]


def read_option(value: str) -> tuple[str, UUID]:
    """Kind and first record of what a form sent. Raises Invalid."""
    kind, _, first = value.partition(":")
    try:
        return kind, UUID(first)
    except ValueError:
        raise Invalid(
            "It was not said how the two are related.", "Choose it from the list.", [("relation", "Choose one.")]
        ) from None
