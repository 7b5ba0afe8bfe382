"""What follows an import when a command does everything itself: match, number, deliver."""

from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand

from mdm.log import sequence_all

# By name: these rooms stand above this one. Each is safe beside running workers, which take what they take first.
MATCH = "match"
DELIVER = ("drain", "--until-empty")


def match_and_publish(command: BaseCommand) -> None:
    """Match and master everything that waits, number the events, and deliver them, in this one program."""
    known = get_commands()
    if MATCH in known:
        call_command(MATCH, stdout=command.stdout, stderr=command.stderr)
    sequence_all()
    if DELIVER[0] in known:
        call_command(*DELIVER, stdout=command.stdout, stderr=command.stderr)
