"""People, and questions that wait for them."""

from itertools import combinations, islice
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from matching.models import CandidateMember, MatchCandidate, MatchPair
from matching.run import match_all
from mdm.cause import HUB, Cause
from mdm.mastering import merge
from mdm.models import GoldenRecord, SourceRecord
from mdm.people import STEWARD
from tests.factories import golden, linked, source, supplier, why
from tests.mdm.making import send_again

EVIDENCE = [
    {
        "feature": "core", "label": "Name", "left": "ACME", "right": "ACME", "similarity": 1.0, "level": "equal",
        "weight": 14.2,
    },
    {
        "feature": "phone", "label": "Phone", "left": "5550100", "right": "5550199", "similarity": 0.7,
        "level": "different", "weight": -1.0,
    },
]  # fmt: skip


def someone(name: str, *groups: str) -> User:
    """A person with a password (their own name) and roles; a steward unless said otherwise."""
    first, _, last = name.partition(" ")
    user = User.objects.create_user(first.lower(), password=first.lower(), first_name=first, last_name=last)
    user.groups.set([Group.objects.get_or_create(name=group)[0] for group in groups or (STEWARD,)])
    return user


def question(*records: GoldenRecord, score: float = 0.87, kind: str = "resemblance", **values: Any) -> MatchCandidate:
    """An open candidate about these golden records; their first twenty pairs are kept."""
    candidate = MatchCandidate.objects.create(
        domain=records[0].domain,
        kind=kind,
        score=score,
        sentence="Name agrees; phone differs.",
        created_at=timezone.now(),
        **values,
    )
    CandidateMember.objects.bulk_create([CandidateMember(candidate=candidate, record=record) for record in records])
    for left, right in islice(combinations(records, 2), 20):
        MatchPair.objects.create(
            candidate=candidate,
            left_record=left,
            right_record=right,
            left_source=linked(left)[0],
            right_source=linked(right)[0],
            score=score,
            explanation=EVIDENCE,
            sentence="Name agrees; phone differs.",
        )
    return candidate


def misfit(*, verified: bool = False, before: str = "841368850", after: str = "911144442") -> MatchCandidate:
    """A supplier two systems know as one, by matching or a person's merge, until one of them sends another tax id."""
    first = source("erp", "supplier", "V1", name="Waters Corp", tax_id=before)
    second = source("ap", "supplier", "2", name="Micromass Ltd" if verified else "Waters Corp", tax_id=before)
    if verified:
        one, other = golden(first), golden(second)
        merge(winner_id=one.pk, loser_ids=[other.pk], expected={}, cause=why("Renamed"))
        SourceRecord.objects.update(state="waiting")
    match_all(Cause(by=HUB, reason="test"))
    send_other(second, tax_id=after)
    return MatchCandidate.objects.get(kind="misfit")


def send_other(sent: SourceRecord, **values: str) -> None:
    """The source sends other values for the same key, and matching has seen them."""
    sent.refresh_from_db()
    sent.former = {"values": dict(sent.values), "parts": sent.parts, "stub": sent.stub}
    sent.save(update_fields=["former"])
    send_again(sent, sent.values | values, sent.parts, timezone.now())
    match_all(Cause(by=HUB, reason="test"))


def twins(count: int = 2, *, name: str = "Acme Medical", newcomer: bool = False) -> list[GoldenRecord]:
    """Suppliers with one name, known to one system each; the last one pending when it is a newcomer."""
    states = ["active"] * (count - 1) + ["pending" if newcomer else "active"]
    return [
        supplier(f"{name}-{number}", name, system_code=f"system{number}", state=state, phone=f"+1555010{number:04d}")
        for number, state in enumerate(states)
    ]


def versions_of(*records: GoldenRecord) -> dict[Any, int]:
    """{id: version} as a page shows them."""
    return dict(GoldenRecord.objects.filter(pk__in=[r.pk for r in records]).values_list("pk", "version"))
