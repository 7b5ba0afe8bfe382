"""Any story of merges, unmerges, edits and changed sources keeps the first sentence true and can be undone."""

from collections.abc import Sequence
from contextlib import suppress

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mdm.domains import BY_NAME
from mdm.mastering import contribute, differences, merge, refresh, unmerge, withdraw
from mdm.models import ChangeEvent, GoldenRecord, Merge, SourceRecord
from mdm.verify import verify
from tests.mdm.making import golden, reload, source, system, why

RECORDS = 5
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["merge", "unmerge", "edit", "withdraw", "resend"]),
        st.integers(0, RECORDS - 1),
        st.integers(0, RECORDS - 1),
    ),
    max_size=12,
)


class Rollback(Exception):
    """Ends an example without keeping anything of it."""


def live(record_id: object) -> GoldenRecord:
    record = reload(record_id)  # type: ignore[arg-type]
    while record.merged_into_id:
        record = reload(record.merged_into_id)
    return record


def tell(steps: Sequence[tuple[str, int, int]], ids: Sequence[object], sent: Sequence[SourceRecord]) -> list[int]:
    edits: list[int] = []
    for verb, a, b in steps:
        one, other = live(ids[a]), live(ids[b])
        if verb == "merge" and one.pk != other.pk:
            merge(winner_id=one.pk, loser_ids=[other.pk], expected={one.pk: one.version}, cause=why())
        elif verb == "unmerge":
            made = Merge.objects.filter(undone_at__isnull=True).order_by("pk")
            if made:
                unmerge(merge_ids=[made[a % len(made)].pk], cause=why())
        elif verb == "edit":
            edits.append(contribute(record_id=one.pk, values={"website": f"{b}.example"}, expected=None, cause=why()))
        elif verb == "withdraw" and edits:
            withdraw(source_record_ids=[edits.pop(b % len(edits))], cause=why())
        elif verb == "resend":
            SourceRecord.objects.filter(pk=sent[a].pk).update(
                values={"name": f"Name {a}{b}"}, state="waiting", content_hash=f"{a}{b}"
            )
            refresh(record_ids=[live(ids[a]).pk], cause=why())
    return edits


def live_through(steps: Sequence[tuple[str, int, int]]) -> None:
    system("erp", supplier=1)
    system("ap", supplier=2)
    sent = [source("erp" if n % 2 else "ap", "supplier", str(n), name=f"Name {n}") for n in range(RECORDS)]
    ids = [golden(one).pk for one in sent]
    edits = tell(steps, ids, sent)
    assert list(differences()) == []
    assert verify().is_green

    open_merges = list(Merge.objects.filter(undone_at__isnull=True).order_by("-pk").values_list("pk", flat=True))
    for merge_id in open_merges:
        unmerge(merge_ids=[merge_id], cause=why())
    if edits:
        withdraw(source_record_ids=edits, cause=why())
    for n, record_id in enumerate(ids):
        record = reload(record_id)
        assert record.state == "active"
        assert record.supplier.name == SourceRecord.objects.get(pk=sent[n].pk).values["name"]
        versions = BY_NAME["supplier"].model.history.model.objects.filter(record_id=record_id)
        assert versions.count() == record.version == ChangeEvent.objects.filter(record_id=record_id).count()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_any_story_keeps_golden_records_a_function_of_their_sources(steps: list[tuple[str, int, int]]) -> None:
    with suppress(Rollback), transaction.atomic():
        live_through(steps)
        raise Rollback
