"""The account the embedded database runs under: PostgreSQL refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ops.refusal import Refusal

CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An operating system account; `switch` says whether a child must change to it."""

    name: str
    uid: int
    gid: int
    switch: bool

    def popen(self) -> dict[str, Any]:
        """Arguments for `subprocess` that run a program under this account, with a bare environment."""
        settings: dict[str, Any] = {"cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}}
        if self.switch:
            settings |= {"user": self.uid, "group": self.gid, "extra_groups": []}
        return settings

    def own(self, *folders: Path) -> None:
        """The folders belong to this account and are closed to all others."""
        for folder in folders:
            folder.mkdir(parents=True, exist_ok=True)
            folder.chmod(0o700)
            if self.switch:
                os.chown(folder, self.uid, self.gid)

    def reaches(self, path: Path) -> bool:
        """Whether this account may pass through, or run, that path."""
        if not self.switch:
            return os.access(path, os.X_OK)
        probe = subprocess.run(["/usr/bin/test", "-x", str(path)], check=False, **self.popen())
        return probe.returncode == 0


def current_name() -> str:
    """Name of the account this program runs under. Raises Refusal where the machine has none for it."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise Refusal(
            f"User number {os.geteuid()} has no name on this machine, and PostgreSQL needs one: "
            f"add the user, or give DATABASE_URL"
        ) from None


def server_account(existing: Path) -> Account:
    """Who runs the database: ourselves, or for root the owner of `existing`, else an unprivileged account.

    Adds no account. Raises Refusal where root finds none.
    """
    if os.geteuid() != 0:
        return Account(current_name(), os.geteuid(), os.getegid(), switch=False)
    if existing.exists() and (owner := existing.stat().st_uid) != 0:
        entry = pwd.getpwuid(owner)
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)
    for name in CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, switch=True)
    raise Refusal(
        "PostgreSQL does not run as root, and this machine has neither an account postgres nor nobody: "
        "run as an ordinary user, or give DATABASE_URL"
    )
