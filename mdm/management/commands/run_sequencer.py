"""manage.py run_sequencer: number committed events as they come. Any number may run; one works, the others stand by."""

import signal
import time
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand
from django.db import OperationalError, close_old_connections

from mdm import log
from mdm.nudge import nudge

IDLE_SECONDS = (0.005, 0.05)  # waits double from the first to the second while nothing comes


class Command(BaseCommand):
    """Runs until SIGTERM or SIGINT; a lost database connection is tried again."""

    help = "Number and chain committed change events until stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        stopping: list[int] = []

        def stop(number: int, _frame: FrameType | None) -> None:
            stopping.append(number)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        wait = IDLE_SECONDS[0]
        while not stopping:
            try:
                if log.sequence():
                    wait = IDLE_SECONDS[0]
                    nudge("publishing.tasks.sweep", queue="publish")
                else:
                    wait = min(wait * 2, IDLE_SECONDS[1])
            except OperationalError as error:
                self.stderr.write(f"The database does not answer ({error.__class__.__name__}); trying again.")
                close_old_connections()
                wait = 1.0
            time.sleep(wait)
