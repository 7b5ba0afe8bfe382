"""The read side shared by pages and API: what there is, where it came from, what happened. No HTTP in here.

Every function runs a number of queries that does not grow with what it returns.
"""

from mdm.masking import MASK, masked, masked_body
from mdm.queries.audit import AuditFilters, actors, audit_csv, audit_entries, audit_event, audit_json_lines
from mdm.queries.detail import record_detail, resolve
from mdm.queries.feed import FeedHead, FeedPage, feed_head, read_feed
from mdm.queries.find import lookup, search
from mdm.queries.history import as_of, history
from mdm.queries.lists import ORDERS, count_by_state, list_records
from mdm.queries.referrers import referrers
from mdm.queries.shapes import (
    VISIBLE,
    AuditEntry,
    AuditEvent,
    AuditPage,
    Change,
    CrosswalkEntry,
    HistoryEntry,
    Hit,
    ListPage,
    ListRow,
    Offered,
    PartRow,
    PartRows,
    PastRecord,
    Provenance,
    RecordDetail,
    Reference,
    Referrers,
    SearchResult,
    Value,
)

__all__ = [
    "MASK",
    "ORDERS",
    "VISIBLE",
    "AuditEntry",
    "AuditEvent",
    "AuditFilters",
    "AuditPage",
    "Change",
    "CrosswalkEntry",
    "FeedHead",
    "FeedPage",
    "HistoryEntry",
    "Hit",
    "ListPage",
    "ListRow",
    "Offered",
    "PartRow",
    "PartRows",
    "PastRecord",
    "Provenance",
    "RecordDetail",
    "Reference",
    "Referrers",
    "SearchResult",
    "Value",
    "actors",
    "as_of",
    "audit_csv",
    "audit_entries",
    "audit_event",
    "audit_json_lines",
    "count_by_state",
    "feed_head",
    "history",
    "list_records",
    "lookup",
    "masked",
    "masked_body",
    "read_feed",
    "record_detail",
    "referrers",
    "resolve",
    "search",
]
