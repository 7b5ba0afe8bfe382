"""One readable log of everything that runs: time, who speaks, what is said."""

import sys
import time

WIDTH = 10


def say(who: str, line: str) -> None:
    """One line of the log. A closed terminal is no reason to stop."""
    try:
        print(f"{time.strftime('%H:%M:%S')} {who:<{WIDTH}}| {line}", flush=True)
    except OSError:
        sys.stdout = open("/dev/null", "w")  # noqa: PTH123, SIM115 - for the rest of this program
