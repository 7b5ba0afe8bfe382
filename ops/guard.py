"""Ends what a killed starter leaves behind.

The starter writes the process groups it has made to our standard input, `+GROUP` and `-GROUP` a line. When that pipe
closes the starter is gone, however it went: every group still on the list is asked to end, then ended. This reaches
grandchildren (web workers, pool children), which the kernel's parent-death signal does not.
"""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterable

GRACE_SECONDS = 3.0


def members(groups: set[int]) -> set[int]:
    """Those of the groups that still have a member."""
    return {group for group in groups if signal_group(group, 0)}


def signal_group(group: int, number: int) -> bool:
    """Sends the signal to a whole process group; whether it had a member."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
        return True
    return False


def end_groups(groups: set[int], grace: float = GRACE_SECONDS) -> None:
    """No member of these groups is left running: asked first, forced after the grace."""
    for group in groups:
        signal_group(group, signal.SIGTERM)
    end = time.monotonic() + grace
    while members(groups) and time.monotonic() < end:
        time.sleep(0.05)
    for group in groups:
        signal_group(group, signal.SIGKILL)


def watch(lines: Iterable[str]) -> set[int]:
    """Reads until the starter is gone; the groups it left."""
    groups: set[int] = set()
    for line in lines:
        group = int(line[1:])
        if line.startswith("+"):
            groups.add(group)
        else:
            groups.discard(group)
    return groups


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    end_groups(watch(sys.stdin))
