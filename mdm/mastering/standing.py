"""Standing merges as trees: where each source record is at home, and what state a record has of its own.

A link's ``merge`` is the innermost merge that brought the source record here: its loser is where it is at home. So a
merge can be taken back in any order, whatever merged on top of it or was taken back before.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from mdm.models import GoldenState, Link, Merge

STRENGTH = (GoldenState.ACTIVE, GoldenState.PENDING, GoldenState.RETIRED)


def strongest(states: Collection[str]) -> GoldenState:
    """The state of one record made of several: in use if any is, else waiting if any is."""
    return next(state for state in STRENGTH if state in states)


def _by_itself(made_of: str, state: str) -> bool:
    """Whether a record that merges gave a state bears this one without anybody's doing: what waits becomes active as
    soon as nothing holds it, and is asked again when it stands on its own."""
    return state == made_of or (made_of, state) == (GoldenState.PENDING, GoldenState.ACTIVE)


class Standing:
    """The standing merges below some records, and how each record's state came about."""

    def __init__(self, merges: Iterable[Merge]) -> None:
        self.above: dict[UUID, Merge] = {}
        self.under: dict[UUID, list[Merge]] = defaultdict(list)
        self.changed: dict[UUID, Merge] = {}
        for merge in sorted(merges, key=lambda one: one.pk):
            self.above[merge.loser_id] = merge
            self.under[merge.winner_id].append(merge)

    def root(self, record_id: UUID) -> UUID:
        """The record that answers for this one."""
        while record_id in self.above:
            record_id = self.above[record_id].winner_id
        return record_id

    def below(self, record_id: UUID) -> set[UUID]:
        """The record and everything merged into it, through any number of merges."""
        found = {record_id}
        for merge in self.under[record_id]:
            found |= self.below(merge.loser_id)
        return found

    def own_state(self, record_id: UUID, state: str) -> str:
        """The state a record on top would have without its merges, where merges alone made it what it is."""
        here = self.under[record_id]
        return here[0].winner_state if here and _by_itself(self._made_of(record_id), state) else state

    def take_out(self, merge: Merge, states: dict[UUID, str]) -> None:
        """Forget a merge. ``states`` of the records on top are kept up: what only this merge brought about goes back.

        A state somebody gave since stays.
        """
        del self.above[merge.loser_id]
        node, made_of = merge.winner_id, self._made_of(merge.winner_id)
        here = self.under[node]
        own = here[0].winner_state
        here.remove(merge)
        if here:
            self._note(here[0], winner_state=own)
        now = strongest([own, *(one.loser_state for one in here)])
        while True:
            over = self.above.get(node)
            held = over.loser_state if over else states[node]
            if held == now or not _by_itself(made_of, held):  # nothing changes, or somebody gave it this state since
                return
            if over is None:
                states[node] = str(now)
                return
            node, made_of = over.winner_id, self._made_of(over.winner_id)
            self._note(over, loser_state=str(now))
            now = GoldenState(self._made_of(node))

    def _made_of(self, node: UUID) -> str:
        """What merges alone make of a record's state."""
        here = self.under[node]
        return str(strongest([here[0].winner_state, *(one.loser_state for one in here)]))

    def _note(self, merge: Merge, **states: str) -> None:
        for name, state in states.items():
            setattr(merge, name, state)
        self.changed[merge.pk] = merge


def standing_below(record_ids: Iterable[UUID]) -> Standing:
    """The standing merges into these records, directly or through others."""
    wanted = list(set(record_ids))
    return Standing(Merge.objects.raw(_BELOW, [wanted])) if wanted else Standing([])


_BELOW = """
WITH RECURSIVE below AS (
  SELECT m.* FROM mdm_merge m WHERE m.winner_id = ANY(%s::uuid[]) AND m.undone_at IS NULL
  UNION SELECT m.* FROM mdm_merge m JOIN below ON m.winner_id = below.loser_id AND m.undone_at IS NULL
)
SELECT * FROM below
"""


def homes(links: Sequence[Link]) -> dict[int, UUID]:
    """{source record: the golden record it is at home in}. The links come with their merges."""
    return {link.source_record_id: link.merge.loser_id if link.merge else link.record_id for link in links}
