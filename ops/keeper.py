"""One embedded database for everybody who needs it now: `make run` and any number of `manage.py` commands.

Each of them shares the lock `users`. Whoever finds no keeper starts one: a small program of its own that runs the
server and watches that lock. When it can have the lock alone nobody needs the server any more (also after
`kill -9`: the kernel drops a dead program's locks) and it stops it. Three locks:

    users    shared by everyone who needs the server; held alone by a keeper that is stopping
    starter  held by the one who is looking for a keeper or starting one
    keeper   held by the running keeper
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

from ops import database
from ops.embedded import START_SECONDS, EmbeddedServer
from ops.locks import Lock
from ops.place import PROJECT_DIR, Place
from ops.refusal import Refusal

LOOK_SECONDS = 0.1
# Keepers this program has started; they outlive it, and are reaped here if they do not.
STARTED: "list[subprocess.Popen[bytes]]" = []


class Hold:
    """Somebody's need of the embedded database; it runs until the last Hold is released or its program ends."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.users = Lock(place.lock("users"))
        self.socket = Path()

    def acquire(self) -> "Hold":
        """The server runs and answers on `socket`. Calling again brings it back where it was lost. Raises Refusal."""
        self.users.share()
        with Lock(self.place.lock("starter")).alone():
            if not keeper_runs(self.place):
                self.place.server_state.unlink(missing_ok=True)
                start_keeper(self.place)
            self.socket = await_socket(self.place)
        return self

    def lost(self) -> bool:
        """Whether the server's keeper is gone although we still need it."""
        for keeper in STARTED:
            keeper.poll()
        return not keeper_runs(self.place)

    def release(self) -> None:
        """We need it no more."""
        self.users.release()

    def release_and_wait(self, seconds: float) -> None:
        """We need it no more, and it is gone unless somebody else needs it."""
        self.release()
        end = time.monotonic() + seconds
        time.sleep(5 * LOOK_SECONDS)
        # A keeper that is stopping has already withdrawn its state; one that has not serves somebody else.
        while time.monotonic() < end and not self.place.server_state.exists() and not self.lost():
            time.sleep(0.05)


def keeper_runs(place: Place) -> bool:
    """Whether a keeper holds its lock."""
    with Lock(place.lock("keeper")) as lock:
        return not lock.try_share()


def start_keeper(place: Place) -> None:
    """A keeper in a session of its own, so that a Ctrl-C meant for us does not reach it."""
    with (place.folder / "keeper.log").open("ab") as log:
        STARTED.append(
            subprocess.Popen(
                [sys.executable, "-m", "ops.keeper", str(place.folder)],
                cwd=PROJECT_DIR,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        )


def await_socket(place: Place) -> Path:
    """The socket folder once the server answers. Raises Refusal with the keeper's reason."""
    seen = time.monotonic()
    end = seen + START_SECONDS + 60
    while time.monotonic() < end:
        if keeper_runs(place):
            seen = time.monotonic()
        try:
            state = json.loads(place.server_state.read_text())
        except (OSError, json.JSONDecodeError):
            if time.monotonic() - seen > 5:
                break
            time.sleep(0.02)
            continue
        if "failed" in state:
            raise Refusal(state["failed"])
        return Path(state["socket"])
    raise Refusal(f"The embedded database did not come up; see {place.folder / 'keeper.log'}")


class Keeper:
    """Runs the server for as long as somebody needs it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.server = EmbeddedServer(place)
        self.users = Lock(place.lock("users"))

    def keep(self) -> None:
        """Returns once nobody needs the server and it is stopped, holding `users` alone to the end."""
        self.server.start()
        database.prepare_cluster(self.server.socket)
        self.say({"socket": str(self.server.socket)})
        while not self.users.try_alone():
            if not self.server.running():
                self.server.start()
            time.sleep(LOOK_SECONDS)
        self.place.server_state.unlink(missing_ok=True)
        self.server.stop()

    def say(self, state: dict[str, str]) -> None:
        """Whole or not at all: readers never see half a file."""
        draft = self.place.server_state.with_suffix(".draft")
        draft.write_text(json.dumps(state))
        draft.replace(self.place.server_state)


def keeper_lock_taken(own: Lock) -> bool:
    """The keeper's lock, asked for a while: somebody may just be looking whether it is held."""
    for _ in range(100):
        if own.try_alone():
            return True
        time.sleep(0.02)
    return False


def main(folder: str) -> int:
    """The keeper's program."""
    place = Place(Path(folder))
    # Whoever stops us by hand stops everybody's database: only the users decide.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    own = Lock(place.lock("keeper"))
    if not keeper_lock_taken(own):
        return 0
    keeper = None
    try:
        keeper = Keeper(place)
        keeper.keep()
    except Exception as error:
        # Whatever it was: those who wait must hear of it, and no server may be left behind.
        traceback.print_exc()
        draft = place.server_state.with_suffix(".draft")
        draft.write_text(json.dumps({"failed": str(error)}))
        draft.replace(place.server_state)
        if keeper:
            with contextlib.suppress(OSError):
                keeper.server.stop()
        return 1
    finally:
        # First our own lock, then `users` (with the program's end): who waits for `users` must find no keeper.
        own.release()
    return 0


if __name__ == "__main__":
    os.chdir("/")
    sys.exit(main(sys.argv[1]))
