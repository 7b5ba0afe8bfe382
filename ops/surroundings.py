"""What a bare machine lacks and settings read: database, secret key, key ring; put into the environment."""

import base64
import hashlib
import os
import secrets
import subprocess
import sys
from pathlib import Path

from ops import database, embedded
from ops.keeper import Hold
from ops.locks import Lock
from ops.place import PROJECT_DIR, Place
from ops.refusal import Refusal, permissions_told

# These look at no table, or are about the schema itself.
WITHOUT_DATABASE = {"help", "version", "collectstatic", "sandbox_stream", "dedupe", "--help", "-h", "--version"}
WITHOUT_MIGRATING = {"migrate", "makemigrations", "showmigrations", "sqlmigrate", "squashmigrations", "check"}
AS_OWNER = {"migrate", "makemigrations", "showmigrations", "squashmigrations"}


@permissions_told()
def open_for_command(arguments: list[str]) -> Hold | None:
    """Everything a `manage.py` command needs is there until the program ends.

    An embedded database that lacks migrations gets them first. Raises Refusal.
    """
    command = arguments[1] if len(arguments) > 1 else "help"
    place = Place.from_environment().make()
    set_secrets(place)
    hold = None
    if command not in WITHOUT_DATABASE:
        hold = set_database(place)
        if hold and command not in WITHOUT_MIGRATING:
            migrate(place)
    if command == "migrate":
        # Rights are granted on what is created afterwards: before the first table.
        database.prepare_database(os.environ["ASSAY_OWNER_DATABASE_URL"], os.environ["DATABASE_URL"])
    if command in AS_OWNER:
        os.environ["DATABASE_URL"] = os.environ.get("ASSAY_OWNER_DATABASE_URL") or os.environ.get("DATABASE_URL", "")
    return hold


def set_secrets(place: Place) -> None:
    """Secret key and key ring exist, readable by us alone, and the environment says where."""
    os.environ["ASSAY_DATA_DIR"] = str(place.folder)
    if not os.environ.get("SECRET_KEY") and not os.environ.get("SECRET_KEY_FILE"):
        make_once(place.secret_key, secrets.token_urlsafe(50))
        os.environ["SECRET_KEY_FILE"] = str(place.secret_key)
    if not os.environ.get("ASSAY_KEYS_FILE"):
        make_once(place.keys, f"1:{base64.b64encode(secrets.token_bytes(32)).decode()}")
        os.environ["ASSAY_KEYS_FILE"] = str(place.keys)


def set_database(place: Place) -> Hold | None:
    """The environment names a database; the Hold of the embedded one where none was given."""
    if os.environ.get("DATABASE_URL"):
        os.environ.setdefault("ASSAY_OWNER_DATABASE_URL", os.environ["DATABASE_URL"])
        return None
    hold = Hold(place).acquire()
    os.environ["DATABASE_URL"] = embedded.url(hold.socket, embedded.APP, database.NAME)
    os.environ["ASSAY_OWNER_DATABASE_URL"] = embedded.url(hold.socket, embedded.OWNER, database.NAME)
    return hold


def migrate(place: Place) -> bool:
    """The database has every migration of this code; whether any work was done.

    Remembers what it applied, so asking again costs one query. Raises Refusal with the migration's last words.
    """
    owner = os.environ["ASSAY_OWNER_DATABASE_URL"]
    applied = f"migrations {migrations_digest()}"
    with Lock(place.lock("migrate")).alone():
        if database.noted(owner, applied):
            return False
        done = subprocess.run(
            [sys.executable, str(PROJECT_DIR / "manage.py"), "migrate", "--verbosity", "0", "--no-input"],
            cwd=PROJECT_DIR,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Refusal(f"The database could not be migrated: {embedded.last_line(done.stderr)}")
        database.note(owner, applied, instead_of="migrations %")
    return True


def migrations_digest() -> str:
    """Changes whenever a migration is added here or a package in the lock changes."""
    names = sorted(str(path.relative_to(PROJECT_DIR)) for path in PROJECT_DIR.glob("*/migrations/*.py"))
    digest = hashlib.sha256("\n".join(names).encode())
    lock = PROJECT_DIR / "requirements.lock"
    digest.update(lock.read_bytes() if lock.exists() else b"")
    return digest.hexdigest()[:32]


def make_once(file: Path, text: str) -> None:
    """The file exists, whole and closed to others; an existing one is kept. Safe among several starters."""
    if file.exists():
        return
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(text + "\n")
    try:
        # A link, unlike a rename, never replaces what another starter has just made.
        os.link(draft, file)
    except FileExistsError:
        return
    finally:
        draft.unlink()
