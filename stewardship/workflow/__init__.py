"""What people decide, one verb each, called alike by every page. Every verb leaves a decision that is never changed."""

from stewardship.workflow.candidates import (
    claim_candidate,
    keep_together,
    reject_candidate,
    relate_candidate,
    release_candidate,
    skip_candidate,
    split_off,
)
from stewardship.workflow.merging import merge_candidate
from stewardship.workflow.records import merge_records, reinstate_record, relate_records, retire_record
from stewardship.workflow.undoing import UNDOABLE, may_undo, undo
from stewardship.workflow.unmerging import stands, take_out, take_out_misfit, unmerge

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
    "stands",
    "take_out",
    "take_out_misfit",
    "undo",
    "unmerge",
]
