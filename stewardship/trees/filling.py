"""Filling the first draft of a tree with the places of another one."""

from django.contrib.auth.models import User
from django.db import connection

from mdm.errors import Invalid
from mdm.hierarchies import Tree
from mdm.hierarchies.edges import edges
from mdm.hierarchies.keeping import problems_of
from mdm.retrying import atomic
from stewardship.models import DraftMove, TreeDraft
from stewardship.trees.drafting import MOST_MOVES, begin_draft, day_of, own, thoughts_of, touch


@atomic
def fill_draft(*, tree: Tree, source: Tree, user: User) -> TreeDraft:
    """Draft that every record stands in ``tree`` where it stands in ``source`` today; one whose parent is not there
    stands on top. Raises Invalid where the source holds a circle, naming it."""
    draft = own(begin_draft(tree=tree, user=user).pk, user)
    with connection.cursor() as cursor:
        cursor.execute(*edges(source).ask("SELECT record_id, parent_id FROM edges LIMIT %s", MOST_MOVES + 1))
        pairs = dict(cursor.fetchall())
    if len(pairs) > MOST_MOVES:
        raise Invalid("That hierarchy is too large to copy at once.", f"{MOST_MOVES:,} records are the most.")
    draft.moves.all().delete()
    DraftMove.objects.bulk_create(
        [
            DraftMove(draft=draft, record_id=record, parent_id=parent if parent in pairs else None, was_present=False)
            for record, parent in pairs.items()
        ],
        batch_size=2000,
    )
    if problems := problems_of(tree, thoughts_of(draft), day_of(draft)):
        raise Invalid("That hierarchy cannot be copied as it is.", "Mend it first.", problems)
    return touch(draft)
