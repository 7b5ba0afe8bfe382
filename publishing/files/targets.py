"""File endpoints come to be and change: where files are put, how they look and when they are written."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.conf import settings
from django.db import transaction

from mdm.cause import Actor
from mdm.errors import Invalid
from mdm.identity import uuid7
from mdm.models import LogHead
from publishing import history, proposing
from publishing.addresses import networks
from publishing.clock import now
from publishing.files import columns, layout, naming, schedule, sftp
from publishing.files.going import address_of
from publishing.files.places import PlaceFailed, folder_below
from publishing.files.reaching import may_use_port
from publishing.lanes import restart
from publishing.models import (
    AuthKind,
    Endpoint,
    EndpointKind,
    EndpointState,
    FileContent,
    FileDrop,
    FileFormat,
    FilePlace,
    Intervention,
    Lane,
)
from publishing.proposing import CODE, Problem, Proposal, content_problems, proposal_of
from publishing.sealing import seal

HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.:-]{0,198}[A-Za-z0-9])?")
CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
PLACE_FIELDS = ("place", "host", "port", "user", "folder", "host_key")


@dataclass(frozen=True)
class Drop:
    """A ``FileDrop`` as it is to be."""

    place: str = FilePlace.FOLDER
    folder: str = ""
    host: str = ""
    port: int = 22
    user: str = ""
    host_key: str = ""
    file_name: str = "{code}-{domain}-{number}.csv"
    format: str = FileFormat.CSV
    content: str = FileContent.DELTA
    layout: Mapping[str, Any] = field(default_factory=dict)
    control_totals: bool = True
    schedule: str = "02:30"


def drop_of(row: FileDrop) -> Drop:
    """The drop as it stands."""
    return Drop(**{name: getattr(row, name) for name in Drop.__dataclass_fields__})


def fetch_host_key(host: str, port: int) -> sftp.HostKey:
    """The key an SFTP server shows now, for a person to compare with what its owner says. Raises Invalid."""
    if problems := _address_problems(host, port):
        raise Invalid("There is no key to be had.", "Mend what is named and try again.", problems)
    try:
        return sftp.fetch_host_key(host, port, allowed=networks(settings.ALLOWED_NETWORKS))
    except PlaceFailed as error:
        words = str(error)
        raise Invalid(f"{host} shows no key: {words}", "Check name, port and network.", [("host", words)]) from error


def problems_of(proposal: Proposal, drop: Drop, *, has_secret: bool = False) -> list[Problem]:
    """Every (field, sentence) that speaks against a file endpoint. ``has_secret`` says that it keeps one already."""
    found: list[Problem] = []
    if not CODE.fullmatch(proposal.code):
        found.append(("code", "A code has 1 to 40 small letters, digits, - and _; it begins and ends with neither."))
    if not proposal.name.strip():
        found.append(("name", "Give the target a name people know it by."))
    content = content_problems(proposal)
    found += [*content, *_place_problems(proposal, drop, has_secret=has_secret)]
    if words := schedule.problem_of(drop.schedule):
        found.append(("schedule", words))
    found += [
        (name, "Choose one of those offered.")
        for name, values in (("format", FileFormat.values), ("content", FileContent.values))
        if getattr(drop, name) not in values
    ]
    fixed = drop.format == FileFormat.FIXED
    faults = layout.problems_of(drop.layout, fixed=fixed)
    if faults or content:
        return found + faults
    read = layout.read(drop.layout)
    found += columns.problems_of(proposal.domains, proposal.mapping, read, fixed=fixed, content=drop.content)
    tables = [table.key for table in columns.tables_of(proposal.domains, proposal.mapping, read)]
    return found + [("file_name", words) for words in naming.problems_of(drop.file_name, tables)]


def _place_problems(proposal: Proposal, drop: Drop, *, has_secret: bool) -> list[Problem]:
    if CONTROLS.search(drop.folder) or ".." in drop.folder.split("/"):
        return [("folder", "A folder is named by its path, without .. in it.")]
    if drop.place == FilePlace.FOLDER:
        try:
            folder_below(drop.folder, settings.FILE_FOLDERS)
        except PlaceFailed as error:
            return [("folder", str(error))]
        return []
    if drop.place != FilePlace.SFTP:
        return [("place", "Files are put into a folder or on an SFTP server.")]
    found = _address_problems(drop.host, drop.port)
    if not drop.user or CONTROLS.search(drop.user):
        found.append(("user", "Give the user Assay signs in as."))
    try:
        sftp.read_host_key(drop.host_key)
    except ValueError as error:
        found.append(("host_key", str(error) if drop.host_key else "Fetch the key of the server and confirm it."))
    if not proposal.auth_secret and not has_secret:
        found.append(("auth_secret", "Signing in needs a password or a private key."))
    if words := sftp.problem_of_secret(proposal.auth_secret):
        found.append(("auth_secret", words))
    return found


def _address_problems(host: str, port: int) -> list[Problem]:
    found = []
    if not HOST.fullmatch(host):
        found.append(("host", "Give the name or address of the server alone, such as files.example.org."))
    if not may_use_port(port):
        found.append(("port", f"Port {port} belongs to another kind of service; SFTP uses 22 or a high port."))
    return found


@transaction.atomic
def create_file_endpoint(
    *, proposal: Proposal, drop: Drop, by: Actor, from_now: bool = False, reason: str = ""
) -> Endpoint:
    """A new file endpoint with its lane; nothing is written before it is verified.

    Its first file holds every record, or what changes ``from_now`` on. Raises Invalid with every problem.
    """
    problems = problems_of(proposal, drop)
    if Endpoint.objects.filter(code=proposal.code).exists():
        problems.append(("code", "There is an endpoint of this code already."))
    _refuse(problems)
    endpoint = Endpoint(id=uuid7())
    _fill(endpoint, proposal, drop)
    history.save(endpoint, by=by, reason=reason or "Created")
    row = FileDrop(endpoint=endpoint)
    _fill_drop(row, drop)
    row.save()
    head = LogHead.objects.values_list("seq", flat=True).first() or 0
    Lane.objects.create(endpoint=endpoint, cursor_low=head if from_now else 0)
    Intervention.objects.create(endpoint=endpoint, verb="create", by=by.name, reason=reason, at=now())
    return endpoint


@transaction.atomic
def change_file_endpoint(
    *, endpoint: Endpoint, changes: Mapping[str, Any], drop: Drop, by: Actor, reason: str = ""
) -> Endpoint:
    """Change a file endpoint: fields of ``Proposal`` (not code and kind), and its drop. Locks the endpoint.

    A blank secret is kept, but never for another server. Another place has to be verified before a file goes there.
    Raises Invalid with every problem.
    """
    row = Endpoint.objects.select_for_update(no_key=True).get(pk=endpoint.pk)
    old = FileDrop.objects.select_for_update().get(endpoint=row)
    moved = [name for name in PLACE_FIELDS if getattr(old, name) != getattr(drop, name)]
    elsewhere = bool({"place", "host", "port", "user"} & set(moved))
    wanted = replace(proposal_of(row), **changes)
    _refuse(problems_of(wanted, drop, has_secret=bool(row.auth_sealed) and not elsewhere))
    _fill(row, wanted, drop)
    if moved and row.state != EndpointState.PENDING_VERIFICATION:
        row.state, row.state_reason = EndpointState.PENDING_VERIFICATION, "Its files go to another place now."
    differing = [name for name in Drop.__dataclass_fields__ if getattr(old, name) != getattr(drop, name)]
    words = reason or f"Changed {', '.join([*changes, *differing])}"
    history.save(row, by=by, reason=words)
    _fill_drop(old, drop)
    old.save()
    restart(row)
    Intervention.objects.create(endpoint=row, verb="change", by=by.name, reason=words, at=now())
    return row


def _fill(endpoint: Endpoint, proposal: Proposal, drop: Drop) -> None:
    signs_in = drop.place == FilePlace.SFTP
    settled = replace(
        proposal, kind=EndpointKind.FILE, url=address_of(FileDrop(**_columns(drop)))[:500], path="",
        auth_kind=AuthKind.BASIC if signs_in else AuthKind.NONE, auth_user=drop.user if signs_in else "",
    )  # fmt: skip
    proposing.fill(endpoint, settled)
    if not signs_in:
        endpoint.auth_sealed = ""
    elif proposal.auth_secret:
        endpoint.auth_sealed = seal(endpoint, "auth_sealed", proposal.auth_secret)


def _fill_drop(row: FileDrop, drop: Drop) -> None:
    for name, value in _columns(drop).items():
        setattr(row, name, value)
    row.next_run_at = schedule.next_after(drop.schedule, now())


def _columns(drop: Drop) -> dict[str, Any]:
    """The columns of the drop; a folder of this machine keeps nothing of a server."""
    given = {name: getattr(drop, name) for name in Drop.__dataclass_fields__}
    if drop.place == FilePlace.FOLDER:
        given |= {"host": "", "port": 22, "user": "", "host_key": ""}
    else:
        given["host_key"] = sftp.read_host_key(drop.host_key).text
    return given | {"layout": dict(drop.layout)}


def _refuse(problems: Sequence[Problem]) -> None:
    if problems:
        raise Invalid("The file endpoint cannot be like this.", "Mend what is named and try again.", problems)
