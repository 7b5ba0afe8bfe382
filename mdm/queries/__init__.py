"""The read side shared by pages and API: what there is, where it came from, what happened. No HTTP in here.

Every function runs a number of queries that does not grow with what it returns.
"""

from mdm.masking import MASK, masked, masked_body
from mdm.queries.audit import AuditFilters, actors, audit_csv, audit_entries, audit_event, audit_json_lines
from mdm.queries.detail import part_rows, record_detail, resolve
from mdm.queries.feed import FeedHead, FeedPage, feed_head, read_feed
from mdm.queries.find import lookup, search
from mdm.queries.history import as_of, history
from mdm.queries.lists import ORDERS, count_by_state, list_records, orders_of
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
from mdm.queries.why import Claim, PinShown, Why, attribute_of, why_value

__all__ = [
    "MASK",
    "ORDERS",
    "VISIBLE",
    "AuditEntry",
    "AuditEvent",
    "AuditFilters",
    "AuditPage",
    "Change",
    "Claim",
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
    "PinShown",
    "Provenance",
    "RecordDetail",
    "Reference",
    "Referrers",
    "SearchResult",
    "Value",
    "Why",
    "actors",
    "as_of",
    "attribute_of",
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
    "orders_of",
    "part_rows",
    "read_feed",
    "record_detail",
    "referrers",
    "resolve",
    "search",
    "why_value",
]
