"""`manage.py replay`: offer an endpoint again what it was told, as a job the publisher goes through."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from mdm.cause import Actor
from mdm.errors import Invalid, MdmError
from publishing.draining import drain
from publishing.models import UNFINISHED, Endpoint, Replay, ReplayKind
from publishing.replaying import cancel_replay, progress, start_replay

BY = Actor(name="manage.py replay", kind="system", channel="command")


class Command(BaseCommand):
    """Starts a replay, or cancels the one that runs; says how far it is."""

    help = "Send an endpoint again: a range of the log, what is missing, or each record as it is now."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("endpoint", help="code of the endpoint")
        parser.add_argument("--from", dest="from_seq", type=int, help="first number of the log to send again")
        parser.add_argument("--to", dest="to_seq", type=int, help="last number; without it up to where the lane stands")
        parser.add_argument("--missing", action="store_true", help="only what the target does not hold")
        parser.add_argument("--snapshot", action="store_true", help="each record once, as it is now")
        parser.add_argument("--domain", action="append", default=[], help="only records of this kind; may be repeated")
        parser.add_argument("--reason", default="", help="kept with the job")
        parser.add_argument("--cancel", action="store_true", help="end the replay that runs")
        parser.add_argument("--here", action="store_true", help="go through it in this program, without a worker")

    def handle(self, *args: Any, **options: Any) -> None:
        """Prints the job and how far it is. Exit code 1 and every reason where it cannot be."""
        endpoint = Endpoint.objects.filter(code=options["endpoint"]).first()
        if endpoint is None:
            known = ", ".join(Endpoint.objects.order_by("code").values_list("code", flat=True)) or "none"
            raise CommandError(f"There is no endpoint {options['endpoint']}. There are: {known}.")
        running = Replay.objects.filter(endpoint=endpoint, state__in=UNFINISHED).first()
        try:
            if options["cancel"]:
                if running is None:
                    raise CommandError(f"No replay to {endpoint.name} is running.")
                cancel_replay(replay=running, by=BY, reason=options["reason"])
                self._say(running)
                return
            replay = start_replay(
                endpoint=endpoint, kind=_kind(options), from_seq=options["from_seq"] or 1, to_seq=options["to_seq"],
                domains=options["domain"], by=BY, reason=options["reason"],
            )  # fmt: skip
        except Invalid as error:
            reasons = " ".join(sentence for _, sentence in error.problems)
            raise CommandError(f"{error.message} {reasons}") from error
        except MdmError as error:
            raise CommandError(f"{error.message} {error.way_out}") from error
        if options["here"]:
            _go_through(replay)
        self._say(replay)

    def _say(self, replay: Replay) -> None:
        replay.refresh_from_db()
        done = progress(replay)
        self.stdout.write(
            f"Replay {replay.pk} ({replay.get_state_display().lower()}): {done.looked_at:,} of {done.total:,} numbers "
            f"looked at, {done.offered:,} offered, {done.delivered:,} delivered, {done.waiting:,} waiting, "
            f"{done.parked:,} parked"
        )


def _kind(options: dict[str, Any]) -> ReplayKind:
    kinds = [
        kind
        for kind, asked in (
            (ReplayKind.RANGE, options["from_seq"] is not None or options["to_seq"] is not None),
            (ReplayKind.MISSING, options["missing"]),
            (ReplayKind.SNAPSHOT, options["snapshot"]),
        )
        if asked
    ]
    if len(kinds) != 1:
        raise CommandError("Say one of --from N [--to N], --missing and --snapshot.")
    return kinds[0]


def _go_through(replay: Replay) -> None:
    """Drain the lane until the replay has ended and nothing more can be sent now."""
    before = None
    while (now := _place(replay)) != before:
        before = now
        drain(replay.endpoint_id)


def _place(replay: Replay) -> tuple[object, ...]:
    replay.refresh_from_db()
    done = progress(replay)
    return replay.cursor, replay.state, done.waiting, done.delivered, done.parked
