"""Trees of records: those a reference attribute makes, as the sources say, and the named ones people keep.

Both are read alike (``reading``): as edges on a day, with or without moves somebody only thinks of. Only ``keeping``
writes named ones; the others change where their attribute does.
"""

from mdm.hierarchies.edges import Edges, Thought
from mdm.hierarchies.trees import Tree, find_tree, parent_attribute, trees_of

__all__ = ["Edges", "Thought", "Tree", "find_tree", "parent_attribute", "trees_of"]
