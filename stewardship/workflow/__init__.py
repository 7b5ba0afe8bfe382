"""What people decide, one verb each, called alike by every page. Every verb leaves a decision that is never changed."""

from stewardship.workflow.candidates import (
    claim_candidate,
    keep_together,
    merge_candidate,
    reject_candidate,
    release_candidate,
    skip_candidate,
    split_off,
)
from stewardship.workflow.records import merge_records, reinstate_record, retire_record, unmerge
from stewardship.workflow.undoing import may_undo, undo

__all__ = [
    "claim_candidate",
    "keep_together",
    "may_undo",
    "merge_candidate",
    "merge_records",
    "reinstate_record",
    "reject_candidate",
    "release_candidate",
    "retire_record",
    "skip_candidate",
    "split_off",
    "undo",
    "unmerge",
]
