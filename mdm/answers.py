"""What a command is told on its line, read so that a wrong word is answered in words."""

from argparse import ArgumentTypeError
from datetime import date


def count(text: str) -> int:
    """A whole number of at least one."""
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text} is not a number of 1 or more")
    return int(text)


def day(text: str) -> date:
    """A day as 2026-12-31."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{text} is not a day: write it as 2026-12-31") from error
