"""Every table of the core. The typed golden tables live with their domain in ``mdm.domains``."""

from mdm.domains import DOMAINS
from mdm.models.golden import GoldenPart, GoldenRecord, GoldenState, GoldenValues, VersionRow
from mdm.models.liveness import Heartbeat
from mdm.models.log import ChangeEvent, Checkpoint, EventVerb, LogCut, LogEpoch, LogHead
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
    "EventVerb",
    "ExtensionAttribute",
    "Feed",
    "GoldenPart",
    "GoldenRecord",
    "GoldenState",
    "GoldenValues",
    "Heartbeat",
    "Link",
    "LinkMethod",
    "LogCut",
    "LogEpoch",
    "LogHead",
    "Merge",
    "RowState",
    "SourceRecord",
    "SourceReference",
    "SourceRow",
    "SourceState",
    "SourceSystem",
    "SourceTrust",
    "VersionRow",
]
