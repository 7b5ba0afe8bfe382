"""What spoke for a link when it was made: kept with the link, or with the question answered then. Reads only."""

from collections.abc import Collection, Mapping
from typing import Any

from matching.models import CandidateState, MatchPair
from mdm.models import Link

Linked = dict[str, Any]


def when_linked(asked: Mapping[int, Collection[int]]) -> dict[int, Linked]:
    """{source record: {at, by, method, and, where it was kept, score, sentence, evidence, other}} of their open links.

    ``asked`` names the other source records of each one's golden record: evidence counts that was found between it and
    one of these. The record itself is on the left. At most two queries for each, and one for all.
    """
    links = {link.source_record_id: link for link in Link.objects.filter(source_record__in=asked, ended_at=None)}
    found = {
        pk: {"at": link.linked_at.isoformat(), "by": link.linked_by, "method": str(link.method)}
        for pk, link in links.items()
    }
    for pk, others in asked.items():
        if pk in found:
            found[pk] |= _by_links(pk, set(others)) or _by_questions(pk, set(others)) or {}
    return found


def _by_links(pk: int, others: set[int]) -> Linked | None:
    """What matching kept when it linked this one to one of the others, or one of them to this; the newest first."""
    kept = Link.objects.filter(source_record__in=[pk, *others], score__isnull=False).order_by("-linked_at", "-pk")
    for link in kept:
        told = link.explanation or {}
        one, other = told.get("of", link.source_record_id), told.get("source_record")
        if one == pk and other in others:
            return _linked(link.score, told["sentence"], told["evidence"], other)
        if other == pk and one in others:
            return _linked(link.score, told["sentence"], _turned(told["evidence"]), one)
    return None


def _by_questions(pk: int, others: set[int]) -> Linked | None:
    """The likest pair of the newest question a person answered by making the two one."""
    both = [pk, *others]
    pairs = MatchPair.objects.filter(
        candidate__state=CandidateState.MERGED, left_source__in=both, right_source__in=both
    ).order_by("-candidate__decided_at", "-score")
    for pair in pairs:
        if pair.left_source_id == pk:
            return _linked(pair.score, pair.sentence, pair.explanation, pair.right_source_id)
        if pair.right_source_id == pk:
            return _linked(pair.score, pair.sentence, _turned(pair.explanation), pair.left_source_id)
    return None


def _linked(score: float | None, sentence: str, evidence: list[dict[str, Any]], other: int) -> Linked:
    return {"score": score, "sentence": sentence, "evidence": evidence, "other": other}


def _turned(evidence: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one | {"left": one["right"], "right": one["left"]} for one in evidence]
