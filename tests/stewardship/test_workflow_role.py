"""Everything a person decides works with the rights of the product's own role, which may change no verdict."""

import pytest
from django.db import connection

from stewardship.models import Decision
from stewardship.requests import approve, propose
from stewardship.workflow import (
    merge_candidate,
    merge_records,
    reinstate_record,
    reject_candidate,
    retire_record,
    undo,
    unmerge,
)
from tests.factories import reload
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db


def step_down() -> None:
    """Go on as the role the product connects as, until the test ends."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM pg_roles WHERE rolname = 'assay_app' AND pg_has_role(current_user, oid, 'member')"
        )
        if cursor.fetchone() is None:
            pytest.skip("this server's role may not step down to assay_app")
        cursor.execute("SET LOCAL ROLE assay_app")


def test_every_verb_works_with_the_rights_of_the_product() -> None:
    stella, sam = someone("Stella"), someone("Sam")
    first, second = twins(newcomer=True)
    waiting = question(first, second)
    ids = [first.pk, second.pk]
    step_down()
    merged = merge_candidate(
        candidate_id=waiting.pk, winner_id=first.pk, record_ids=ids, shown=versions_of(first, second), user=stella
    )
    undo(decision_id=merged.pk, user=stella)
    rejected = reject_candidate(candidate_id=waiting.pk, shown=versions_of(first, second), user=stella)
    by_hand = merge_records(
        winner_id=first.pk, record_ids=ids, shown=versions_of(first, second), user=stella, reason="one firm"
    )
    unmerge(merge_ids=[by_hand.merges[0]], user=stella, reason="two firms")
    undo(decision_id=rejected.pk, user=stella)
    retire_record(record_id=first.pk, shown=reload(first.pk).version, user=stella, reason="closed")
    reinstate_record(record_id=first.pk, shown=reload(first.pk).version, user=stella, reason="open")
    proposed = propose(
        record_id=first.pk,
        values={"name": "Acme Holdings"},
        base_version=reload(first.pk).version,
        reason="renamed",
        user=stella,
    )
    approve(request_id=proposed.pk, digest=proposed.digest, user=sam)
    assert reload(first.pk).title == "Acme Holdings"
    assert Decision.objects.count() == 10
