"""The change feed: everything that happened, in order, with proof that nothing is missing."""

from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from api.cursors import feed_cursor, read_feed_cursor, require_life
from api.models import ApiClient
from api.scopes import FEED_READ, read_scope
from api.views.base import ApiView, client_of, only, require_scope, whole_number
from api.waiting import wait_beyond
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid
from mdm.models import EventVerb
from mdm.queries import feed_head, read_feed

PARAMS = ("cursor", "after_sequence", "limit", "wait", "domain", "verb")
PAGE, MOST, LONGEST_WAIT = 100, 1000, 25


class ChangesView(ApiView):
    """A page of the feed. The permission is looked at on every page: a cursor grants nothing."""

    scope = FEED_READ

    def get(self, request: Request) -> Response:
        params = request.query_params
        only(params, PARAMS)
        domains = _words(params.get("domain", ""), "domain", list(BY_NAME))
        verbs = _words(params.get("verb", ""), "verb", list(EventVerb.values))
        question = {"domain": sorted(domains), "verb": sorted(verbs)}
        readable = readable_domains(client_of(request), domains)
        limit = whole_number(params.get("limit", ""), "limit", least=1, most=MOST, default=PAGE, cap=True)
        wait = whole_number(params.get("wait", ""), "wait", least=0, most=LONGEST_WAIT, default=0, cap=True)
        head = feed_head()
        after = read_feed_cursor(params.get("cursor", ""), question, head)
        if params.get("after_sequence"):
            if params.get("cursor"):
                raise Invalid("Two places are given.", problems=[("after_sequence", "Give a cursor or this.")])
            after = whole_number(params["after_sequence"], "after_sequence", least=0, most=2**62, default=0)
            require_life("", after, head, question)
        if wait and after >= head.seq:
            wait_beyond(after, wait)
            head = feed_head()
        page = read_feed(head, after=after, domains=readable, verbs=verbs, limit=limit)
        return Response(
            {
                "items": page.items,
                "next_cursor": feed_cursor(head.epoch, page.through, question),
                "has_more": page.more,
                "through_sequence": page.through,
                "head_sequence": max(head.seq, page.through),
                "oldest_sequence": head.oldest,
                "epoch": head.epoch,
            }
        )


def readable_domains(client: ApiClient, asked: list[str]) -> list[str]:
    """The domains to answer about: those asked for, else all the client may read. Refuses what it may not."""
    for name in asked:
        require_scope(client, read_scope(BY_NAME[name]))
    readable = asked or [domain.name for domain in DOMAINS if client.may(read_scope(domain))]
    if not readable:
        raise PermissionDenied("This token may read no domain at all.")
    return readable


def _words(text: str, name: str, known: list[str]) -> list[str]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    unknown = [word for word in words if word not in known]
    if unknown:
        raise Invalid(
            f"The parameter {name} names something unknown.",
            "Correct or leave out what is named.",
            [(name, f"{', '.join(unknown)} is unknown. Known are: {', '.join(known)}.")],
        )
    return words
