"""manage.py run_sequencer: number committed events as they come. Any number may run; one works, the others stand by."""

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand

from mdm.nudge import Waker
from mdm.sequencer import Sequencer


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT; a lost database connection is tried again."""

    # It is started anew wherever it died: what only pages need is not loaded to be checked first.
    requires_system_checks = ()
    help = "Number and chain committed change events until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping: list[int] = []

        def stop(number: int, _frame: FrameType | None) -> None:
            stopping.append(number)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        Sequencer(
            stopping=lambda: bool(stopping), waker=Waker("publishing.tasks.attend", queue="publish", rest=1.0)
        ).run()
