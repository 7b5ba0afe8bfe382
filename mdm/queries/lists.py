"""Lists of golden records: one query a page, the same cost on the first and the thousandth."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet

from mdm import filters
from mdm.errors import Invalid
from mdm.models import GoldenRecord, GoldenState, GoldenValues
from mdm.queries.shapes import VISIBLE, ListPage, ListRow
from mdm.queries.values import columns, read
from mdm.spec import Domain

ORDERS: Mapping[str, str] = {"code": "record__code", "updated": "record__updated_at", "title": "record__title"}
MOST_ROWS = 1000

_IDENTITY = ("code", "domain", "state", "version", "title", "updated_at", "merged_into_id")


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
    asked = params or {}
    if order.removeprefix("-") not in ORDERS:
        known = ", ".join(name for key in ORDERS for name in (key, f"-{key}"))
        problems = [("order", f"Known orders are: {known}."), *filters.problems_of(domain, asked)]
        raise Invalid("The list cannot be ordered like that.", problems=problems)
    rows = filters.apply(domain, asked, _all(domain))
    if not asked.get("state"):
        rows = rows.filter(record__state__in=states)
    return _page(domain, rows, order, after, before, min(max(limit, 1), MOST_ROWS))


def count_by_state(domain: Domain) -> dict[str, int]:
    """{state: number of golden records} of a domain, every state present."""
    rows = GoldenRecord.objects.filter(domain=domain.name).values("state").annotate(number=Count("pk"))
    return dict.fromkeys(GoldenState.values, 0) | {row["state"]: row["number"] for row in rows}


def _all(domain: Domain) -> QuerySet[GoldenValues]:
    """Every row of the domain. The bounds on the code let its unique index give the order without a sort."""
    model: type[GoldenValues] = domain.model  # type: ignore[assignment]  # a domain's model always is one
    return model._default_manager.filter(
        record__domain=domain.name, record__code__gte=f"{domain.prefix}-", record__code__lt=f"{domain.prefix}-a"
    )


def _page(domain: Domain, rows: QuerySet[GoldenValues], order: str, after: str, before: str, limit: int) -> ListPage:
    column, descending = ORDERS[order.removeprefix("-")], order.startswith("-")
    backward = bool(before)
    if after or before:
        rows = rows.filter(_beyond(column, _read_place(after or before), lower=descending is not backward))
    sign = "-" if descending is not backward else ""
    keys = dict.fromkeys((f"{sign}{column}", f"{sign}record__code"))
    wanted = [f"record__{name}" for name in _IDENTITY]
    found = list(
        rows.order_by(*keys).values("record_id", "extension", *wanted, *columns(domain.attributes))[: limit + 1]
    )
    more, found = len(found) > limit, found[:limit]
    if backward:
        found.reverse()
    ends = [_place(row[column], row["record__code"]) for row in (found[-1:] + found[:1])]
    return ListPage(
        rows=[_row(domain, row) for row in found],
        next=ends[0] if ends and (more or backward) else "",
        previous=ends[1] if ends and (more if backward else after) else "",
    )


def _row(domain: Domain, row: Mapping[str, Any]) -> ListRow:
    identity = {name.removesuffix("_id"): row[f"record__{name}"] for name in _IDENTITY}
    return ListRow(id=row["record_id"], **identity, values=read(domain.attributes, row), extension=row["extension"])


def _beyond(column: str, place: tuple[str, str], *, lower: bool) -> Q:
    value, code = place
    side = "lt" if lower else "gt"
    if column == "record__code":
        return Q(**{f"record__code__{side}": code})
    # The outer bound is what an index can use; the inner one breaks ties.
    return Q(**{f"{column}__{side}e": value}) & (
        Q(**{f"{column}__{side}": value}) | Q(**{f"record__code__{side}": code})
    )


def _place(value: Any, code: str) -> str:
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return base64.urlsafe_b64encode(json.dumps([text, code]).encode()).decode().rstrip("=")


def _read_place(place: str) -> tuple[str, str]:
    try:
        value, code = json.loads(base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)))
        return str(value), str(code)
    except (ValueError, TypeError, binascii.Error):
        raise Invalid("This place in the list is not one of ours.", "Start at the first page.") from None
