"""Changes that hold from a day, until their source changes, and pins taken back: proposed, approved, carried out."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from mdm.errors import Invalid, Refused, Stale
from mdm.mastering import contribute, differences, merge, refresh
from mdm.models import GoldenRecord, Pin, SourceRecord
from stewardship import requests
from stewardship.models import ChangeRequest, RequestState
from stewardship.pinning import Terms
from stewardship.scheduled import begin, due
from stewardship.tasks import begin_scheduled
from tests.factories import check_walls, linked, reload, supplier, why
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db


@pytest.fixture
def stella() -> User:
    return someone("Stella Steward")


@pytest.fixture
def dora() -> User:
    return someone("Dora Owner")


@pytest.fixture
def acme() -> GoldenRecord:
    return supplier("V1", "Acme")


def asked(record: GoldenRecord, user: User, terms: Terms, **values: object) -> ChangeRequest:
    version = reload(record.pk).version
    return requests.propose(
        record_id=record.pk, values=values, base_version=version, reason="new year", user=user, terms=terms
    )


def approved(request: ChangeRequest, user: User) -> ChangeRequest:
    return requests.approve(request_id=request.pk, digest=request.digest, user=user)


def scheduled(record: GoldenRecord, stella: User, dora: User, **values: object) -> ChangeRequest:
    day = timezone.now() + timedelta(days=3)
    return approved(asked(record, stella, Terms(holds_from=day), **values), dora)


def day_comes(request: ChangeRequest) -> None:
    ChangeRequest.objects.filter(pk=request.pk).update(holds_from=timezone.now() - timedelta(seconds=1))


def name_of(record: GoldenRecord) -> str:
    return reload(record.pk).supplier.name


def test_a_change_for_a_later_day_is_approved_now_and_holds_from_then(
    stella: User, dora: User, acme: GoldenRecord
) -> None:
    request = scheduled(acme, stella, dora, name="Acme Group")
    assert (request.state, name_of(acme), due(), begin_scheduled()) == (RequestState.SCHEDULED, "Acme", [], 0)
    day_comes(request)
    assert begin_scheduled() == 1
    check_walls()
    assert (name_of(acme), begin_scheduled()) == ("Acme Group", 0)
    version = reload(acme.pk).supplier.history.order_by("-version").first()
    assert (version.actor, version.approved_by) == ("Stella Steward", "Dora Owner")
    assert ChangeRequest.objects.get().state == RequestState.APPROVED
    assert list(differences()) == []


def test_what_no_longer_fits_on_its_day_waits_for_approval_again(stella: User, dora: User, acme: GoldenRecord) -> None:
    request = scheduled(acme, stella, dora, name="Acme Group")
    contribute(record_id=acme.pk, values={"name": "Acme Europe"}, expected=None, cause=why())
    day_comes(request)
    assert begin(request.pk) is False
    again = ChangeRequest.objects.get()
    assert (again.state, again.decided_by, name_of(acme)) == (RequestState.OPEN, None, "Acme Europe")
    assert "has changed since" in again.answer
    assert begin(request.pk) is False


def test_a_record_that_merged_before_the_day_gives_the_change_back(
    stella: User, dora: User, acme: GoldenRecord
) -> None:
    request = scheduled(acme, stella, dora, name="Acme Group")
    merge(winner_id=supplier("V2", "Other").pk, loser_ids=[acme.pk], expected={}, cause=why())
    day_comes(request)
    assert begin(request.pk) is False
    assert ChangeRequest.objects.get().state == RequestState.OPEN


def test_until_its_day_author_and_approver_may_withdraw_it_and_nobody_else(
    stella: User, dora: User, acme: GoldenRecord
) -> None:
    request = scheduled(acme, stella, dora, name="Acme Group")
    with pytest.raises(Refused):
        requests.withdraw_request(request_id=request.pk, user=someone("Otto Other"))
    requests.withdraw_request(request_id=request.pk, user=dora)
    day_comes(request)
    assert begin_scheduled() == 0
    assert name_of(acme) == "Acme"


def test_a_value_holds_until_its_source_changes(stella: User, dora: User, acme: GoldenRecord) -> None:
    request = asked(acme, stella, Terms(until_source=True), name="Acme Group")
    (row,) = linked(acme)
    assert request.watching == {"name": {"source_record": row.pk, "said": "Acme"}}
    approved(request, dora)
    assert name_of(acme) == "Acme Group"
    SourceRecord.objects.filter(pk=row.pk).update(values={"name": "Acme Holding"})
    refresh(record_ids=[acme.pk], cause=why())
    assert name_of(acme) == "Acme Holding"


def test_a_source_that_changed_before_the_approval_is_told(stella: User, dora: User, acme: GoldenRecord) -> None:
    request = asked(acme, stella, Terms(until_source=True), name="Acme Group")
    (row,) = linked(acme)
    SourceRecord.objects.filter(pk=row.pk).update(values={"name": "Acme Holding"})
    with pytest.raises(Refused, match="would end at once"):
        approved(request, dora)
    assert (name_of(acme), Pin.objects.count()) == ("Acme", 0)


def test_a_value_that_holds_already_can_be_pinned(stella: User, dora: User, acme: GoldenRecord) -> None:
    (row,) = linked(acme)
    with pytest.raises(Invalid):
        asked(acme, stella, Terms(), name="Acme")
    approved(asked(acme, stella, Terms(sources={"name": row.pk}), name="Acme"), dora)
    SourceRecord.objects.filter(pk=row.pk).update(values={"name": "Acme Holding"})
    refresh(record_ids=[acme.pk], cause=why())
    assert name_of(acme) == "Acme"


def test_a_pin_is_taken_back_with_four_eyes(stella: User, dora: User, acme: GoldenRecord) -> None:
    approved(asked(acme, stella, Terms(), name="Acme Group", duns="123456789"), dora)
    base = reload(acme.pk).version
    request = requests.propose(
        record_id=acme.pk, values={}, base_version=base, reason="no longer so", user=dora, unpins=["name"]
    )
    assert (name_of(acme), request.before) == ("Acme Group", {"name": "Acme Group"})
    with pytest.raises(Refused):
        approved(request, dora)
    approved(request, stella)
    check_walls()
    assert (name_of(acme), reload(acme.pk).supplier.duns) == ("Acme", "123456789")


def test_a_pin_taken_back_is_stale_once_the_value_moved(stella: User, dora: User, acme: GoldenRecord) -> None:
    approved(asked(acme, stella, Terms(), name="Acme Group"), dora)
    base = reload(acme.pk).version
    request = requests.propose(
        record_id=acme.pk, values={}, base_version=base, reason="no longer so", user=dora, unpins=["name"]
    )
    contribute(record_id=acme.pk, values={"name": "Acme Europe"}, expected=None, cause=why())
    with pytest.raises(Stale):
        approved(request, stella)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(until_source=True, valid_until=timezone.now() + timedelta(days=3)), "valid_until"),
        (Terms(holds_from=timezone.now() - timedelta(days=1)), "holds_from"),
        (
            Terms(holds_from=timezone.now() + timedelta(days=9), valid_until=timezone.now() + timedelta(days=3)),
            "valid_until",
        ),
        (Terms(until_source=True, sources={"name": 999999999}), "name"),
    ],
)
def test_terms_that_cannot_be_are_named(stella: User, acme: GoldenRecord, terms: Terms, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        asked(acme, stella, terms, name="Acme Group")
    assert [name for name, _ in refusal.value.problems] == [field]


@pytest.mark.parametrize(
    ("wrong", "wall"),
    [
        ({"values": {}}, "change_request_proposes_something"),
        ({"state": "scheduled"}, "change_request_is_scheduled_only_with_a_day"),
        (
            {"holds_from": timezone.now(), "valid_until": timezone.now() - timedelta(days=1)},
            "change_request_begins_before_it_ends",
        ),
        ({"watching": {"name": {}}, "valid_until": timezone.now()}, "change_request_ends_in_one_way_only"),
    ],
)
def test_the_walls_refuse_a_request_that_cannot_be(
    stella: User, dora: User, acme: GoldenRecord, wrong: dict[str, object], wall: str
) -> None:
    request = asked(acme, stella, Terms(), name="Acme Group")
    if wrong.get("state"):
        wrong = wrong | {"decided_by": dora, "decided_at": timezone.now()}
    with pytest.raises(IntegrityError, match=wall), transaction.atomic():
        ChangeRequest.objects.filter(pk=request.pk).update(**wrong)
