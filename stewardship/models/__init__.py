"""What people decide, kept for good, and what they arrange until then."""

from stewardship.models.bulk import BulkDecision, BulkState, BulkVerb
from stewardship.models.decisions import Decision, Verb
from stewardship.models.habits import Habit
from stewardship.models.lists import CheckedList, CheckedRow, ListState, Outcome, Purpose
from stewardship.models.opinions import Opinion, OpinionVerdict
from stewardship.models.presses import Press
from stewardship.models.reports import Report
from stewardship.models.requests import ChangeRequest, RequestState
from stewardship.models.tables import SavedView, TableChoice
from stewardship.models.trees import DraftMove, DraftState, DraftVerb, DraftVerdict, TreeDraft
from stewardship.models.work import Allowance, Arrangement, Comment, Digest, Mention, Wish, WorkAct, WorkVerb

__all__ = [
    "Allowance",
    "Arrangement",
    "BulkDecision",
    "BulkState",
    "BulkVerb",
    "ChangeRequest",
    "CheckedList",
    "CheckedRow",
    "Comment",
    "Decision",
    "Digest",
    "DraftMove",
    "DraftState",
    "DraftVerb",
    "DraftVerdict",
    "Habit",
    "ListState",
    "Mention",
    "Opinion",
    "OpinionVerdict",
    "Outcome",
    "Press",
    "Purpose",
    "Report",
    "RequestState",
    "SavedView",
    "TableChoice",
    "TreeDraft",
    "Verb",
    "Wish",
    "WorkAct",
    "WorkVerb",
]
