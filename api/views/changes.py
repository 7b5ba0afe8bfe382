"""The change feed: everything that happened, in order, with proof that nothing is missing."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from api.consumers import remembered
from api.cursors import feed_cursor, filter_hash, read_feed_cursor, require_life
from api.models import ApiClient
from api.scopes import FEED_READ, read_scope
from api.views.base import AllAtOnce, ApiView, client_of, only, require_scope, whole_number
from api.waiting import SHARED, wait_beyond
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid
from mdm.models import EventVerb
from mdm.queries import FeedHead, FeedPage, feed_head, read_feed

PARAMS = ("cursor", "after_sequence", "consumer", "limit", "wait", "domain", "verb", "latest_only")
PAGE, MOST, LONGEST_WAIT = 100, 1000, 25


class ChangesView(ApiView):
    """A page of the feed. The permission is looked at on every page: a cursor grants nothing."""

    scope = FEED_READ

    def get(self, request: Request) -> Response:
        params = request.query_params
        asked = Asked.of(params, client_of(request))
        head = feed_head()
        page = asked.read(head, asked.place(params, client_of(request), head))
        until = time.monotonic() + asked.wait
        while not page.items and not page.more and (left := until - time.monotonic()) > 0:
            known = wait_beyond(page.through, left)
            head, page = asked.look(page.through, known)
            if known is None:
                break  # the caller asks again
        return Response(
            {
                "items": page.items,
                "next_cursor": feed_cursor(head.epoch, page.through, asked.question),
                "has_more": page.more,
                "through_sequence": page.through,
                "head_sequence": max(head.seq, page.through),
                "oldest_sequence": head.oldest,
                "epoch": head.epoch,
            }
        )


@dataclass(frozen=True)
class Asked:
    """What a reader of the feed asks for; ``question`` is the part a cursor belongs to."""

    domains: Sequence[str]
    verbs: Sequence[str]
    latest_only: bool
    limit: int
    wait: int
    after: int | None
    question: Mapping[str, Any]

    @classmethod
    def of(cls, params: QueryDict, client: ApiClient) -> "Asked":
        """The parameters understood. Raises Invalid with every mistake in them, and PermissionDenied."""
        checks = AllAtOnce()

        def named(name: str, known: list[str]) -> list[str]:
            return checks.of(lambda: words(",".join(params.getlist(name)), name, known), [])

        def number(name: str, least: int, most: int, default: int, *, cap: bool = True) -> int:
            text = params.get(name, "")
            return checks.of(lambda: whole_number(text, name, least=least, most=most, default=default, cap=cap), 0)

        checks.of(lambda: only(params, PARAMS), None)
        domains, verbs = named("domain", list(BY_NAME)), named("verb", list(EventVerb.values))
        latest = named("latest_only", ["true", "false"]) == ["true"]
        limit, wait = number("limit", 1, MOST, PAGE), number("wait", 0, LONGEST_WAIT, 0)
        after = number("after_sequence", 0, 2**62, 0, cap=False) if params.get("after_sequence") else None
        checks.of(lambda: _one_place(params), None)
        checks.end()
        question: dict[str, Any] = {"domain": sorted(domains), "verb": sorted(verbs)}
        return cls(
            domains=readable_domains(client, domains),
            verbs=verbs,
            latest_only=latest,
            limit=limit,
            wait=wait,
            after=after,
            question=question | ({"latest_only": True} if latest else {}),
        )

    def place(self, params: QueryDict, client: ApiClient, head: FeedHead) -> int:
        """The last number the reader has seen, by a cursor, a number, or what the hub remembers for it."""
        if self.after is not None:
            require_life("", self.after, head, filter_hash(self.question))
            return self.after
        cursor = params.get("cursor", "")
        if name := params.get("consumer", ""):
            cursor = remembered(client, name)
        return read_feed_cursor(cursor, self.question, head)

    def look(self, after: int, known: int | None) -> tuple[FeedHead, FeedPage]:
        """The log's head and a page; shared with whoever asks the same once the log has reached ``known``."""

        def look() -> tuple[FeedHead, FeedPage]:
            head = feed_head()
            return head, self.read(head, after)

        if known is None or known <= after:
            return look()
        return SHARED.of((known, after, *map(tuple, (self.domains, self.verbs)), self.latest_only, self.limit), look)

    def read(self, head: FeedHead, after: int) -> FeedPage:
        """A page of what is asked for."""
        return read_feed(
            head, after=after, domains=self.domains, verbs=self.verbs, limit=self.limit, latest_only=self.latest_only
        )


def readable_domains(client: ApiClient, asked: list[str]) -> list[str]:
    """The domains to answer about: those asked for, else all the client may read. Refuses what it may not."""
    for name in asked:
        require_scope(client, read_scope(BY_NAME[name]))
    readable = asked or [domain.name for domain in DOMAINS if client.may(read_scope(domain))]
    if not readable:
        raise PermissionDenied("This token may read no domain at all.")
    return readable


def _one_place(params: QueryDict) -> None:
    given = [name for name in ("cursor", "after_sequence", "consumer") if params.get(name)]
    if len(given) > 1:
        raise Invalid("Two places are given.", "Give one of them.", [(name, "One place only.") for name in given])


def words(text: str, name: str, known: list[str]) -> list[str]:
    """The words of a parameter, separated by commas. Raises Invalid naming those that are not known."""
    found = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in found if word not in known]
    if unknown:
        raise Invalid(
            f"The parameter {name} names something unknown.",
            "Correct or leave out what is named.",
            [(name, f"{', '.join(unknown)} is unknown. Known are: {', '.join(known)}.")],
        )
    return found
