"""The database of a test run: one throw-away PostgreSQL for all workers, or the one DATABASE_URL names."""

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from ops import database, embedded
from ops.place import Place

# A worker of a parallel run finds everything in the environment its parent has made.
PREPARED = "ASSAY_TEST_PREPARED"
TEMPLATE_VARIABLE = "ASSAY_TEST_TEMPLATE"
TEMPLATE = "assay_test_template"


@dataclass
class Rig:
    """What one test run has made and must take away again."""

    folder: Path
    server: embedded.EmbeddedServer | None

    def remove(self) -> None:
        """Nothing of the run is left."""
        if self.server:
            self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.environ.pop(PREPARED, None)


def prepare() -> Rig | None:
    """The environment settings read names a private data folder and a database; None in a parallel worker."""
    if os.environ.get(PREPARED):
        return None
    folder = Path(tempfile.mkdtemp(prefix="assay-test-"))
    # Passable for the account the server runs under; the cluster in it is closed.
    folder.chmod(0o711)
    server = None
    if not os.environ.get("DATABASE_URL"):
        server = embedded.EmbeddedServer(Place(folder), throwaway=True)
        server.start()
        prepare_roles(embedded.url(server.socket, embedded.SUPERUSER, "postgres"))
        os.environ["DATABASE_URL"] = embedded.url(server.socket, embedded.OWNER, database.NAME)
    else:
        prepare_roles(os.environ["DATABASE_URL"])
    os.environ.update(
        {
            PREPARED: "1",
            "DJANGO_SETTINGS_MODULE": "mdm.settings",
            "DJANGO_ALLOW_ASYNC_UNSAFE": "1",  # the browser driver runs an event loop in the test's thread
            "ASSAY_DATA_DIR": str(folder),
            "ASSAY_DATABASE_SECONDS": "0",
            "ASSAY_HASHED_STATIC": "0",
            "ASSAY_LOG_LEVEL": "WARNING",
            "SECRET_KEY": "for-tests-only-" + "x" * 50,
        }
    )
    os.environ.setdefault("CELERY_BROKER_URL", "memory://")
    (folder / "static").mkdir()
    (folder / "keys").write_text("1:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=" + "\n")
    return Rig(folder, server)


def prepare_roles(url: str) -> None:
    """The roles of production exist, and a template gives every test database their rights.

    The tests connect as an owner, who may step down to the product's role to try its walls. On a server that is not
    ours this needs a superuser; without, tests of the product's role skip themselves.
    """
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
        if row != (True,):
            return
        makers = sorted({connection.info.user, embedded.OWNER})
        for role in (embedded.OWNER, embedded.APP):
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        owner, app = sql.Identifier(embedded.OWNER), sql.Identifier(embedded.APP)
        connection.execute(sql.SQL("ALTER ROLE {} CREATEDB").format(owner))
        connection.execute(sql.SQL("GRANT {} TO {}").format(app, owner))
        # With triggers asleep a test alters a row as an intruder with every right would.
        connection.execute(sql.SQL("GRANT SET ON PARAMETER session_replication_role TO {}").format(owner))
        template = sql.Identifier(TEMPLATE)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(template))
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(template, owner))
    with psycopg.connect(url, dbname=TEMPLATE, autocommit=True) as connection:
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(app))
        for maker in makers:
            for statement in (
                "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}",
                "ALTER DEFAULT PRIVILEGES FOR ROLE {} GRANT USAGE, SELECT ON SEQUENCES TO {}",
            ):
                connection.execute(sql.SQL(statement).format(sql.Identifier(maker), app))
    os.environ[TEMPLATE_VARIABLE] = TEMPLATE
