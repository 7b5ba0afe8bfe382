"""Mastering: the only writer of golden data. What is imported here is what other rooms may call."""

from mdm.cause import HUB, Actor, Cause
from mdm.mastering.links import LinkTo
from mdm.mastering.locks import domains_of, lock_records
from mdm.mastering.merging import MergePreview, Survival, merge, preview_merge, unmerge
from mdm.mastering.offers import follow_merges, parents_of
from mdm.mastering.rebuild import Difference, differences
from mdm.mastering.turns import take_turn
from mdm.mastering.verbs import (
    NewRecord,
    activate,
    contribute,
    create,
    end_expired_edits,
    follow_parents,
    link,
    refresh,
    reinstate,
    retire,
    split,
    unlink,
    withdraw,
)

__all__ = [
    "HUB",
    "Actor",
    "Cause",
    "Difference",
    "LinkTo",
    "MergePreview",
    "NewRecord",
    "Survival",
    "activate",
    "contribute",
    "create",
    "differences",
    "domains_of",
    "end_expired_edits",
    "follow_merges",
    "follow_parents",
    "link",
    "lock_records",
    "merge",
    "parents_of",
    "preview_merge",
    "refresh",
    "reinstate",
    "retire",
    "split",
    "take_turn",
    "unlink",
    "unmerge",
    "withdraw",
]
