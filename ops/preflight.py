"""What would stop a start halfway is found before anything is started: one clear sentence each."""

import errno
import os
import socket
import sys

from ops import embedded
from ops.account import server_account
from ops.place import Place
from ops.refusal import Refusal

OLDEST_PYTHON = (3, 11)


def check(place: Place, host: str, ports: dict[str, int]) -> None:
    """Raises Refusal for the first thing that stands in the way of a start."""
    check_python()
    place.make()
    for purpose, port in ports.items():
        check_port(host, port, purpose)
    if not os.environ.get("DATABASE_URL"):
        embedded.programs()
        server_account(place.cluster / "pgdata")


def check_python() -> None:
    """This Python is new enough."""
    if sys.version_info < OLDEST_PYTHON:
        raise Refusal(f"Python {sys.version.split()[0]} is too old: Assay needs Python 3.11 or newer")


def check_port(host: str, port: int, purpose: str) -> None:
    """Nobody listens on that port and we may."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server itself does: a port whose last sessions are fading away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                reason = f"Port {port} ({purpose}) is taken: stop what uses it, or choose another with PORT"
            else:
                reason = (
                    f"Port {port} ({purpose}) on {host} cannot be used ({error.strerror}): choose another with PORT"
                )
            raise Refusal(reason) from error
        except OverflowError as error:
            raise Refusal(f"Port {port} ({purpose}) does not exist: choose PORT between 1024 and 65532") from error


def port_from_environment(default: int = 8800) -> int:
    """`PORT` as a number. Raises Refusal for anything else."""
    word = os.environ.get("PORT") or str(default)
    if not word.isdecimal() or not 0 < int(word) < 65533:
        raise Refusal(f"PORT is {word!r}: write a number between 1 and 65532")
    return int(word)
