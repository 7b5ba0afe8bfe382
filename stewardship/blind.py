"""Judging by values alone: what a page that is shown blind does not get to see, and who likes it so."""

from collections.abc import Sequence
from dataclasses import replace

from django.contrib.auth.models import User

from mdm.retrying import atomic
from stewardship.grid import Row
from stewardship.members import Member
from stewardship.models import Habit


def is_blind(person: User) -> bool:
    """Whether the person judges blind."""
    return Habit.objects.filter(person=person, blind=True).exists()


@atomic
def choose(*, person: User, blind: bool) -> None:
    """From now on questions are shown to the person so. Repeats without effect; decides nothing."""
    Habit.objects.update_or_create(person=person, defaults={"blind": blind})


def unnamed(members: Sequence[Member]) -> list[Member]:
    """The members without the systems they come from."""
    return [replace(one, sources=(), origins={}, rules={}, dates={}) for one in members]


def bare(rows: Sequence[Row]) -> list[Row]:
    """The rows without source, rule and date of their values."""
    return [
        replace(
            row,
            cells=[replace(cell, source=None, rule="", date=None) for cell in row.cells],
            golden=replace(row.golden, source="", rule="", rows=[replace(one, source="") for one in row.golden.rows]),
        )
        for row in rows
    ]
