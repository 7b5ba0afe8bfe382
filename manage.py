#!/usr/bin/env python3
"""Django's commands. They bring their own database on a bare machine, and share that of a running `make run`."""

import os
import sys

from django.core.management import execute_from_command_line

from ops import database, surroundings
from ops.refusal import EXIT_CODE, Refusal


def main() -> int:
    """Prepares what settings read, then lets Django do the rest. Exit code 2 where this machine stands in the way."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
    try:
        hold = surroundings.open_for_command(sys.argv)
    except Refusal as refusal:
        print(f"assay: {refusal}", file=sys.stderr)
        return EXIT_CODE
    try:
        execute_from_command_line(sys.argv)
        if sys.argv[1:2] == ["load_demo"]:
            database.note(os.environ["ASSAY_OWNER_DATABASE_URL"], "demo")
    finally:
        if hold:
            hold.release()
    return 0


if __name__ == "__main__":
    sys.exit(main())
