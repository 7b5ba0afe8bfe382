"""File endpoints: set up, changed, their runs listed, a file written now or looked at."""

from dataclasses import replace

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from mdm.errors import Invalid
from publishing.access import actor, acts, sees, sets
from publishing.conditions import Operator
from publishing.files import kept, runs, targets
from publishing.files.forms import FileForm, initial_of
from publishing.files.queries import section
from publishing.forms.endpoint import condition_choices
from publishing.forms.endpoint import initial_of as initial_of_endpoint
from publishing.models import Endpoint, EndpointKind, FileDrop, FileRun, JobState
from publishing.views.common import endpoint_of, page
from publishing.views.setup import RESERVED, places_of, selection_of, tell_problems
from publishing.views.tabs import frame


@require_GET
@sees
def run_list(request: HttpRequest, code: str) -> HttpResponse:
    """Where the files go, how they look, and each file written so far."""
    endpoint = _file_endpoint(code)
    context = {**frame(request, endpoint), "files": section(endpoint)}
    return page(request, "publishing/files.html", "publishing/files_runs.html", context)


@require_POST
@acts
def write(request: HttpRequest, code: str) -> HttpResponse:
    """Write a file now, and say what came of it."""
    run = runs.run(endpoint=_file_endpoint(code), by=actor(request))
    if run is None:
        messages.info(request, "Nothing has changed since the last file, so none was written.")
    elif run.state == JobState.DONE:
        messages.success(request, f"File {run.number} is there, with {run.rows:,} rows.")
    else:
        messages.error(request, run.error)
    return redirect("publishing:files", code=code)


@require_GET
@acts
def download(request: HttpRequest, code: str, number: int, name: str) -> FileResponse:
    """A file as it was sent; who looks at it is written down."""
    run = get_object_or_404(FileRun.objects.select_related("endpoint"), endpoint__code=code, number=number)
    path = kept.take_out(run=run, name=name, by=actor(request))
    response = FileResponse(path.open("rb"), as_attachment=True, filename=name, content_type="application/octet-stream")
    response.headers["Cache-Control"] = "no-store"
    return response


@require_http_methods(["GET", "POST"])
@sets
def new(request: HttpRequest) -> HttpResponse:
    """The form of a new file endpoint; saved, it waits to be verified."""
    form = FileForm(request.POST or None, reserved=RESERVED)
    if request.method == "POST" and form.is_valid() and (endpoint := _made(request, form)):
        messages.success(request, f"{endpoint.name} is set up. It waits to be verified.")
        return redirect("publishing:files", code=endpoint.code)
    return _form_page(request, form)


def _made(request: HttpRequest, form: FileForm) -> Endpoint | None:
    if form.proposal is None or form.drop is None:
        return None
    try:
        return targets.create_file_endpoint(
            proposal=replace(form.proposal, auth_secret=form.secret), drop=form.drop, by=actor(request),
            from_now=form.cleaned_data["start"] == "now", reason=form.cleaned_data["reason"],
        )  # fmt: skip
    except Invalid as error:
        tell_problems(form, error)
        return None


@require_http_methods(["GET", "POST"])
@sets
def edit(request: HttpRequest, code: str) -> HttpResponse:
    """The settings of a file endpoint, changed together with a reason."""
    endpoint = _file_endpoint(code)
    drop = FileDrop.objects.get(endpoint=endpoint)
    initial = {**initial_of_endpoint(endpoint), **initial_of(drop)}
    form = FileForm(request.POST or None, reserved=RESERVED, endpoint=endpoint, initial=initial)
    if request.method == "POST" and form.is_valid() and _changed(request, endpoint, form):
        messages.success(request, f"{endpoint.name} is changed.")
        return redirect("publishing:files", code=code)
    return _form_page(request, form, endpoint)


def _changed(request: HttpRequest, endpoint: Endpoint, form: FileForm) -> bool:
    if form.proposal is None or form.drop is None:
        return False
    names = ("name", "owner_email", "domains", "selection", "reveals", "timeout_seconds", "backoff_seconds")
    changes = {name: getattr(form.proposal, name) for name in names} | {"auth_secret": form.secret}
    try:
        targets.change_file_endpoint(
            endpoint=endpoint, changes=changes, drop=form.drop, by=actor(request), reason=form.cleaned_data["reason"]
        )
    except Invalid as error:
        tell_problems(form, error)
        return False
    return True


def _form_page(request: HttpRequest, form: FileForm, endpoint: Endpoint | None = None) -> HttpResponse:
    selection = selection_of(request.POST) if form.is_bound else endpoint.selection if endpoint else {}
    context = {
        "form": form, "endpoint": endpoint, "operators": list(Operator), "condition_choices": condition_choices(),
        **places_of(selection),
    }  # fmt: skip
    return render(request, "publishing/files_form.html", context, status=422 if form.is_bound else 200)


@require_POST
@sets
def host_key(request: HttpRequest) -> HttpResponse:
    """A fragment: the key the server shows now, with its fingerprint to compare; or why there is none."""
    host, port = request.POST.get("host", "").strip(), request.POST.get("port", "22").strip()
    try:
        shown = targets.fetch_host_key(host, int(port) if port.isascii() and port.isdigit() else 0)
        context: dict[str, object] = {"shown": shown, "host": host, "port": port}
    except Invalid as error:
        context = {"problems": [sentence for _, sentence in error.problems]}
    return render(request, "publishing/files_host_key.html", context)


def _file_endpoint(code: str) -> Endpoint:
    endpoint = endpoint_of(code)
    return get_object_or_404(Endpoint.objects.select_related("lane"), pk=endpoint.pk, kind=EndpointKind.FILE)
