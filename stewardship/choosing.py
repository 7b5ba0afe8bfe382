"""What a person has chosen on a page of members side by side, read from its form. Nothing chosen yet: the defaults."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.http import QueryDict

from mdm.mastering import Edit

# Groups beside the first one, by the letter the page calls them.
LETTERS = ("B", "C", "D", "E", "F")
TAKE, TYPE, GROUP = "take-", "type-", "group-"
# Members side by side at first, and how many more come with each wish for more: what a screen is drawn of at once.
COLUMNS = 60
MOST_COLUMNS = 3000


@dataclass(frozen=True)
class Choice:
    """The winner, who is ticked, and which records found by hand were added; per attribute the member whose value
    survives or the text typed; per part the keys ticked out; who is a record of its own beside the first; and how many
    members stand side by side."""

    winner: UUID | None = None
    ticked: frozenset[UUID] | None = None
    added: tuple[UUID, ...] = ()
    taken: Mapping[str, UUID] = field(default_factory=dict)
    typed: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, frozenset[str]] = field(default_factory=dict)
    letters: Mapping[UUID, str] = field(default_factory=dict)
    columns: int = COLUMNS

    def edit(self) -> Edit | None:
        """The values chosen, for the verb; None where the rules decide alone."""
        made = Edit(typed=self.typed, taken=self.taken, left_out=self.left_out)
        return made if made else None

    def others(self) -> list[list[UUID]]:
        """The groups beside the first, in the order of their letters; who is ticked is in the first one."""
        ticked = self.ticked or frozenset()
        placed = [(letter, pk) for pk, letter in self.letters.items() if pk not in ticked]
        placed.sort(key=lambda one: one[1] not in self.added)  # who was looked for wins
        groups = [[pk for given, pk in placed if given == letter] for letter in LETTERS]
        return [group for group in groups if group]


def read_choice(asked: QueryDict) -> Choice:
    """The choice of a form; a form that was never shown (``chosen``) has made none but those records it adds."""
    added = tuple(found for name in asked.getlist("with") if (found := as_uuid(name)))
    columns = max(COLUMNS, *(_number(text) for text in asked.getlist("columns")), 0)
    if "chosen" not in asked:
        return Choice(added=added, columns=columns)
    typed = {name.removeprefix(TYPE): text for name, text in _given(asked, TYPE)}
    taken = {name.removeprefix(TAKE): pk for name, text in _given(asked, TAKE) if (pk := as_uuid(text))}
    letters = {
        pk: text for name, text in _given(asked, GROUP) if text in LETTERS and (pk := as_uuid(name[len(GROUP) :]))
    }
    return Choice(
        winner=as_uuid(asked.get("winner", "")),
        ticked=frozenset(pk for name in asked.getlist("records") if (pk := as_uuid(name))),
        added=added,
        taken={name: pk for name, pk in taken.items() if name not in typed},
        typed=typed,
        left_out=_left_out(asked.getlist("offered"), asked.getlist("keep")),
        letters=letters,
        columns=columns,
    )


def read_shown(posted: QueryDict) -> dict[UUID, int]:
    """{record: version} as the page showed them, from its ``shown`` fields."""
    found: dict[UUID, int] = {}
    for pair in posted.getlist("shown"):
        name, _, version = pair.partition(":")
        record_id = as_uuid(name)
        if record_id and version.isascii() and version.isdigit():
            found[record_id] = int(version)
    return found


def as_uuid(text: str) -> UUID | None:
    """The id, or None where the text is none."""
    try:
        return UUID(text)
    except ValueError:
        return None


def _number(text: str) -> int:
    return min(int(text), MOST_COLUMNS) if text.isascii() and text.isdigit() and len(text) < 6 else 0


def _given(asked: QueryDict, prefix: str) -> list[tuple[str, str]]:
    return [(name, text) for name in asked if name.startswith(prefix) and (text := asked.get(name, "").strip())]


def _left_out(offered: Sequence[str], kept: Sequence[str]) -> dict[str, frozenset[str]]:
    """{part: keys} of the rows the page offered and that came back without their tick, each as ``part:key``."""
    out: dict[str, set[str]] = defaultdict(set)
    for row in set(offered) - set(kept):
        part, _, key = row.partition(":")
        out[part].add(key)
    return {part: frozenset(keys) for part, keys in out.items()}
