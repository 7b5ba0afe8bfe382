"""Sequencers that start at once: a program that has imported everything and forks one for each line it is sent.

    python -m bench.chaos.warm

The feed scenario kills one a second. Importing Django takes a second of a core, which two cores that also carry
sixteen writers do not have: the figure would be that of Python's start. A child runs the very command `run_sequencer`,
in a process group of its own, with a session of its own; killing it is killing the real thing.
"""

import os
import signal
import sys

import django

django.setup()

from django.core.management import call_command  # noqa: E402


def main() -> None:
    """One child a line; its number is the answer. All of them end with this program's input."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the kernel buries them
    children = []
    for line in sys.stdin:
        name = line.strip()
        pid = os.fork()
        if not pid:
            os.setsid()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.environ["PGAPPNAME"] = f"chaos-{name}"
            call_command("run_sequencer")
            os._exit(0)
        children.append(pid)
        print(pid, flush=True)
    for pid in children:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


if __name__ == "__main__":
    main()
