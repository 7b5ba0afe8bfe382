"""What spoke for a link when it was made: kept with the link, or with the question answered then. Reads only."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from matching.models import CandidateState, MatchPair
from mdm.models import Link

Linked = dict[str, Any]


def when_linked(asked: Mapping[int, Collection[int]]) -> dict[int, Linked]:
    """{source record: {at, by, method, and, where it was kept, score, sentence, evidence, other}} of their open links.

    ``asked`` names the other source records of each one's golden record: evidence counts that was found between it and
    one of these, the newest first. The record itself is on the left. Three queries.
    """
    everybody = {*asked, *(pk for others in asked.values() for pk in others)}
    found: dict[int, Linked] = {
        link.source_record_id: {"at": link.linked_at.isoformat(), "by": link.linked_by, "method": str(link.method)}
        for link in Link.objects.filter(source_record__in=asked, ended_at=None).defer("explanation")
    }
    kept = [*_by_links(everybody), *_by_questions(everybody)]
    for one, other, told in kept:
        for pk, mate, turned in ((one, other, False), (other, one, True)):
            if pk in found and "score" not in found[pk] and mate in asked[pk]:
                evidence = _turned(told["evidence"]) if turned else told["evidence"]
                found[pk] |= told | {"evidence": evidence, "other": mate}
    return found


def _by_links(ids: Collection[int]) -> Iterator[tuple[int, int, Linked]]:
    """(one, other, what spoke for the two) of the links matching made, the newest first."""
    kept = Link.objects.filter(source_record__in=ids, score__isnull=False).order_by("-linked_at", "-pk")
    for link in kept:
        told = link.explanation or {}
        if "source_record" in told:
            one = told.get("of", link.source_record_id)
            yield one, told["source_record"], _linked(link.score, told["sentence"], told["evidence"])


def _by_questions(ids: Collection[int]) -> Iterator[tuple[int, int, Linked]]:
    """The same of the pairs of questions people answered by making the two one, the likest of the newest first."""
    pairs = MatchPair.objects.filter(candidate__state=CandidateState.MERGED, left_source__in=ids, right_source__in=ids)
    for pair in pairs.order_by("-candidate__decided_at", "-score"):
        yield pair.left_source_id, pair.right_source_id, _linked(pair.score, pair.sentence, pair.explanation)


def _linked(score: float | None, sentence: str, evidence: list[dict[str, Any]]) -> Linked:
    return {"score": score, "sentence": sentence, "evidence": evidence}


def _turned(evidence: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one | {"left": one["right"], "right": one["left"]} for one in evidence]
