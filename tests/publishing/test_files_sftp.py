"""Files to an SFTP server: real keys, real sockets; what it refuses, breaks or lacks."""

import socket
from collections.abc import Iterator
from pathlib import Path

import asyncssh
import pytest
from pytest_django.fixtures import Settings

from mdm.errors import Invalid
from publishing import endpoints
from publishing.files import runs, targets
from publishing.models import AuthKind, Endpoint, FileRun
from tests.publishing.dropping import PASSWORD, Sftp, file_endpoint, sftp_drop, write
from tests.publishing.making import OWNER, pass_time, rename, states, suppliers

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(tmp_path: Path, settings: Settings) -> Iterator[Sftp]:
    """A server with the folder /in."""
    (tmp_path / "root" / "in").mkdir(parents=True)
    settings.FILE_ARCHIVE = tmp_path / "sent"
    with Sftp(tmp_path / "root") as rig:
        yield rig


def inside(server: Sftp) -> list[str]:
    return sorted(path.name for path in (server.root / "in").iterdir())


def test_files_arrive_whole_the_control_file_last(server: Sftp) -> None:
    suppliers(3)
    endpoint = file_endpoint(sftp_drop(server), auth_secret=PASSWORD)
    run = write(endpoint)
    assert (run.state, run.rows) == ("done", 3)
    assert inside(server) == ["supplier-000001.csv", "supplier-000001.csv.ctl"]
    renamed = [path for operation, path in server.seen if operation == "rename"]
    assert renamed == ["/in/supplier-000001.csv", "/in/supplier-000001.csv.ctl"]
    opened = {path for operation, path in server.seen if operation == "open"}
    assert opened == {"/in/supplier-000001.csv.part", "/in/supplier-000001.csv.ctl.part"}
    assert (server.root / "in" / "supplier-000001.csv").stat().st_size == run.files[0]["bytes"]
    assert set(states(endpoint)) == {"delivered"}


def test_a_private_key_signs_in_and_is_kept_sealed(server: Sftp) -> None:
    suppliers(1)
    endpoint = file_endpoint(sftp_drop(server), auth_secret=server.private_key)
    assert endpoint.auth_kind == AuthKind.BASIC
    assert "PRIVATE" not in endpoint.auth_sealed
    assert write(endpoint).state == "done"
    assert server.logins == 0


def test_a_wrong_password_rests_the_lane_in_words(server: Sftp) -> None:
    suppliers(1)
    endpoint = file_endpoint(sftp_drop(server), auth_secret="guess")
    run = write(endpoint)
    assert (run.state, run.outcome_code) == ("waiting", "AUTH_REJECTED")
    assert "guess" not in run.error
    assert states(endpoint) == ["waiting"]


def test_a_changed_host_key_gets_neither_password_nor_file(server: Sftp) -> None:
    suppliers(1)
    endpoint = file_endpoint(sftp_drop(server), auth_secret=PASSWORD)
    server.change_host_key()
    run = write(endpoint)
    assert run.outcome_code == "HOST_KEY_CHANGED"
    assert server.logins == 0
    assert inside(server) == []
    shown = targets.fetch_host_key("127.0.0.1", server.port)
    assert shown.text == server.shown_key
    assert shown.fingerprint == server.host_key.get_fingerprint("sha256")
    targets.change_file_endpoint(
        endpoint=endpoint, changes={}, drop=sftp_drop(server, host_key=shown.text), by=OWNER, reason="told by phone"
    )
    assert endpoints.verify(endpoint=Endpoint.objects.get(), by=OWNER).outcome.code == "ACCEPTED"
    assert write(endpoint).state == "done"


def test_an_older_server_without_posix_rename_is_served_too(server: Sftp) -> None:
    server.posix = False
    suppliers(1)
    endpoint = file_endpoint(sftp_drop(server, file_name="{domain}.csv", content="full"), auth_secret=PASSWORD)
    assert [write(endpoint).state, write(endpoint).state] == ["done", "done"]
    assert inside(server) == ["supplier.csv", "supplier.csv.ctl"]


def test_a_folder_is_not_made_silently(server: Sftp) -> None:
    suppliers(1)
    endpoint = file_endpoint(sftp_drop(server, folder="/nowhere"), auth_secret=PASSWORD)
    run = write(endpoint)
    assert run.outcome_code == "FOLDER_MISSING"
    assert "There is no folder /nowhere" in run.error
    assert not (server.root / "nowhere").exists()


def test_a_server_that_breaks_off_keeps_no_file_and_gets_the_next_try(server: Sftp, clock: None) -> None:
    suppliers(2)
    endpoint = file_endpoint(sftp_drop(server), auth_secret=PASSWORD)

    def refuse(operation: str, path: str) -> None:
        if operation == "open" and path.endswith(".ctl.part"):
            raise asyncssh.SFTPPermissionDenied("quota")

    server.on = refuse
    run = write(endpoint)
    assert (run.state, run.outcome_code) == ("waiting", "FOLDER_NOT_WRITABLE")
    assert inside(server) == ["supplier-000001.csv.part"]
    server.on = lambda *_: None
    pass_time(10)
    assert runs.write(endpoint, OWNER).run is not None
    assert inside(server) == ["supplier-000001.csv", "supplier-000001.csv.ctl"]
    assert FileRun.objects.get().state == "done"


