"""People, and questions that wait for them."""

from itertools import combinations, islice
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

from matching.models import CandidateMember, MatchCandidate, MatchPair
from mdm.models import GoldenRecord
from mdm.people import STEWARD
from tests.factories import linked, supplier

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
