"""A child that does not outlive its parent."""

import ctypes
import os
import signal
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def die_with_parent(signal_number: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends the child that signal when the *thread* that started it ends.

    So only a main thread may start such children. Grandchildren do not inherit it. Without effect but on Linux.
    """
    parent = os.getpid()

    def arrange() -> None:
        follow_parent(signal_number)
        # The parent may have ended between fork and prctl: then no signal will ever come.
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)

    return arrange


def follow_parent(signal_number: signal.Signals = signal.SIGTERM) -> None:
    """From now on this very program gets that signal when the thread that started it ends."""
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal_number))
    except (OSError, AttributeError):
        return
