"""What a client may do. A scope names a thing and an act; reading is granted per domain."""

from mdm.domains import DOMAINS
from mdm.spec import Domain

FEED_READ = "feed:read"
BATCH_WRITE = "batch:write"
RECEIPT_WRITE = "receipt:write"  # this and the next are of use to a client that speaks for an endpoint
DRIFT_WRITE = "drift:write"


def read_scope(domain: Domain) -> str:
    """The scope that lets a client read the golden records of a domain."""
    return f"{domain.name}:read"


READ_SCOPES = (*(read_scope(domain) for domain in DOMAINS), FEED_READ)
SCOPES = (*READ_SCOPES, BATCH_WRITE, RECEIPT_WRITE, DRIFT_WRITE)
