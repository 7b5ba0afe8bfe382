"""Setting up: a new endpoint, its settings, a copy of another one, and the search for records and facilities."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from mdm.domains import BY_NAME
from mdm.domains.facilities import FACILITY
from mdm.errors import Invalid
from mdm.models import GoldenRecord, GoldenState
from mdm.queries import search
from publishing.access import actor, sees, sets
from publishing.conditions import Operator
from publishing.endpoints import Start, change_endpoint, create_endpoint, new_secret
from publishing.forms.endpoint import EndpointForm, condition_choices, initial_of, restricted_choices
from publishing.forms.lists import conditions_of, rows_of
from publishing.models import SIGNED_KINDS, Endpoint, EndpointKind
from publishing.views.common import endpoint_of
from publishing.views.endpoints import show_secret
from publishing.views.tabs import frame

HITS = 12
RESERVED = frozenset(
    ("new", "parked", "dead-letters", "records", "deliveries", "drift", "files", "notices", "preview", "search")
)


@require_http_methods(["GET", "POST"])
@sets
def new(request: HttpRequest) -> HttpResponse:
    """The form of a new endpoint, blank or like another one; saved, it waits to be verified."""
    source = request.GET.get("from", "")
    like = endpoint_of(source) if source else None
    if request.method != "POST":
        form = EndpointForm(reserved=RESERVED, initial=initial_of(like, copy=True) if like else None)
        return _form_page(request, form, like.selection if like else {}, like=like)
    form = EndpointForm(request.POST, reserved=RESERVED)
    if form.is_valid() and form.proposal and (made := _made(request, form, like)):
        endpoint, secret = made
        messages.success(request, f"{endpoint.name} is set up. It waits to be verified.")
        if secret:
            return show_secret(request, endpoint, secret, old=False)
        return redirect("publishing:endpoint", code=endpoint.code)
    return _form_page(request, form, selection_of(request.POST), like=like, refused=True)


def _made(request: HttpRequest, form: EndpointForm, like: Endpoint | None) -> tuple[Endpoint, str] | None:
    proposal = form.proposal
    if proposal is None:
        return None
    secret = new_secret() if proposal.kind in SIGNED_KINDS else ""
    given = {**vars(proposal), "signing_secret": secret, "mapping": like.mapping if like else {}}
    start = Start(form.cleaned_data["start"] or Start.SNAPSHOT)
    try:
        endpoint = create_endpoint(
            proposal=type(proposal)(**given), by=actor(request), start=start, reason=form.cleaned_data["reason"]
        )
    except Invalid as error:
        tell_problems(form, error)
        return None
    return endpoint, secret


@require_http_methods(["GET", "POST"])
@sets
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """The settings of an endpoint, changed together with a reason."""
    endpoint = endpoint_of(code)
    if endpoint.kind == EndpointKind.FILE:
        return redirect("publishing:edit_file", code=code)
    if request.method != "POST":
        form = EndpointForm(reserved=RESERVED, endpoint=endpoint, initial=initial_of(endpoint))
        return _form_page(request, form, endpoint.selection, endpoint=endpoint)
    form = EndpointForm(request.POST, reserved=RESERVED, endpoint=endpoint, initial=initial_of(endpoint))
    if form.is_valid():
        try:
            by, reason = actor(request), form.cleaned_data["reason"]
            changed = change_endpoint(endpoint=endpoint, changes=form.changes(), by=by, reason=reason)
        except Invalid as error:
            tell_problems(form, error)
        else:
            messages.success(request, f"{endpoint.name} is changed.")
            if changed.selection != endpoint.selection:
                messages.info(
                    request, "Replay what is missing, to tell what fits now and withdraw what no longer does."
                )
            return redirect("publishing:settings", code=code)
    return _form_page(request, form, selection_of(request.POST), endpoint=endpoint, refused=True)


def tell_problems(form: EndpointForm, error: Invalid) -> None:
    """Every problem beside its field, those of no field on top."""
    for name, sentence in error.problems:
        form.add_error(name if name in form.fields else None, sentence)


def selection_of(given: QueryDict) -> dict[str, Any]:
    """The selection as typed, for showing it again."""
    chosen: dict[str, Any] = {name: given.getlist(name) for name in ("legal_entities", "facilities")}
    return chosen | {"attributes": conditions_of(given)}


def _form_page(
    request: HttpRequest, form: EndpointForm, selection: dict[str, Any], *, endpoint: Endpoint | None = None,
    like: Endpoint | None = None, refused: bool = False,
) -> HttpResponse:  # fmt: skip
    context = {
        "form": form,
        "endpoint": endpoint,
        "like": like,
        **places_of(selection),
        "condition_choices": condition_choices(),
        "operators": list(Operator),
    }
    return render(request, "publishing/form.html", context, status=422 if refused else 200)


def places_of(selection: dict[str, Any]) -> dict[str, Any]:
    """What the form shows of a selection: the places with their names, and the conditions with a blank row."""
    return {
        "places": [
            ("legal_entities", "Legal entities", _facilities(selection.get("legal_entities", []))),
            ("facilities", "Facilities, with everything below them", _facilities(selection.get("facilities", []))),
        ],
        "conditions": [*rows_of(selection.get("attributes", {})), ("", "", "")],
    }


def _facilities(codes: list[str]) -> list[tuple[str, str]]:
    titles = dict(GoldenRecord.objects.filter(code__in=codes).values_list("code", "title"))
    return [(code, titles.get(code, "")) for code in dict.fromkeys(codes) if code]


def words_of(endpoint: Endpoint) -> dict[str, Any]:
    """What an endpoint is told, each value as the form calls it."""
    selection = endpoint.selection
    labels = {value: f"{plural}, {label}" for plural, choices in condition_choices() for value, label in choices}
    states, restricted = dict(GoldenState.choices), dict(restricted_choices())
    return {
        "states": [states.get(name, name) for name in selection.get("states", [])],
        "types": selection.get("types", []),
        "conditions": [
            (labels.get(where, where), how, what) for where, how, what in rows_of(selection.get("attributes", {}))
        ],
        "reveals": [restricted.get(name, name) for name in endpoint.reveals],
    }


@require_GET
@sees
def settings(request: HttpRequest, code: str) -> HttpResponse:
    """How an endpoint is set up, secrets left out."""
    endpoint = endpoint_of(code)
    selection = endpoint.selection
    context = {
        **frame(request, endpoint),
        "secrets": endpoint.secrets.all(),
        **words_of(endpoint),
        "places": _facilities([*selection.get("legal_entities", []), *selection.get("facilities", [])]),
        "mapped": [BY_NAME[name].plural for name in endpoint.mapping if name in BY_NAME],
    }
    return render(request, "publishing/settings.html", context)


@require_GET
@sets
def find(request: HttpRequest) -> HttpResponse:
    """A fragment of records that bear a text: to preview with, or facilities to choose."""
    name = request.GET.get("name", "")
    name = name if name in ("record", "facilities", "legal_entities") else "record"
    domain = request.GET.get("domain", "")
    domains = [FACILITY.name] if name != "record" else [domain] if domain in BY_NAME else None
    text = request.GET.get("q", "")
    hits = search(text, domains, limit=HITS).hits if text.strip() else []
    return render(request, "publishing/found.html", {"hits": hits, "name": name, "asked": text.strip()})
