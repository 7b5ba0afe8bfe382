"""When files are written: `HH:MM[,HH:MM...]` in UTC, or `every N minutes` counted from midnight."""

import re
from datetime import datetime, timedelta

CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
EVERY = re.compile(r"every (\d{1,4}) minutes?")
DAY = 24 * 60


def problem_of(schedule: str) -> str:
    """What is wrong with a schedule, in one sentence; blank where it can be kept."""
    try:
        _minutes(schedule)
    except ValueError as error:
        return str(error)
    return ""


def next_after(schedule: str, moment: datetime) -> datetime:
    """The first turn after ``moment``. Raises ValueError for a schedule that cannot be read."""
    minutes = _minutes(schedule)
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in (midnight, midnight + timedelta(days=1)):
        for minute in minutes:
            if (turn := day + timedelta(minutes=minute)) > moment:
                return turn
    raise ValueError("The schedule has no turn.")


def _minutes(schedule: str) -> list[int]:
    """The turns of a day, as minutes after midnight."""
    text = " ".join(schedule.split()).lower()
    if found := EVERY.fullmatch(text):
        step = int(found[1])
        if not 1 <= step <= DAY:
            raise ValueError("Files can be written every 1 to 1440 minutes.")
        return list(range(0, DAY, step))
    times = [CLOCK.fullmatch(piece.strip()) for piece in text.split(",")]
    if not all(times):
        raise ValueError("Write times as 02:30 or 06:00,18:00 (UTC), or write: every 15 minutes.")
    return sorted({int(time[1]) * 60 + int(time[2]) for time in times if time})
