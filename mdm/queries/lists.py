"""Lists of golden records: one query a page, the same cost on the first and the thousandth."""

from collections.abc import Mapping
from typing import Any

from mdm.queries.shapes import VISIBLE, ListPage
from mdm.spec import Domain

ORDERS: Mapping[str, str] = {"code": "record__code", "updated": "record__updated_at", "title": "record__title"}


def list_records(
    domain: Domain,
    params: Mapping[str, Any] | None = None,
    *,
    order: str = "code",
    after: str = "",
    before: str = "",
    limit: int = 50,
    states: tuple[str, ...] = VISIBLE,
) -> ListPage:
    """A page of a domain's golden records.

    ``params`` are filters by name (``mdm.filters``; unknown names or values raise Invalid with all problems);
    ``states`` counts where ``params`` chooses no state. ``order`` is a key of ORDERS, with "-" for descending.
    """
    raise NotImplementedError


def count_by_state(domain: Domain) -> dict[str, int]:
    """{state: number of golden records} of a domain, every state present."""
    raise NotImplementedError
