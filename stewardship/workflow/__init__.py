"""What people decide, one verb each, called alike by every page. Every verb leaves a decision that is never changed."""

from stewardship.workflow.candidates import (
    claim_candidate,
    keep_together,
    merge_candidate,
    reject_candidate,
    relate_candidate,
    release_candidate,
    skip_candidate,
    split_off,
)
from stewardship.workflow.records import merge_records, reinstate_record, relate_records, retire_record, unmerge
from stewardship.workflow.undoing import UNDOABLE, may_undo, undo

__all__ = [
    "UNDOABLE",
    "claim_candidate",
    "keep_together",
    "may_undo",
    "merge_candidate",
    "merge_records",
    "reinstate_record",
    "reject_candidate",
    "relate_candidate",
    "relate_records",
    "release_candidate",
    "retire_record",
    "skip_candidate",
    "split_off",
    "undo",
    "unmerge",
]
