"""Cursors: a reader's place, signed, so that it is taken for what it is or refused aloud."""

import hashlib
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.core.signing import BadSignature, Signer

from api.problems import CursorExpired, CursorFilterMismatch, CursorInvalid, FeedReset
from mdm import canonical
from mdm.queries import FeedHead

CONTRACT = 1  # the major version of the interface; a cursor does not outlive it

_lists = Signer(salt="assay.api.list")
_feed = Signer(salt="assay.api.feed")


def filter_hash(question: Mapping[str, Any]) -> str:
    """A short hash of what is asked, page size and waiting aside."""
    return hashlib.sha256(canonical.dumps(question).encode()).hexdigest()[:16]


def list_cursor(place: str, question: Mapping[str, Any]) -> str | None:
    """The cursor of the next page, None at the end."""
    return _lists.sign_object([CONTRACT, place, filter_hash(question)]) if place else None


def read_list_cursor(cursor: str, question: Mapping[str, Any]) -> str:
    """The place a cursor names. Raises CursorInvalid or CursorFilterMismatch."""
    if not cursor:
        return ""
    place, asked = _read(_lists, cursor, 2)
    _require_same(asked, question)
    return str(place)


def feed_cursor(epoch: UUID | None, seq: int, question: Mapping[str, Any]) -> str:
    """The place after event ``seq`` in the life ``epoch`` of the log."""
    return _feed_cursor(epoch, seq, filter_hash(question))


def _feed_cursor(epoch: UUID | None, seq: int, asked: str) -> str:
    return _feed.sign_object([CONTRACT, str(epoch or ""), seq, asked])


def read_feed_cursor(cursor: str, question: Mapping[str, Any], head: FeedHead) -> int:
    """The last number the reader has seen; without a cursor the feed begins with the oldest event it tells.

    Raises CursorInvalid, CursorFilterMismatch, FeedReset, CursorExpired.
    """
    if not cursor:
        return max(head.oldest - 1, 0)
    epoch, seq, asked = _read(_feed, cursor, 3)
    _require_same(asked, question)
    require_life(str(epoch), int(seq), head, asked)
    return int(seq)


def place_of(cursor: str, head: FeedHead) -> int:
    """The number a cursor stands at, whatever it asks for. Raises CursorInvalid, FeedReset, CursorExpired."""
    epoch, seq, asked = _read(_feed, cursor, 3)
    require_life(str(epoch), int(seq), head, asked)
    return int(seq)


def require_life(epoch: str, seq: int, head: FeedHead, asked: str) -> None:
    """Refuse a place in another life of the log, beyond its end, or before what is kept. "" is any life.

    ``asked`` is the filter hash of the question, so that the oldest cursor given along fits it.
    """
    oldest = _feed_cursor(head.epoch, max(head.oldest - 1, 0), asked)
    if seq > head.seq or (epoch and epoch != str(head.epoch)):
        raise FeedReset(
            "The log was replaced since this cursor was given (a restore, or another installation).",
            oldest_cursor=oldest,
        )
    if head.oldest and seq + 1 < head.oldest:
        raise CursorExpired(f"Changes up to {head.oldest - 1} are no longer kept.", oldest_cursor=oldest)


def _read(signer: Signer, cursor: str, length: int) -> list[Any]:
    try:
        contract, *rest = signer.unsign_object(cursor)
    except (BadSignature, ValueError, TypeError):
        contract, rest = None, []
    if contract != CONTRACT or len(rest) != length:
        raise CursorInvalid("This cursor is not one of ours.", "Use next_cursor as it was given, or start without one.")
    found: list[Any] = rest
    return found


def _require_same(asked: str, question: Mapping[str, Any]) -> None:
    if asked != filter_hash(question):
        raise CursorFilterMismatch(
            "This cursor belongs to a question with other filters.",
            "Ask with the filters the cursor was given for, or start without a cursor.",
        )
