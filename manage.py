#!/usr/bin/env python3
"""Django's commands, with a database: beside a running `make run` its own, else one for the command's duration."""

import os
import sys

from django.core.management import execute_from_command_line


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
