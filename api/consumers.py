"""Places in the feed that the hub remembers for its readers, each move guarded by the version of the place."""

import re

from django.db import IntegrityError, transaction
from django.utils import timezone

from api.cursors import place_of
from api.models import ApiClient, FeedConsumer
from mdm.errors import Invalid, MdmError, NotFound
from mdm.queries import FeedHead

NAME = re.compile(r"[A-Za-z0-9_-]{1,60}")


class PlaceMoved(MdmError):
    """Somebody else has moved this place since it was read."""

    code = "place-moved"
    http = 412


class PlaceNeedsVersion(MdmError):
    """A place is moved only by who says which version of it they read."""

    code = "precondition-required"
    http = 428


def remembered(client: ApiClient, name: str) -> str:
    """The cursor kept under the name for this client. Raises NotFound."""
    return consumer_of(client, name).cursor


def consumer_of(client: ApiClient, name: str) -> FeedConsumer:
    """The client's own consumer of that name. Raises NotFound, and Invalid for what can be no name."""
    require_name(name)
    found = FeedConsumer.objects.filter(client=client, name=name).first()
    if found is None:
        raise NotFound(f"No place is remembered under {name}.", f"Keep one with PUT /api/v1/consumers/{name} first.")
    return found


def keep_place(*, client: ApiClient, name: str, cursor: str, expected: int | None, head: FeedHead) -> FeedConsumer:
    """Remember where the reader is. The first time ``expected`` is None; afterwards it is the version last read.

    Locks the place. Of two that move it from the same version one gets PlaceMoved. Raises PlaceNeedsVersion where a
    place exists and no version is given, Invalid for what can be no name, and what a cursor of another life or
    installation raises.
    """
    require_name(name)
    seq = place_of(cursor, head)
    with transaction.atomic():
        place = FeedConsumer.objects.select_for_update().filter(client=client, name=name).first()
        if place is None:
            return _new_place(client, name, cursor, seq, expected)
        if expected is None:
            raise PlaceNeedsVersion(
                "This place exists.", f'Read it, and send its ETag as If-Match: "v{place.version}".'
            )
        _require_version(place, expected)
        place.cursor, place.sequence, place.version, place.updated_at = cursor, seq, place.version + 1, timezone.now()
        place.save(update_fields=["cursor", "sequence", "version", "updated_at"])
    return place


def _new_place(client: ApiClient, name: str, cursor: str, seq: int, expected: int | None) -> FeedConsumer:
    if expected is not None:
        raise PlaceMoved(f"No place is remembered under {name}.", "Leave If-Match out to keep a first one.")
    try:
        with transaction.atomic():
            return FeedConsumer.objects.create(
                client=client, name=name, cursor=cursor, sequence=seq, updated_at=timezone.now()
            )
    except IntegrityError:
        raise PlaceMoved(f"Somebody kept a place under {name} at the same moment.", "Read it again.") from None


def forget_place(*, client: ApiClient, name: str, expected: int | None = None) -> None:
    """The hub remembers nothing under this name any more; where a version is given, only if it is still that one.

    Locks the place. Raises NotFound, and PlaceMoved where somebody has moved it since.
    """
    with transaction.atomic():
        place = FeedConsumer.objects.select_for_update().get(pk=consumer_of(client, name).pk)
        if expected is not None:
            _require_version(place, expected)
        place.delete()


def _require_version(place: FeedConsumer, expected: int) -> None:
    if expected != place.version:
        raise PlaceMoved(
            f"The place {place.name} stands at version {place.version} by now.",
            "Two readers share the name: read it again, and give each reader a name of its own.",
        )


def require_name(name: str) -> None:
    """Refuse what can be no name of a place."""
    if not NAME.fullmatch(name):
        words = "A name has 1 to 60 letters of English, digits, hyphens and underscores."
        raise Invalid("This is no name of a place.", "Choose another name.", [("name", words)])