def test_bytes_are_frozen_once_something_may_have_been_seen(server: Sftp, clock: None) -> None:
    first, *_ = suppliers(2)
    endpoint = file_endpoint(sftp_drop(server), auth_secret=PASSWORD)

    def refuse(operation: str, path: str) -> None:
        if operation == "rename" and path.endswith(".ctl"):
            raise asyncssh.SFTPFailure("disk trouble")

    server.on = refuse
    run = write(endpoint)
    assert (run.state, run.outcome_code) == ("running", "FILE_NOT_PUT")
    told = (server.root / "in" / "supplier-000001.csv").read_bytes()
    rename(first, "Later Ltd")
    server.on = lambda *_: None
    pass_time(10)
    done = runs.write(endpoint, OWNER).run
    assert done is not None
    assert (server.root / "in" / "supplier-000001.csv").read_bytes() == told
    assert "Later Ltd" in (server.root / "in" / "supplier-000002.csv").read_text()
    assert list(FileRun.objects.order_by("number").values_list("number", "state")) == [(1, "done"), (2, "done")]


def test_bytes_that_are_lost_never_become_another_file_of_the_number(server: Sftp, clock: None, tmp_path: Path) -> None:
    suppliers(1)
    endpoint = file_endpoint(sftp_drop(server), auth_secret=PASSWORD)

    def refuse(operation: str, path: str) -> None:
        if operation == "rename":
            raise asyncssh.SFTPFailure("disk trouble")

    server.on = refuse
    write(endpoint)
    (tmp_path / "sent" / "drop" / "000001" / "supplier-000001.csv").write_text("tampered")
    server.on = lambda *_: None
    pass_time(10)
    assert runs.write(endpoint, OWNER).run is not None
    assert list(FileRun.objects.order_by("number").values_list("number", "state")) == [(1, "failed"), (2, "done")]
    assert inside(server)[-2:] == ["supplier-000002.csv", "supplier-000002.csv.ctl"]
    assert states(endpoint) == ["delivered"]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "10.1.2.3"])
def test_servers_inside_are_reached_only_where_the_operator_allows(server: Sftp, settings: Settings, host: str) -> None:
    settings.ALLOWED_NETWORKS = []
    suppliers(1)
    endpoint = file_endpoint(sftp_drop(server, host=host), auth_secret=PASSWORD)
    run = write(endpoint)
    assert run.outcome_code == "BLOCKED_BY_POLICY"
    with pytest.raises(Invalid, match="which the operator has not allowed"):
        targets.fetch_host_key(host, server.port)
    assert server.logins == 0


def test_a_server_that_says_nothing_is_left_at_the_deadline(server: Sftp) -> None:
    suppliers(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        endpoint = file_endpoint(sftp_drop(server, port=port), auth_secret=PASSWORD, timeout_seconds=1)
        run = write(endpoint)
    assert run.outcome_code in ("TIMEOUT_UNKNOWN", "FILE_NOT_PUT")
    assert run.state == "waiting"


@pytest.mark.parametrize(
    ("given", "secret", "field", "words"),
    [
        ({"host": "a b"}, PASSWORD, "host", "Give the name or address"),
        ({"host": "user@host"}, PASSWORD, "host", "Give the name or address"),
        ({"port": 5432}, PASSWORD, "port", "another kind of service"),
        ({"host_key": ""}, PASSWORD, "host_key", "Fetch the key"),
        ({"host_key": "nonsense"}, PASSWORD, "host_key", "no public key"),
        ({"user": ""}, PASSWORD, "user", "Give the user"),
        ({"folder": "/in/../.."}, PASSWORD, "folder", "without .. in it"),
        ({}, "", "auth_secret", "needs a password"),
        ({}, "-----BEGIN OPENSSH PRIVATE KEY-----\nbroken", "auth_secret", "cannot be read"),
    ],
)
def test_every_fault_of_a_server_is_told_before_saving(
    server: Sftp, given: dict[str, object], secret: str, field: str, words: str
) -> None:
    with pytest.raises(Invalid) as refused:
        file_endpoint(sftp_drop(server, **given), auth_secret=secret)
    assert [words in sentence for name, sentence in refused.value.problems if name == field] == [True]


def test_a_kept_password_is_never_offered_to_another_server(server: Sftp) -> None:
    endpoint = file_endpoint(sftp_drop(server), auth_secret=PASSWORD)
    with pytest.raises(Invalid) as refused:
        targets.change_file_endpoint(
            endpoint=endpoint, changes={}, drop=sftp_drop(server, host="files.example.org"), by=OWNER
        )
    assert dict(refused.value.problems)["auth_secret"] == "Signing in needs a password or a private key."
