"""Open requests follow the value they are about, and stand beside each other."""

import pytest

from mdm.errors import Invalid, Stale
from mdm.models import Merge
from stewardship import requests
from stewardship.models import ChangeRequest, Decision
from stewardship.workflow import merge_records, undo, unmerge
from tests.factories import golden, reload, source, system
from tests.stewardship.questions import someone, versions_of

pytestmark = pytest.mark.django_db


def firms():
    """Two suppliers, of which the second knows a website."""
    system("erp", supplier=1)
    system("ap", supplier=2)
    first = golden(source("erp", "supplier", "A", name="Acme", phone="+17755550100"))
    second = golden(source("ap", "supplier", "B", name="Bolt", website="bolt.example"))
    return first, second


def join(first, second, user):
    return merge_records(
        winner_id=first.pk,
        record_ids=[first.pk, second.pk],
        shown=versions_of(first, second),
        user=user,
        reason="one firm",
    )


def ask(record, user, **values):
    beside = values.pop("beside", ())
    return requests.propose(
        record_id=record.pk,
        values=values,
        base_version=reload(record.pk).version,
        reason="read it on the letterhead",
        user=user,
        beside=beside,
    )


def now(request: ChangeRequest) -> ChangeRequest:
    return ChangeRequest.objects.select_related("record").get(pk=request.pk)


def test_a_request_goes_along_with_a_merge_and_returns() -> None:
    stella = someone("Stella")
    first, second = firms()
    request = ask(second, stella, website="new.example")
    merged = join(first, second, stella)
    assert now(request).record == first
    assert now(request).moves[0]["to"] == first.code
    undo(decision_id=merged.pk, user=stella)
    assert now(request).record == second
    assert requests.conflicts(now(request)) == {}
    requests.approve(request_id=request.pk, digest=now(request).digest, user=someone("Sam"))
    assert reload(second.pk).supplier.website == "http://new.example"


def test_what_was_proposed_on_the_whole_goes_to_whoever_holds_the_value() -> None:
    stella = someone("Stella")
    first, second = firms()
    join(first, second, stella)
    request = ask(first, stella, website="new.example")
    unmerge(merge_ids=[Merge.objects.get().pk], user=stella, reason="two firms")
    assert now(request).record == second
    assert requests.conflicts(now(request)) == {}


def test_one_about_values_of_both_becomes_one_for_each() -> None:
    stella = someone("Stella")
    first, second = firms()
    join(first, second, stella)
    request = ask(first, stella, website="new.example", name="Acme Group", duns="150483782")
    unmerge(merge_ids=[Merge.objects.get().pk], user=stella, reason="two firms")
    assert {(one.record_id, *sorted(one.values)) for one in ChangeRequest.objects.all()} == {
        (first.pk, "duns", "name"),
        (second.pk, "website"),
    }
    assert now(request).record == first
    assert Decision.objects.filter(verb="propose").count() == 2


def test_a_conflict_after_a_merge_is_acknowledged_or_refused() -> None:
    stella, sam = someone("Stella"), someone("Sam")
    first, second = firms()
    request = ask(second, stella, name="Bolt & Co")
    join(first, second, stella)
    found = requests.conflicts(now(request))
    assert found == {"name": "Acme"}
    digest = now(request).digest
    with pytest.raises(Stale):
        requests.approve(request_id=request.pk, digest=digest, user=sam)
    with pytest.raises(Stale):
        requests.approve(request_id=request.pk, digest=digest, user=sam, acknowledged="something else")
    requests.approve(request_id=request.pk, digest=digest, user=sam, acknowledged=requests.acknowledgement(found))
    assert reload(first.pk).supplier.name == "Bolt & Co"
    assert now(request).moves[-1]["although"] == {"name": "Acme"}


def test_requests_about_different_attributes_stand_beside_each_other_and_catch_up() -> None:
    stella, sam = someone("Stella"), someone("Sam")
    first, _ = firms()
    one, other = ask(first, stella, name="Acme Group"), ask(first, sam, phone="+17755550199")
    shown = other.digest
    requests.approve(request_id=one.pk, digest=one.digest, user=sam)
    assert now(other).base_version == reload(first.pk).version
    requests.approve(request_id=other.pk, digest=shown, user=stella)
    assert (reload(first.pk).supplier.name, reload(first.pk).supplier.phone) == (
        "Acme Group",
        "+17755550199",
    )


def test_two_about_one_attribute_need_to_know_of_each_other() -> None:
    stella, sam = someone("Stella"), someone("Sam")
    first, _ = firms()
    one = ask(first, stella, name="Acme Group")
    with pytest.raises(Invalid) as refusal:
        ask(first, sam, name="Acme Holding")
    assert refusal.value.problems[0][0] == "name"
    assert "Stella" in refusal.value.problems[0][1]
    other = ask(first, sam, name="Acme Holding", beside=[str(one.pk)])
    assert other.beside == [str(one.pk)]
    requests.approve(request_id=one.pk, digest=one.digest, user=sam)
    assert requests.conflicts(now(other)) == {"name": "Acme Group"}
    with pytest.raises(Stale):
        requests.approve(request_id=other.pk, digest=other.digest, user=stella)
