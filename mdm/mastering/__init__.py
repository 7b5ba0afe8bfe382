"""Mastering: the only writer of golden data. What is imported here is what other rooms may call."""

from mdm.cause import HUB, Actor, Cause
from mdm.mastering.links import LinkTo
from mdm.mastering.merging import MergePreview, Survival, merge, preview_merge, unmerge
from mdm.mastering.offers import follow_merges
from mdm.mastering.rebuild import Difference, differences
from mdm.mastering.verbs import (
    NewRecord,
    activate,
    contribute,
    create,
    end_expired_edits,
    link,
    refresh,
    reinstate,
    retire,
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
    "end_expired_edits",
    "follow_merges",
    "link",
    "merge",
    "preview_merge",
    "refresh",
    "reinstate",
    "retire",
    "unlink",
    "unmerge",
    "withdraw",
]
