"""Taking a record apart: who leaves, what that would do, and doing it."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import path, reverse

from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound, Stale
from mdm.mastering import follow_merges, homes, standing_below
from mdm.models import GoldenRecord, Link, Merge
from mdm.spec import Domain
from stewardship import showing, workflow
from stewardship.access import is_fragment, reason_of, require, signed_in
from stewardship.foresight import Foresight, foresee
from stewardship.models import Decision
from stewardship.permissions import may_decide
from stewardship.showing import Source
from stewardship.views.located import located, next_address

RESTS = (
    ("apart", "Each becomes a record of its own"),
    ("together", "Together they become one new record"),
    ("along", "They go along with the record that returns"),
)


@dataclass(frozen=True)
class Member:
    """A source record that may leave."""

    pk: int
    source: Source
    key: str
    title: str
    since: datetime
    ticked: bool


@dataclass(frozen=True)
class Group:
    """Source records that came with one merge, or those at home here (no merge)."""

    merge: Merge | None
    members: Sequence[Member]


@require(may_decide)
@located
def take_apart(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """``?source=1`` ticks a source record, ``?merge=`` all that came with a merge. A fragment is the outlook."""
    return _page(request, record, domain, _ticked(request, record))


@require(may_decide)
def unmerge(request: HttpRequest, merge_id: UUID) -> HttpResponseBase:
    """Take one merge back, having seen what returns to whom. Without any tick all of it leaves."""
    merge = Merge.objects.select_related("winner", "loser").filter(pk=merge_id).first()
    if merge is None:
        raise NotFound("There is no such merge.", "Open the record it was made into.")
    domain = BY_NAME[merge.loser.domain]
    holder = GoldenRecord.objects.get(pk=follow_merges([merge.loser_id])[merge.loser_id])
    sent = _numbers(request.POST.getlist("source"))
    if request.method == "POST" and (merge.undone_at or not sent):

        def act() -> Decision:
            return workflow.unmerge(
                merge_ids=[merge.pk],
                user=signed_in(request),
                reason=reason_of(request),
                may_join_again=bool(request.POST.get("may_join_again")),
            )

        return _carry_out(request, holder, domain, act, showing.record_address(domain.name, merge.loser.code))
    if merge.undone_at:
        return redirect(showing.record_address(domain.name, merge.loser.code))
    ticked = sent if request.method == "POST" else _of_merge(holder, merge)
    return _page(request, holder, domain, ticked)


def _page(request: HttpRequest, record: GoldenRecord, domain: Domain, ticked: set[int]) -> HttpResponseBase:
    if request.method != "POST":
        return _show(request, record, domain, ticked)

    def act() -> Decision:
        return _leave(request, record, ticked, reason_of(request), _shown(request))

    return _carry_out(request, record, domain, act, "", ticked)


def _carry_out(
    request: HttpRequest,
    record: GoldenRecord,
    domain: Domain,
    act: Callable[[], Decision],
    onward: str,
    ticked: Collection[int] = (),
) -> HttpResponseBase:
    try:
        decision = act()
    except Invalid as refusal:
        return _show(request, record, domain, set(ticked), problems=refusal.problems, status=422)
    except Stale as refusal:
        return _show(request, record, domain, set(ticked), stale=True, status=refusal.http)
    apart = [row for row in decision.records if not row.get("winner")]
    back = ", ".join(row["code"] for row in apart)
    messages.success(request, f"Unmerged: {back} {'stands' if len(apart) == 1 else 'stand'} on {_own(apart)} again.")
    return redirect(next_address(request, onward or showing.record_address(domain.name, apart[0]["code"])))


def _own(apart: Sequence[Any]) -> str:
    return "its own" if len(apart) == 1 else "their own"


def _leave(
    request: HttpRequest, record: GoldenRecord, ticked: set[int], reason: str, shown: int | None = None
) -> Decision:
    asked = request.POST if request.method == "POST" else request.GET
    rest = asked.get("rest", "")
    return workflow.take_out(
        source_record_ids=sorted(ticked),
        user=signed_in(request),
        reason=reason,
        rest=rest if rest in dict(RESTS) else RESTS[0][0],
        shown=None if shown is None else {record.pk: shown},
        may_join_again=bool(asked.get("may_join_again")),
    )


def _show(
    request: HttpRequest,
    record: GoldenRecord,
    domain: Domain,
    ticked: set[int],
    *,
    problems: Sequence[tuple[str, str]] = (),
    stale: bool = False,
    status: int = 200,
) -> HttpResponse:
    foresight: Foresight | None = foresee(lambda: _leave(request, record, ticked, "Outlook")) if ticked else None
    asked = request.POST if request.method == "POST" else request.GET
    context = {
        "record": record,
        "domain": domain,
        "address": reverse("stewardship:take_apart", args=[domain.slug, record.code]),
        "record_href": showing.record_address(domain.name, record.code),
        "groups": _groups(record, ticked),
        "foresight": foresight,
        "rests": RESTS,
        "rest": asked.get("rest", "apart"),
        "may_join_again": bool(asked.get("may_join_again")),
        "reason": request.POST.get("reason", ""),
        "problems": problems,
        "stale": stale,
    }
    part = is_fragment(request) and request.method != "POST"
    template = "stewardship/unmerge/outlook.html" if part else "stewardship/unmerge/page.html"
    return render(request, template, context, status=status)


def _groups(record: GoldenRecord, ticked: Collection[int]) -> list[Group]:
    """The record's source records, those at home first, then what came with each merge, oldest first."""
    links = (
        Link.objects.select_related("merge__loser", "source_record__system")
        .filter(record=record, ended_at=None, source_record__part="", source_record__system__internal=False)
        .order_by("source_record__system__code", "source_record__key")
    )
    title = BY_NAME[record.domain].title
    found: dict[UUID | None, list[Member]] = {None: []}
    merges: dict[UUID | None, Merge | None] = {None: None}
    for link in links:
        source = link.source_record
        merges[link.merge_id] = link.merge
        found.setdefault(link.merge_id, []).append(
            Member(
                source.pk,
                Source(source.system.code, source.system.name),
                source.key,
                str(source.values.get(title) or ""),
                link.linked_at,
                source.pk in ticked,
            )
        )
    return [Group(merges[pk], members) for pk, members in found.items() if members]


def _ticked(request: HttpRequest, record: GoldenRecord) -> set[int]:
    asked = request.POST if request.method == "POST" else request.GET
    ticked = _numbers(asked.getlist("source"))
    known = [number for text in asked.getlist("merge") if (number := _uuid(text))]
    for merge in Merge.objects.filter(pk__in=known, undone_at=None):
        ticked |= _of_merge(record, merge)
    return ticked


def _of_merge(record: GoldenRecord, merge: Merge) -> set[int]:
    """What is in the record because of the merge, through others as well."""
    inside = standing_below([record.pk]).below(merge.loser_id)
    links = Link.objects.select_related("merge").filter(
        record=record, ended_at=None, source_record__part="", source_record__system__internal=False
    )
    return {pk for pk, home in homes(list(links)).items() if home in inside}


def _numbers(texts: Sequence[str]) -> set[int]:
    return {int(text) for text in texts if text.isascii() and text.isdigit() and len(text) < 19}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _shown(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() else 0


urls = [
    path("records/<slug:slug>/<str:name>/take-apart/", take_apart, name="take_apart"),
    path("records/merges/<uuid:merge_id>/unmerge/", unmerge, name="unmerge_record"),
]
