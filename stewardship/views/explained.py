"""The values of a record as its page shows them: with dates, pins in words, the way to edit and to ask why."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from mdm.models import GoldenRecord, GoldenState, Pin, SourceRecord
from mdm.queries import RecordDetail
from mdm.queries.history import versions_of
from mdm.spec import Domain, Exposure
from stewardship import permissions, showing
from stewardship.models import ChangeRequest, RequestState


def explained_rows(
    request: HttpRequest, record: GoldenRecord, domain: Domain, detail: RecordDetail
) -> list[dict[str, Any]]:
    """Rows for ``partials/sheet.html``. Two queries more than the record itself, four where something is pinned."""
    values = [*detail.values, *detail.extension]
    moments = _moments(domain, record, {v.provenance.since for v in values if v.provenance and v.provenance.since})
    pins = _pin_words(detail)
    waiting = _waiting(record)
    own = {"slug": domain.slug, "name": record.code}
    editing = permissions.may_propose(request.user) and record.state != GoldenState.MERGED
    page = reverse("stewardship:propose", kwargs=own)
    rows = []
    for value, row in zip(values, showing.sheet_rows(values, detail.crosswalk), strict=True):
        name, origin = value.attribute.name, value.provenance
        more: dict[str, Any] = {
            "why_href": reverse("stewardship:why", kwargs=own | {"attribute": name}),
            "waiting": waiting.get(name, ""),
        }
        if origin is not None:
            more["since"] = moments.get(origin.since or 0)
            more["pinned"] = pins.get((origin.source_record, name), "") or row.get("pinned", "")
        if editing and value.attribute.exposure is not Exposure.RESTRICTED:
            more["edit_href"] = reverse("stewardship:edit_field", kwargs=own | {"attribute": name})
            more["edit_page"] = f"{page}#id_{name}"
        rows.append(row | more)
    return rows


def _moments(domain: Domain, record: GoldenRecord, versions: set[int]) -> dict[int, Any]:
    if not versions:
        return {}
    return dict(versions_of(domain, record.pk).filter(version__in=versions).values_list("version", "history_date"))


def _pin_words(detail: RecordDetail) -> dict[tuple[int, str], str]:
    """{(approved edit, attribute): reason, author and lifetime in words}."""
    edits = {entry.source_record: entry for entry in detail.crosswalk if entry.internal}
    if not edits:
        return {}
    ends = dict(SourceRecord.objects.filter(pk__in=edits).values_list("pk", "valid_until"))
    watching = Pin.objects.filter(edit__in=edits, until_source=True, ended_at=None).select_related("watches__system")
    sources = {(pin.edit_id, pin.attribute): pin.watches for pin in watching}
    found = {}
    for pk, entry in edits.items():
        for value in (*detail.values, *detail.extension):
            name = value.attribute.name
            until = "for good"
            if (pk, name) in sources:
                source = sources[pk, name]
                until = f"until {source.system.name} {source.key} changes" if source else "until a source gives a value"
            elif (end := ends.get(pk)) is not None:
                until = f"until {end:%d %b %Y}"
            found[pk, name] = f"{entry.reason} ({entry.by}), {until}"
    return found


def _waiting(record: GoldenRecord) -> dict[str, str]:
    """{attribute: the page of an open or scheduled request that changes it}."""
    states = (RequestState.OPEN, RequestState.SCHEDULED)
    asked = (
        ChangeRequest.objects.filter(record=record, state__in=states).order_by("requested_at").values("pk", "before")
    )
    return {name: reverse("stewardship:request", args=[one["pk"]]) for one in asked[:20] for name in one["before"]}
