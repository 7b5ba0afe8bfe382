"""One embedded database for all who need it; gone when the last one is."""

import os
import shutil
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from ops import database, embedded
from ops.keeper import Hold, keeper_runs
from ops.place import Place
from tests.ops.launching import await_nobody, belongings, manage, wait_for


@pytest.fixture
def place(folder: Path) -> Place:
    return Place(folder).make()


def ask(hold: Hold, question: str, role: str = embedded.OWNER) -> object:
    with psycopg.connect(embedded.url(hold.socket, role, database.NAME)) as connection:
        row = connection.execute(question).fetchone()
        return row and row[0]


def test_the_server_runs_until_the_last_holder_lets_go(place: Place) -> None:
    first, second = Hold(place).acquire(), Hold(place).acquire()
    started = ask(first, "SELECT pg_postmaster_start_time()")
    assert ask(second, "SELECT pg_postmaster_start_time()") == started
    first.release()
    assert ask(second, "SELECT pg_postmaster_start_time()") == started
    second.release_and_wait(20)
    assert not keeper_runs(place)
    assert await_nobody(place.folder) == {}


def test_a_killed_keeper_and_a_killed_server_are_replaced(place: Place) -> None:
    hold = Hold(place).acquire()
    ask(hold, "WITH made AS (SELECT lo_from_bytea(4711, 'kept')) SELECT * FROM made")
    for pid in belongings(place.folder):
        os.kill(pid, signal.SIGKILL)
    assert await_nobody(place.folder) == {}
    # The kernel lets go of a dead program's locks a moment after its name is gone.
    wait_for(hold.lost)
    hold.acquire()
    assert ask(hold, "SELECT lo_get(4711)") == b"kept"
    hold.release_and_wait(20)


def test_the_product_owns_nothing_and_the_folder_is_closed(place: Place) -> None:
    hold = Hold(place).acquire()
    assert ask(hold, "SELECT has_schema_privilege('public', 'CREATE')", embedded.APP) is False
    assert ask(hold, "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'assay'") == embedded.OWNER
    assert {oct(folder.stat().st_mode & 0o777) for folder in (hold.socket, hold.socket.parent / "pgdata")} == {"0o700"}
    hold.release_and_wait(20)


def test_two_commands_at_once_work_and_leave_nothing(place: Place) -> None:
    with ThreadPoolExecutor(2) as both:
        done = list(both.map(lambda _: manage(place.folder, "showmigrations", "contenttypes"), range(2)))
    assert [one.returncode for one in done] == [0, 0], done
    assert await_nobody(place.folder) == {}
    assert {oct(file.stat().st_mode & 0o777) for file in (place.secret_key, place.keys)} == {"0o600"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's database runs under another account")
def test_where_the_servers_account_cannot_reach_the_folder_the_cluster_lies_elsewhere(place: Place) -> None:
    place.folder.parent.chmod(0o700)
    hold = Hold(place).acquire()
    elsewhere = Path(place.cluster_elsewhere.read_text().strip())
    try:
        assert hold.socket.is_relative_to(elsewhere)
        assert place.folder.parent.stat().st_mode & 0o777 == 0o700
        hold.release_and_wait(20)
        again = Hold(place).acquire()
        assert again.socket.is_relative_to(elsewhere)
        again.release_and_wait(20)
    finally:
        shutil.rmtree(elsewhere)
