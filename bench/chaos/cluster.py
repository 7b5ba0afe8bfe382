"""The PostgreSQL under test: the one DATABASE_URL names, or an embedded one that belongs to the rig and may be killed.

Every scenario gets a database of its own, copied from a template that was migrated once. Programs connect as the
product's role, which owns nothing, where the server is ours.
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from ops import database, embedded
from ops.place import PROJECT_DIR, Place

# Where the fast writers count a record's versions, as mastering does in the golden row: counting the events of a hot
# record instead reads thousands of rows each time and measures the rig.
VERSIONS = (
    "CREATE TABLE chaos_version (record_id uuid, version int, PRIMARY KEY (record_id, version)); "
    "GRANT SELECT, INSERT ON chaos_version TO PUBLIC"
)
TEMPLATE = "assay_chaos_template"


class Cluster:
    """One server. `kill`, `freeze` and `thaw` only where it is ``ours``. Only the main thread may start it."""

    def __init__(self, folder: Path, given: str = "") -> None:
        self.folder, self.given = folder, given
        self.ours = not given
        self.server: embedded.EmbeddedServer | None = None
        if self.ours:
            folder.chmod(0o711)  # PostgreSQL runs as another account and must reach its own folder
            # Not a throw-away one: a server that loses commits when it is killed would prove nothing.
            self.server = embedded.EmbeddedServer(Place(folder))
            self.server.start()
            database.prepare_cluster(self.server.socket)

    def url(self, name: str, *, role: str = embedded.APP) -> str:
        """Address of a database; the role counts only where the server is ours."""
        if self.server:
            return embedded.url(self.server.socket, role, name)
        return urlsplit(self.given)._replace(path=f"/{name}").geturl()

    def admin(self, name: str = "postgres") -> psycopg.Connection:
        """A connection that may do everything."""
        if self.server:
            return psycopg.connect(self.url(name, role=embedded.SUPERUSER), autocommit=True)
        return psycopg.connect(self.url(name) if name != "postgres" else self.given, autocommit=True)

    def make_template(self, environment: dict[str, str]) -> None:
        """The template is migrated and holds the code lists."""
        self._make(TEMPLATE)
        owner, product = self.url(TEMPLATE, role=embedded.OWNER), self.url(TEMPLATE)
        database.prepare_database(owner, product)
        given = {**os.environ, **environment, "DATABASE_URL": owner, "ASSAY_OWNER_DATABASE_URL": owner}
        for words in (["migrate", "-v0"], ["load_reference"]):
            command = [sys.executable, str(PROJECT_DIR / "manage.py"), *words]
            subprocess.run(command, check=True, env=given, timeout=300, stdout=subprocess.DEVNULL, cwd=PROJECT_DIR)
        with self.admin(TEMPLATE) as connection:
            connection.execute(VERSIONS)

    def make_database(self, name: str) -> str:
        """A fresh copy of the template; its address for the product."""
        self._make(name, TEMPLATE)
        return self.url(name)

    def drop(self, name: str) -> None:
        """The database is gone, whoever still uses it."""
        with self.admin() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _make(self, name: str, template: str = "template1") -> None:
        self.drop(name)
        statement = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        if self.ours:
            statement += sql.SQL(" OWNER {}").format(sql.Identifier(embedded.OWNER))
        with self.admin() as connection:
            connection.execute(statement)

    # ---- faults ----------------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The server's own number."""
        if not self.server or not self.server.child:
            raise RuntimeError("this PostgreSQL is not ours to hurt")
        return self.server.child.pid

    def kill(self, number: signal.Signals = signal.SIGKILL, *, away: float = 0.5) -> None:
        """The server ends without a word and is started again ``away`` seconds later."""
        os.kill(self.pid, number)
        assert self.server is not None
        assert self.server.child is not None
        self.server.child.wait(60)
        time.sleep(away)
        self.server.start()

    def freeze(self) -> None:
        """All its programs stop where they are: connections stay open and nobody answers."""
        os.killpg(self.pid, signal.SIGSTOP)
        for pid in self._sessions():
            os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """They go on."""
        for pid in self._sessions():
            os.kill(pid, signal.SIGCONT)
        os.killpg(self.pid, signal.SIGCONT)

    def _sessions(self) -> list[int]:
        listed = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.pid)], capture_output=True, text=True, check=False
        )
        return [int(word) for word in listed.stdout.split()]

    def close(self) -> None:
        """A server of ours ends; on another one the template is dropped."""
        if self.server:
            self.server.stop()
        else:
            self.drop(TEMPLATE)
