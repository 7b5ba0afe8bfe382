"""What a draft would do beyond its moves: how many records go along, which checks change, who is told otherwise."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import NoReverseMatch, reverse

from mdm.hierarchies.edges import edges
from mdm.hierarchies.reading import branches
from mdm.hierarchies.rollups import failing, rollups_of
from mdm.spec import Rollup
from stewardship.models import TreeDraft
from stewardship.trees.drafting import day_of, thoughts_of, tree_of

MOST_TOLD = 60  # moves whose consequences for endpoints are looked up


@dataclass(frozen=True)
class Turn:
    """A roll-up check that more, or fewer, records fail once the draft holds."""

    rollup: Rollup
    before: int
    after: int


@dataclass(frozen=True)
class Impact:
    """``along`` counts the records below those that move; ``sides`` is where publishing says who is told otherwise."""

    along: int
    turns: list[Turn]
    sides: str


def impact(draft: TreeDraft) -> Impact:
    """Everything a draft that waits would do. Two queries for each check, and two more."""
    tree, thoughts = tree_of(draft), thoughts_of(draft)
    before, after = edges(tree, day_of(draft)), edges(tree, day_of(draft), thoughts)
    counted = [
        (rollup, failing(before, tree.domain, rollup).total, failing(after, tree.domain, rollup).total)
        for rollup in rollups_of(tree.domain)
    ]
    sizes = branches(before, [thought.record for thought in thoughts])
    turns = [Turn(rollup, then, now) for rollup, then, now in counted if then != now]
    sides = ""
    if tree.derived:
        pairs = ",".join(f"{one.record}.{one.parent or ''}" for one in thoughts[:MOST_TOLD])
        sides = _sides(tree.domain.name, tree.slug, pairs)
    return Impact(sum(sizes.values()), turns, sides)


def _sides(domain: str, attribute: str, pairs: str) -> str:
    """Where publishing says which endpoints would hear of other records; "" where no such page is installed."""
    try:
        return f"{reverse('publishing:sides')}?{urlencode({'tree': f'{domain}.{attribute}', 'moves': pairs})}"
    except NoReverseMatch:
        return ""
