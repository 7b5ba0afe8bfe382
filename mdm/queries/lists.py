"""Lists of golden records: one query a page, the same cost on the first and the thousandth."""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.functions import NullIf

from mdm import filters
from mdm.errors import Invalid
from mdm.models import GoldenRecord, GoldenState, GoldenValues
from mdm.queries.shapes import VISIBLE, ListPage, ListRow
from mdm.queries.values import columns, read
from mdm.spec import Domain, Exposure, Kind

ORDERS: Mapping[str, str] = {"code": "record__code", "updated": "record__updated_at", "title": "record__title"}
MOST_ROWS = 1000
MOST_ORDERS = 3

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
    ``states`` counts where ``params`` chooses no state. ``order`` is a key of ``orders_of``, with "-" for descending,
    or up to three of them between commas.
    """
    asked = params or {}
    keys, known_orders = order.split(","), orders_of(domain)
    if len(keys) > MOST_ORDERS or any(key.removeprefix("-") not in known_orders for key in keys):
        known = ", ".join(name for key in known_orders for name in (key, f"-{key}"))
        problems = [("order", f"Known orders are: {known}."), *filters.problems_of(domain, asked)]
        raise Invalid("The list cannot be ordered like that.", problems=problems)
    rows = filters.apply(domain, asked, _all(domain))
    if not asked.get("state"):
        rows = rows.filter(record__state__in=states)
    limit = min(max(limit, 1), MOST_ROWS)
    if order.removeprefix("-") in ORDERS:
        return _page(domain, rows, order, after, before, limit)
    return _page_by_many(domain, rows, keys, after, before, limit)


def orders_of(domain: Domain) -> dict[str, str]:
    """{name: column} a list can be ordered by: those every list has, and each attribute anybody may read in full."""
    found = dict(ORDERS)
    for one in domain.attributes:
        if one.exposure is not Exposure.RESTRICTED and one.name not in found:
            found[one.name] = f"{one.name}__title" if one.kind is Kind.REFERENCE else one.name
    return found


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


def _page_by_many(
    domain: Domain, rows: QuerySet[GoldenValues], keys: list[str], after: str, before: str, limit: int
) -> ListPage:
    """A page in the order of several columns, blanks last whichever way; the code breaks ties."""
    known = orders_of(domain)
    columns_of = [(known[key.removeprefix("-")], key.startswith("-")) for key in dict.fromkeys([*keys, "code"])]
    texts = {one.name for one in domain.attributes if one.kind in (Kind.TEXT, Kind.CODE)}
    # A blank text is "": it counts as no value, as people read it.
    rows = rows.annotate(**{f"order_{name}": NullIf(F(name), Value("")) for name, _ in columns_of if name in texts})
    columns_of = [(f"order_{name}" if name in texts else name, down) for name, down in columns_of]
    if after or before:
        rows = rows.filter(_past(columns_of, _read_many(after or before, len(columns_of)), backward=bool(before)))
    wanted = [f"record__{name}" for name in _IDENTITY]
    order = [_ordering(column, down=down is not bool(before), blanks_first=bool(before)) for column, down in columns_of]
    extra = [column for column, _ in columns_of if column not in wanted]
    fields = dict.fromkeys(["record_id", "extension", *wanted, *columns(domain.attributes), *extra])
    found = list(rows.order_by(*order).values(*fields)[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    if before:
        found.reverse()
    ends = [_encode([row[column] for column, _ in columns_of]) for row in (found[-1:] + found[:1])]
    return ListPage(
        rows=[_row(domain, row) for row in found],
        next=ends[0] if ends and (more or before) else "",
        previous=ends[1] if ends and (more if before else after) else "",
    )


def _ordering(column: str, *, down: bool, blanks_first: bool) -> Any:
    place = {"nulls_first": True} if blanks_first else {"nulls_last": True}
    return F(column).desc(**place) if down else F(column).asc(**place)


def _past(columns_of: list[tuple[str, bool]], place: list[str | None], *, backward: bool) -> Q:
    """Beyond a place: later in the first column, or equal there and later in the next, and so on."""
    found, equal = Q(pk__in=[]), Q()
    for (column, down), value in zip(columns_of, place, strict=True):
        if value is None:
            later = Q(**{f"{column}__isnull": False}) if backward else Q(pk__in=[])
            here = Q(**{f"{column}__isnull": True})
        else:
            side = "lt" if down is not backward else "gt"
            later = Q(**{f"{column}__{side}": value})
            if not backward:
                later |= Q(**{f"{column}__isnull": True})
            here = Q(**{column: value})
        found |= equal & later
        equal &= here
    return found


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
    return _encode([value, code])


def _encode(values: list[Any]) -> str:
    texts = [
        value.isoformat() if isinstance(value, datetime) else None if value is None else str(value) for value in values
    ]
    return base64.urlsafe_b64encode(json.dumps(texts).encode()).decode().rstrip("=")


def _read_many(place: str, count: int) -> list[str | None]:
    try:
        values = json.loads(base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)))
        if not isinstance(values, list) or len(values) != count:
            raise ValueError
    except (ValueError, TypeError, binascii.Error):
        raise Invalid("This place in the list is not one of ours.", "Start at the first page.") from None
    return [None if value is None else str(value) for value in values]


def _read_place(place: str) -> tuple[str, str]:
    try:
        value, code = json.loads(base64.urlsafe_b64decode(place + "=" * (-len(place) % 4)))
        return str(value), str(code)
    except (ValueError, TypeError, binascii.Error):
        raise Invalid("This place in the list is not one of ours.", "Start at the first page.") from None
