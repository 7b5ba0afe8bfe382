"""What a steward does to a golden record outside the work queue: retire, reinstate, look for duplicates."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase
from django.urls import path

from matching.rules import effective
from mdm.models import GoldenRecord
from mdm.spec import Domain
from stewardship import showing, workflow
from stewardship.access import require, signed_in
from stewardship.asking import Question, ask
from stewardship.duplicates import duplicates_of
from stewardship.permissions import may_decide, may_see
from stewardship.views.located import compare_address, located, show


def _shown(request: HttpRequest, record: GoldenRecord) -> int:
    """The version the person saw; a page that does not say is taken to have shown none."""
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() else 0


@require(may_decide)
@located
def retire(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """Take the record out of use, with a reason."""
    page = showing.record_address(domain.name, record.code)

    def act(reason: str) -> str:
        workflow.retire_record(
            record_id=record.pk, shown=_shown(request, record), user=signed_in(request), reason=reason
        )
        messages.success(request, f"Retired {record.code}.")
        return page

    question = Question(
        title=f"Retire {record.title or record.code}?",
        text="Receivers are told that it is out of use. Its code stays, and it can be reinstated.",
        verb="Retire",
        danger=True,
        back=page,
        hidden=[("version", record.version)],
    )
    return ask(request, question, act)


@require(may_decide)
@located
def reinstate(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """Bring a retired record back into use, with a reason."""
    page = showing.record_address(domain.name, record.code)

    def act(reason: str) -> str:
        workflow.reinstate_record(
            record_id=record.pk, shown=_shown(request, record), user=signed_in(request), reason=reason
        )
        messages.success(request, f"Reinstated {record.code}.")
        return page

    question = Question(
        title=f"Reinstate {record.title or record.code}?",
        text="Receivers are told that it is in use again.",
        verb="Reinstate",
        back=page,
        hidden=[("version", record.version)],
    )
    return ask(request, question, act)


@require(may_see)
@located
def duplicates(request: HttpRequest, record: GoldenRecord, domain: Domain) -> HttpResponseBase:
    """Records that resemble this one, likest first, whether or not matching asked about them."""
    found = duplicates_of(domain, record)
    context = {
        "found": [
            {
                "one": one,
                "href": showing.record_address(domain.name, one.record.code),
                "compare": compare_address([record.pk, one.record.pk]),
            }
            for one in found
        ],
        "compare_all": compare_address([record.pk, *(one.record.pk for one in found[:5])]) if found else "",
        "matching": effective(domain),
    }
    return show(request, "stewardship/record/duplicates.html", record, domain, context)


urls = [
    path("records/<slug:slug>/<str:name>/retire/", retire, name="retire"),
    path("records/<slug:slug>/<str:name>/reinstate/", reinstate, name="reinstate"),
    path("records/<slug:slug>/<str:name>/duplicates/", duplicates, name="duplicates"),
]
