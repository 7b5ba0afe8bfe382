"""Write the file of an endpoint in a process of its own that kills itself at one point: `dying POINT ENDPOINT`."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import django

POINTS = ("render", "enter", "bring", "freeze", "first reveal", "last reveal", "settle", "after settle", "none")


def die() -> None:
    """What a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(point: str, code: str) -> None:
    """Run once, dying where asked."""
    django.setup()
    from mdm.cause import HUB  # noqa: PLC0415 - only after setup
    from publishing.files import closing, places, runs  # noqa: PLC0415 - only after setup
    from publishing.models import Endpoint  # noqa: PLC0415 - only after setup

    def before(owner: Any, name: str, nth: int = 1) -> None:
        real: Callable[..., Any] = getattr(owner, name)
        calls = [0]

        def dying(*given: Any, **named: Any) -> Any:
            calls[0] += 1
            if calls[0] == nth:
                die()
            return real(*given, **named)

        setattr(owner, name, dying)

    def after(owner: Any, name: str) -> None:
        real: Callable[..., Any] = getattr(owner, name)

        def dying(*given: Any, **named: Any) -> Any:
            real(*given, **named)
            die()

        setattr(owner, name, dying)

    {
        "render": lambda: after(runs, "render"),
        "enter": lambda: after(runs._Run, "enter"),
        "bring": lambda: after(runs, "bring"),
        "freeze": lambda: before(places.FolderPlace, "reveal", 1),
        "first reveal": lambda: before(places.FolderPlace, "reveal", 2),
        "last reveal": lambda: before(runs._Run, "close"),
        "settle": lambda: after(closing, "settle"),
        "after settle": lambda: after(runs._Run, "close"),
        "none": lambda: None,
    }[point]()
    runs.write(Endpoint.objects.get(code=code), HUB)


if __name__ == "__main__":
    main(*sys.argv[1:])
