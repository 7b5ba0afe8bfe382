"""Mastering: the only writer of golden data. What is imported here is what other rooms may call."""

from mdm.cause import HUB, Actor, Cause
from mdm.mastering.choosing import Edit
from mdm.mastering.links import LinkTo
from mdm.mastering.locks import domains_of, lock_records
from mdm.mastering.merging import MergePreview, Survival, merge, preview_merge
from mdm.mastering.offers import UNTRUSTED, Source, follow_merges, open_links, parents_of, trust_ranks
from mdm.mastering.rebuild import Difference, differences
from mdm.mastering.standing import homes, standing_below
from mdm.mastering.turns import refer_within, take_turn
from mdm.mastering.unmerging import Leaving, plan_leaving, take_out, unmerge
from mdm.mastering.verbs import (
    NewRecord,
    activate,
    contribute,
    create,
    end_expired_edits,
    follow_parents,
    give_back_codes,
    link,
    refresh,
    reinstate,
    retire,
    split,
    take_codes,
    unlink,
    unpin,
    withdraw,
)
from mdm.mastering.write import unedited

__all__ = [
    "HUB",
    "UNTRUSTED",
    "Actor",
    "Cause",
    "Difference",
    "Edit",
    "Leaving",
    "LinkTo",
    "MergePreview",
    "NewRecord",
    "Source",
    "Survival",
    "activate",
    "contribute",
    "create",
    "differences",
    "domains_of",
    "end_expired_edits",
    "follow_merges",
    "follow_parents",
    "give_back_codes",
    "homes",
    "link",
    "lock_records",
    "merge",
    "open_links",
    "parents_of",
    "plan_leaving",
    "preview_merge",
    "refer_within",
    "refresh",
    "reinstate",
    "retire",
    "split",
    "standing_below",
    "take_codes",
    "take_out",
    "take_turn",
    "trust_ranks",
    "unedited",
    "unlink",
    "unmerge",
    "unpin",
    "withdraw",
]
