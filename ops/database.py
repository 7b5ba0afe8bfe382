"""Roles, database and privileges; the launcher's own notes in the database."""

from pathlib import Path

import psycopg
from psycopg import sql

from ops import embedded
from ops.refusal import Refusal

NAME = "assay"
OLDEST_VERSION = 150000


def prepare_cluster(socket_folder: Path) -> None:
    """Two roles and the database exist: the owner migrates, the product connects as the other.

    The product's role may read and write what the owner creates and owns nothing, so a table's migration can
    take a right away from it (history and log do). Repeating it changes nothing.
    """
    superuser = embedded.url(socket_folder, embedded.SUPERUSER, "postgres")
    with psycopg.connect(superuser, autocommit=True) as connection:
        for role in (embedded.OWNER, embedded.APP):
            if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(NAME), sql.Identifier(embedded.OWNER))
            )


def prepare_database(owner_url: str, app_url: str) -> None:
    """The schema is ready to be migrated: privileges of the product's role, and the launcher's notes.

    Works on any PostgreSQL the owner may create a schema in. Raises Refusal where it cannot be reached, is
    too old or forbids that.
    """
    try:
        with psycopg.connect(owner_url, autocommit=True, connect_timeout=10) as connection:
            if connection.info.server_version < OLDEST_VERSION:
                raise Refusal(f"PostgreSQL {connection.info.server_version // 10000} is too old: 15 or newer is needed")
            app_role = psycopg.conninfo.conninfo_to_dict(app_url).get("user") or connection.info.user
            if app_role != connection.info.user:
                grant(connection, str(app_role))
            connection.execute("CREATE SCHEMA IF NOT EXISTS launcher")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS launcher.note "
                "(name text PRIMARY KEY, noted_at timestamptz NOT NULL DEFAULT now())"
            )
            if app_role != connection.info.user:
                role = sql.Identifier(str(app_role))
                connection.execute(sql.SQL("GRANT USAGE ON SCHEMA launcher TO {}").format(role))
                connection.execute(sql.SQL("GRANT SELECT ON launcher.note TO {}").format(role))
    except psycopg.Error as error:
        raise unusable(error) from error


def grant(connection: psycopg.Connection, app_role: str) -> None:
    """What the owner creates in `public` from now on, that role may select, insert, update and delete."""
    role = sql.Identifier(app_role)
    for statement in (
        "GRANT USAGE ON SCHEMA public TO {}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO {}",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO {}",
    ):
        connection.execute(sql.SQL(statement).format(role))


def note(owner_url: str, name: str, *, instead_of: str = "") -> None:
    """That something was done once for all on this database; replaces notes like `instead_of`."""
    with psycopg.connect(owner_url) as connection:
        connection.execute("DELETE FROM launcher.note WHERE name LIKE %s", [instead_of])
        connection.execute("INSERT INTO launcher.note (name) VALUES (%s) ON CONFLICT DO NOTHING", [name])


def noted(owner_url: str, name: str) -> bool:
    """Whether that was noted. Raises Refusal where the database cannot be reached."""
    try:
        with psycopg.connect(owner_url, connect_timeout=10) as connection:
            if connection.execute("SELECT to_regclass('launcher.note')").fetchone() == (None,):
                return False
            found = connection.execute("SELECT FROM launcher.note WHERE name = %s", [name]).fetchone()
            return found is not None
    except psycopg.Error as error:
        raise unusable(error) from error


def unusable(error: psycopg.Error) -> Refusal:
    """The refusal for a database that does not answer or does not allow."""
    reason = (str(error).strip().splitlines() or ["no reason given"])[0]
    return Refusal(f"The database cannot be used ({reason}): check DATABASE_URL")
