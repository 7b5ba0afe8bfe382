"""Lists and single golden records of a domain."""

from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from api import present
from api.cursors import list_cursor, read_list_cursor
from api.scopes import read_scope
from api.views.base import AllAtOnce, ApiView, only, whole_number
from mdm.errors import Invalid, NotFound
from mdm.filters.fields import moment
from mdm.models import GoldenRecord
from mdm.queries import as_of, feed_head, list_records, record_detail, resolve
from mdm.queries.shapes import ListPage
from mdm.queries.values import holders, reference_to
from mdm.spec import Domain
from publishing.crosswalk import targets_of

PAGE, MOST = 50, 1000
LIST_PARAMS = ("cursor", "limit", "order", "fields")
PAST_PARAMS = ("as_of", "as_of_sequence", "as_of_version")


class DomainView(ApiView):
    """A view of one domain; reading it needs that domain's scope."""

    domain: Domain

    @property
    def scope(self) -> str:  # type: ignore[override]  # the scope follows from the domain
        return read_scope(self.domain)


class RecordListView(DomainView):
    """A page of the domain's golden records."""

    def get(self, request: Request) -> Response:
        params = request.query_params
        question = {name: params.getlist(name) for name in sorted(params) if name not in ("cursor", "limit")}
        asked = params.copy()
        for name in LIST_PARAMS:
            asked.pop(name, None)
        checks = AllAtOnce()
        limit = checks.of(
            lambda: whole_number(params.get("limit", ""), "limit", least=1, most=MOST, default=PAGE, cap=True), 1
        )
        fields = checks.of(lambda: self._fields(params.get("fields", "")), list[str]())
        after = read_list_cursor(params.get("cursor", ""), question)
        head = feed_head()  # before the list: what the list shows beyond it comes again in the feed, nothing is lost
        order = params.get("order") or "code"
        page = checks.of(
            lambda: list_records(self.domain, asked, order=order, after=after, limit=limit), ListPage([], "", "")
        )
        checks.end()
        return Response(
            {
                "items": [present.list_row(row, fields) for row in page.rows],
                "next_cursor": list_cursor(page.next, question),
                "has_more": bool(page.next),
                "as_of_sequence": head.seq,
                "epoch": head.epoch,
            }
        )

    def _fields(self, text: str) -> list[str]:
        known = [attribute.name for attribute in self.domain.attributes]
        names = [name.strip() for name in text.split(",") if name.strip()]
        unknown = [name for name in names if name not in known]
        if unknown:
            raise Invalid(
                "The parameter fields names attributes that do not exist.",
                "Correct or leave out what is named.",
                [("fields", f"{', '.join(unknown)} is unknown. Known are: {', '.join(known)}.")],
            )
        return names


class RecordDetailView(DomainView):
    """One golden record by id or code: now, or as it was."""

    def get(self, request: Request, name: str) -> HttpResponse:
        only(request.query_params, PAST_PARAMS)
        record = resolve(name)
        if record.domain != self.domain.name:
            raise NotFound(
                f"{record.code} is not among the {self.domain.plural.lower()}.",
                f"Read it at {present.href(record.domain, record.pk)}.",
            )
        asked = {key: request.query_params[key] for key in PAST_PARAMS if request.query_params.get(key)}
        if asked:
            return self._past(record, asked)
        tag = f'"v{record.version}"'
        headers = {"ETag": tag, **_links(record)}
        if matches(request.headers.get("If-None-Match", ""), tag):
            return Response(status=304, headers=headers)
        shown = present.detail(record_detail(record)) | {"targets": present.targets(targets_of(record.pk))}
        return Response(shown, headers=headers)

    def _past(self, record: GoldenRecord, asked: dict[str, str]) -> Response:
        if len(asked) > 1:
            problems = [(name, "Give only one of these.") for name in asked]
            raise Invalid("One point in time is asked for.", "Give a time, a sequence or a version.", problems)
        ((name, text),) = asked.items()
        point: dict[str, Any] = (
            {"moment": _moment(text)}
            if name == "as_of"
            else {
                name.removeprefix("as_of_").replace("sequence", "seq"): whole_number(
                    text, name, least=0, most=2**31 - 1, default=0
                )
            }
        )
        past = as_of(record.pk, **point)
        winner = GoldenRecord.objects.filter(pk=past.merged_into).first() if past.merged_into else None
        return Response(
            present.past(past, reference_to(winner) if winner else None), headers={"ETag": f'"v{past.version}"'}
        )


def matches(header: str, tag: str) -> bool:
    """Whether an If-None-Match header names the tag; weak comparison, as RFC 9110 asks."""
    given = [word.strip().removeprefix("W/") for word in header.split(",")]
    return tag in given or header.strip() == "*"


def _links(record: GoldenRecord) -> dict[str, str]:
    """A merged record points on to the one that holds its facts now."""
    if record.merged_into_id is None:
        return {}
    winner = holders([record.pk])[record.pk]
    return {"Link": f'<{present.href(winner.domain, winner.record)}>; rel="canonical"'}


def _moment(text: str) -> Any:
    try:
        return moment(text)
    except ValidationError as error:
        raise Invalid("The time cannot be understood.", problems=[("as_of", " ".join(error.messages))]) from None
