"""The mapping of one endpoint: edited, seen on a real record, sent as a test, its codes translated."""

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid, MdmError
from mdm.models import ChangeEvent, GoldenRecord, GoldenState
from publishing import mapping, translating
from publishing.access import actor, sees, sets, sets_up
from publishing.advice import advice_for
from publishing.endpoints import change_endpoint, preview, proposal_of, test_send
from publishing.forms.mapping import Row, paths, read, rows_of
from publishing.models import Endpoint
from publishing.outcomes import Fate
from publishing.views.common import endpoint_of, readable, reason_of
from publishing.views.tabs import frame

EMPTY = 3  # blank rows at the foot, for those without JavaScript


@require_http_methods(["GET", "POST"])
@sees
def edit(request: HttpRequest, code: str) -> HttpResponseBase:
    """The mapping, by rows of one domain or as JSON; a POST saves it whole or says everything that is wrong."""
    endpoint = endpoint_of(code)
    if request.method == "POST":
        return _save(request, endpoint)
    return _page(request, endpoint, endpoint.mapping, [])


@sets
def _save(request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
    wanted, problems = read(request.POST, endpoint.mapping, _domain(request, endpoint))
    problems += mapping.problems_of(wanted)
    if not problems:
        try:
            change_endpoint(
                endpoint=endpoint, changes={"mapping": wanted}, by=actor(request), reason=reason_of(request)
            )
        except Invalid as error:
            problems = list(error.problems)
    if problems:
        return _page(request, endpoint, wanted, problems, typed=request.POST.get("json"))
    messages.success(request, "The mapping is saved: it holds from the next message on.")
    view = "&view=json" if "json" in request.POST else ""
    return redirect(f"{reverse('publishing:mapping', args=[endpoint.code])}?domain={_domain(request, endpoint)}{view}")


def _domain(request: HttpRequest, endpoint: Endpoint) -> str:
    asked = request.POST.get("domain") or request.GET.get("domain", "")
    told = endpoint.domains or [domain.name for domain in DOMAINS]
    return asked if asked in told else next((name for name in told if name in endpoint.mapping), told[0])


def _page(
    request: HttpRequest, endpoint: Endpoint, shown: dict[str, Any], problems: list[tuple[str, str]],
    typed: str | None = None,
) -> HttpResponse:  # fmt: skip
    name = _domain(request, endpoint)
    may = sets_up(request.user)
    rows = rows_of(shown.get(name, []), problems, name)
    beside = {sentence for row in rows for sentence in row.problems}
    as_json = typed is not None or request.GET.get("view") == "json"
    context = {
        **frame(request, endpoint),
        "domain": BY_NAME[name],
        "domains": _domains(endpoint, name),
        "rows": [*rows, *([Row()] * EMPTY if may else [])],
        "problems": [(place, sentence) for place, sentence in problems if sentence not in beside or as_json],
        "refused": bool(problems),
        "as_json": as_json,
        "text": typed if typed is not None else json.dumps(shown, indent=2, ensure_ascii=False),
        "paths": paths(BY_NAME[name]),
        "code_sets": sorted(mapping.code_sets()),
        "record": _example(name),
        "missing": translating.codes_without_word(endpoint) if endpoint.mapping else [],
        "words": list(translating.translations_of(endpoint)[:500]),
        "waiting": translating.waiting_for_words(endpoint).count(),
    }
    return render(request, "publishing/mapping.html", context, status=422 if problems else 200)


def _domains(endpoint: Endpoint, current: str) -> list[dict[str, Any]]:
    told = endpoint.domains or [domain.name for domain in DOMAINS]
    return [
        {
            "label": BY_NAME[name].plural,
            "href": f"?domain={name}",
            "current": name == current,
            "count": len(endpoint.mapping.get(name, [])) or None,
        }
        for name in told
        if name in BY_NAME
    ]


def _example(domain: str) -> GoldenRecord | None:
    """A record to begin with: the one that changed last."""
    event = ChangeEvent.objects.filter(domain=domain, outward=True, state=GoldenState.ACTIVE).order_by("-seq")
    found = event.select_related("record").first()
    return found.record if found else None


@require_POST
@sets
def show(request: HttpRequest, code: str) -> HttpResponse:
    """A fragment: the exact request a real record would make with the mapping as it is typed. Nothing is saved."""
    endpoint = endpoint_of(code)
    wanted, problems = read(request.POST, endpoint.mapping, _domain(request, endpoint))
    problems += mapping.problems_of(wanted)
    context: dict[str, Any] = {"problems": problems, "endpoint": endpoint}
    if not problems and (record := _record(request)):
        try:
            seen = preview(replace(proposal_of(endpoint), mapping=wanted), record)
        except MdmError as error:
            context["problems"] = [("record", error.message)]
        else:
            context |= {"seen": seen, "body": readable(seen.body), "problems": seen.problems}
    return render(request, "publishing/preview.html", context)


@require_POST
@sets
def try_out(request: HttpRequest, code: str) -> HttpResponse:
    """A fragment: what the target answered to one real record, sent as a test with the mapping as it is saved."""
    endpoint = endpoint_of(code)
    context: dict[str, Any] = {"endpoint": endpoint}
    record = _record(request)
    try:
        if record is None:
            raise Invalid("No record is chosen.", "Choose one above.")
        result = test_send(endpoint=endpoint, record_id=record, by=actor(request))
    except MdmError as error:
        said = [f"{field}: {sentence}" for field, sentence in error.problems] if isinstance(error, Invalid) else []
        context |= {"refused": error.message, "said": said, "way_out": error.way_out}
    else:
        taken = result.outcome.fate is Fate.ACCEPTED
        advice = advice_for(result.outcome.code)
        context |= {"result": result, "advice": advice, "taken": taken, "answer": readable(result.answer)}
    return render(request, "publishing/tested.html", context)


def _record(request: HttpRequest) -> UUID | None:
    try:
        return UUID(request.POST.get("record", ""))
    except ValueError:
        return None


@require_POST
@sets
def translate(request: HttpRequest, code: str) -> HttpResponse:
    """Words of the target for our codes: those given are kept, those emptied are removed; all or none."""
    endpoint = endpoint_of(code)
    given = list(zip(*(request.POST.getlist(name) for name in ("code_set", "code", "theirs")), strict=False))
    known = {
        (row.code_value.code_set.code, row.code_value.code): row.theirs for row in translating.translations_of(endpoint)
    }
    by, reason = actor(request), reason_of(request)
    count = translating.load_translations(
        endpoint=endpoint, rows=[row for row in given if row[2].strip()], by=by, reason=reason
    )
    for code_set, value, theirs in given:
        if not theirs.strip() and (code_set, value) in known:
            translating.remove_translation(endpoint=endpoint, code_set=code_set, code=value, by=by, reason=reason)
            count += 1
    messages.success(request, f"{count:,} words changed: they hold from the next message on.")
    return redirect(f"{reverse('publishing:mapping', args=[code])}#words")
