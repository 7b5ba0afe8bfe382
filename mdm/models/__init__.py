"""Every table of the core. The typed golden tables live with their domain in ``mdm.domains``."""

from mdm.domains import DOMAINS
from mdm.models.drafts import DraftState, FeedDraft
from mdm.models.golden import GoldenPart, GoldenRecord, GoldenState, GoldenValues, VersionRow
from mdm.models.hierarchies import Hierarchy, HierarchyKind, HierarchyMove, MoveVerb, Placement
from mdm.models.liveness import Heartbeat
from mdm.models.log import ChangeEvent, Checkpoint, EventVerb, LogCut, LogEpoch, LogHead
from mdm.models.pins import Pin
from mdm.models.reference import CodeSet, CodeTranslation, CodeValue, ExtensionAttribute
from mdm.models.sources import (
    STEWARDSHIP,
    Batch,
    BatchState,
    CodeCounter,
    Feed,
    Link,
    LinkMethod,
    Merge,
    RowState,
    SourceRecord,
    SourceReference,
    SourceRow,
    SourceState,
    SourceSystem,
    SourceTrust,
)
from mdm.models.watches import Coverage, FeedWatch, MissingRows, WatchRun, WatchRunState

__all__ = [
    "DOMAINS",
    "STEWARDSHIP",
    "Batch",
    "BatchState",
    "ChangeEvent",
    "Checkpoint",
    "CodeCounter",
    "CodeSet",
    "CodeTranslation",
    "CodeValue",
    "Coverage",
    "DraftState",
    "EventVerb",
    "ExtensionAttribute",
    "Feed",
    "FeedDraft",
    "FeedWatch",
    "GoldenPart",
    "GoldenRecord",
    "GoldenState",
    "GoldenValues",
    "Heartbeat",
    "Hierarchy",
    "HierarchyKind",
    "HierarchyMove",
    "Link",
    "LinkMethod",
    "LogCut",
    "LogEpoch",
    "LogHead",
    "Merge",
    "MissingRows",
    "MoveVerb",
    "Pin",
    "Placement",
    "RowState",
    "SourceRecord",
    "SourceReference",
    "SourceRow",
    "SourceState",
    "SourceSystem",
    "SourceTrust",
    "VersionRow",
    "WatchRun",
    "WatchRunState",
]
