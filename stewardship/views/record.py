"""The golden record page: values with their origin, parts, sources, references, deliveries."""

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase
from django.urls import path, reverse

from matching import relations
from matching.rematch_standing import standings
from mdm import queries
from mdm.errors import NotFound
from mdm.masking import masked, masked_row
from mdm.mastering.compose import extension_attributes
from mdm.models import Feed, GoldenRecord, SourceRecord
from mdm.queries import PartRow, PartRows, RecordDetail, Reference, Value
from mdm.spec import Attribute, Domain, Exposure
from stewardship import showing
from stewardship.access import require
from stewardship.hierarchy import tree
from stewardship.permissions import may_see
from stewardship.quality_card import quality_of
from stewardship.readable import by_word
from stewardship.views.explained import explained_rows
from stewardship.views.located import deliveries_address, located, show

PART_ROWS = 10
PART_PAGE = 100
# Of so many rows of a part the records they point to are listed; the part's own page has them all.
POINTED_ROWS = 200
# A part with more columns does not fit beside the facts and gets the whole width below.
NARROW = 7


@require(may_see)
@located
def overview(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """Surviving values with provenance, the parts, and what is open."""
    detail = queries.record_detail(record, part_limit=PART_ROWS)
    rows = explained_rows(request, record, domain, detail)
    if not detail.crosswalk:  # its sources moved on, so only their codes are left
        names = showing.systems()
        rows = [row | {"source": names.get(row["source"].code)} if "source" in row else row for row in rows]
    parts = [_part(domain, record, part) for part in detail.parts if part.rows]
    context = {
        "detail": detail,
        "in_place": True,
        "quality": quality_of(domain, record, detail),
        "filled": [row for row in rows if row["value"]],
        "blank": [row for row in rows if not row["value"]],
        "parts": [part for part in parts if len(part["columns"]) <= NARROW],
        "wide_parts": [part for part in parts if len(part["columns"]) > NARROW],
        "parts_blank": [part.part.label for part in detail.parts if not part.rows],
        "absorbed": [
            {"title": str(one), "code": one.code, "href": showing.record_address(one.domain, one.code)}
            for one in detail.absorbed
        ],
        "related": relations.related(record.pk),
        "identifiers": [_identifier(one) for one in detail.identifiers],
    }
    return show(request, "stewardship/record/overview.html", record, domain, context)


def _identifier(one: str) -> tuple[str, str]:
    scheme, _, value = one.partition(":")
    return scheme, by_word(scheme, value)


def _part(domain: Domain, record: GoldenRecord, part: PartRows) -> dict[str, Any]:
    own = {"slug": domain.slug, "name": record.code, "part": part.part.name}
    return _table(part.part.attributes, part.rows) | {
        "part": part.part,
        "total": part.total,
        "href": reverse("stewardship:record_part", kwargs=own) if part.total > PART_ROWS else "",
    }


def _table(attributes: Sequence[Attribute], rows: Sequence[PartRow]) -> dict[str, Any]:
    """Columns that hold anything, and the rows."""
    used = [one for one in attributes if any(row.values.get(one.name) not in (None, "") for row in rows)]
    return {
        "columns": used,
        "rows": [
            {
                "cells": showing.part_cells(used, row),
                "source": showing.Source(row.source, row.source_name),
                "key": row.source_key,
            }
            for row in rows
        ],
    }


@require(may_see)
@located
def record_part(request: HttpRequest, record: GoldenRecord, domain: Domain, part: str) -> HttpResponseBase:
    """Every row of a part, by pages, with a filter on any text of it."""
    chosen = next((one for one in domain.parts if one.name == part), None)
    if chosen is None:
        raise NotFound(f"{domain.label} has no part {part}.", "Open the record to see its parts.")
    words = request.GET.get("q", "").split()[:8]
    number = _page_number(request.GET.get("page", ""))
    found = queries.part_rows(chosen, record.pk, words=words, offset=(number - 1) * PART_PAGE, limit=PART_PAGE)
    context = _table(chosen.attributes, found.rows) | {
        "part": chosen,
        "q": request.GET.get("q", ""),
        "total": found.total,
        "previous_href": _turn(request, number - 1) if number > 1 else "",
        "next_href": _turn(request, number + 1) if found.total > number * PART_PAGE else "",
    }
    return show(request, "stewardship/record/part.html", record, domain, context)


def _page_number(text: str) -> int:
    return max(1, int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else 1


def _turn(request: HttpRequest, number: int) -> str:
    return f"?{urlencode({'q': request.GET.get('q', ''), 'page': number})}"


@require(may_see)
@located
def sources(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """The crosswalk, and what every linked source record says beside what survived."""
    detail = queries.record_detail(record, part_limit=0)
    rows = [_compared(detail, value) for value in (*detail.values, *detail.extension)]
    firm = standings([entry.source_record for entry in detail.crosswalk])
    context = {
        "crosswalk": [
            {
                "entry": entry,
                "source": showing.Source(entry.system, entry.system_name),
                "standing": firm.get(entry.source_record, ""),
            }
            for entry in detail.crosswalk
        ],
        "members": [
            {
                "title": "Approved edit" if entry.internal else entry.key,
                "href": reverse("stewardship:record_source", args=[domain.slug, record.code, entry.source_record]),
                "source": showing.Source(entry.system, entry.system_name),
                "seen": entry.seen,
            }
            for entry in detail.crosswalk
        ],
        "compared": [row for row in rows if row["state"] != "empty"],
        "equal_count": sum(row["state"] == "equal" for row in rows),
    }
    return show(request, "stewardship/record/sources.html", record, domain, context)


def _compared(detail: RecordDetail, value: Value) -> dict[str, Any]:
    """A row of ``partials/compare.html``: what each source record says of one attribute."""
    said = {offer.source_record: showing.shown(value.attribute, offer.value) for offer in value.others}
    winner = value.provenance.source_record if value.provenance else None
    golden = showing.shown(value.attribute, value.value)
    if winner is not None:
        said[winner] = golden
    texts = [said.get(entry.source_record, "") for entry in detail.crosswalk]
    spoken = [text.casefold() for text in texts if text]
    # A source that says nothing contradicts nobody; a value only one source gives is neither equal nor different.
    state = "empty" if not spoken else "single" if len(spoken) == 1 else "equal" if len(set(spoken)) == 1 else "differs"
    return {
        "label": value.attribute.label,
        "state": state,
        "reference": golden,
        "cells": [
            {"value": text, "survives": bool(text) and entry.source_record == winner}
            for entry, text in zip(detail.crosswalk, texts, strict=True)
        ],
        "golden": {"value": golden, "rule": value.provenance.rule if value.provenance else ""},
    }


@require(may_see)
@located
def source_record(request: HttpRequest, record: GoldenRecord, domain: Domain, number: int) -> HttpResponseBase:
    """One source record: the line as received, and what was read from it."""
    source = (
        SourceRecord.objects.select_related("system", "row__batch__feed", "batch")
        .filter(pk=number, links__record=record, links__ended_at__isnull=True)
        .first()
    )
    if source is None:
        raise NotFound("This source record does not belong to this golden record.", "Open the list of its sources.")
    values = [
        {"label": one.label, "value": _said(one, source.values.get(one.name))}
        for one in (*domain.attributes, *extension_attributes(domain))
        if source.values.get(one.name) not in (None, "")
    ]
    parts = [
        (part.label, [showing.row_text(part.attributes, masked_row(part.attributes, row)) for row in rows])
        for part in domain.parts
        if (rows := source.parts.get(part.name))
    ]
    withheld = source.row is not None and _may_hold_restricted(domain, source.row.batch.feed)
    raw = source.row.raw if source.row and not withheld else ""
    context = {"source": source, "values": values, "source_parts": parts, "raw": raw, "raw_withheld": withheld}
    return show(request, "stewardship/record/source.html", record, domain, context)


def _may_hold_restricted(domain: Domain, feed: Feed) -> bool:
    """Whether the feed reads a restricted value: then the line as received holds it in full."""
    text = json.dumps(feed.definition)
    names = [a.name for a in domain.attributes if a.exposure is Exposure.RESTRICTED]
    names += [part.name for part in domain.parts if any(a.exposure is Exposure.RESTRICTED for a in part.attributes)]
    return any(f'"{name}' in text for name in names)


def _said(attribute: Attribute, value: Any) -> str:
    if isinstance(value, dict) and "key" in value:
        return f"{value['key']} ({value.get('system', '')})"
    return showing.shown(attribute, masked(attribute, value))


@require(may_see)
@located
def references(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """What the record points to, who points to it, and the tree it stands in."""
    detail = queries.record_detail(record, part_limit=POINTED_ROWS)
    pointed = [(value.attribute.label, _linked(value.value)) for value in detail.references]
    for rows in detail.parts:
        found = {ref.record: ref for row in rows.rows for ref in row.values.values() if isinstance(ref, Reference)}
        pointed += [(rows.part.one, _linked(ref)) for ref in list(found.values())[:PART_ROWS]]
    pointing = [
        {
            "label": one.label,
            "domain": one.domain,
            "count": one.count,
            "first": [_linked(ref) for ref in one.first],
            "href": _list_of(one.domain, {one.attribute: record.code}),
        }
        for one in queries.referrers(record.pk, record.domain)
    ]
    context = {
        "pointed": pointed,
        "pointing": pointing,
        "tree": tree(domain, record.pk),
        "related": relations.related(record.pk),
        "likely": relations.likely(domain, record),
    }
    return show(request, "stewardship/record/references.html", record, domain, context)


def _list_of(domain: Domain, asked: dict[str, str]) -> str:
    return f"{reverse('stewardship:records', args=[domain.slug])}?{urlencode(asked)}"


def _linked(reference: Reference) -> dict[str, Any]:
    return {
        "title": str(reference),
        "code": reference.code,
        "state": reference.state,
        "href": showing.record_address(reference.domain, reference.code),
    }


@require(may_see)
@located
def deliveries(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """What was sent of this record, and to whom; publishing fills it in."""
    fragment = deliveries_address(record.pk)
    return show(request, "stewardship/record/deliveries.html", record, domain, {"fragment": fragment})


urls = [
    path("records/<slug:slug>/<str:name>/", overview, name="record"),
    path("records/<slug:slug>/<str:name>/sources/", sources, name="record_sources"),
    path("records/<slug:slug>/<str:name>/sources/<int:number>/", source_record, name="record_source"),
    path("records/<slug:slug>/<str:name>/references/", references, name="record_references"),
    path("records/<slug:slug>/<str:name>/deliveries/", deliveries, name="record_deliveries"),
    path("records/<slug:slug>/<str:name>/parts/<str:part>/", record_part, name="record_part"),
]
