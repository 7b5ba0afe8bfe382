"""The queue of all work: every kind in one list, whose it is, when it comes back, what is said, how late it is."""

from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from matching.models import CandidateState
from mdm.domains import DOMAINS
from mdm.errors import Invalid, Refused
from mdm.models import Batch, SourceRow
from mdm.people import AUDITOR, DOMAIN_OWNER, VIEWER
from mdm.work import COLUMNS, kinds
from publishing.models import Delivery, Difference, DriftCheck
from stewardship.asked import Filters
from stewardship.models import Arrangement, Comment, Mention, WorkAct
from stewardship.requests import propose
from stewardship.work import listing, talk, verbs
from stewardship.work.facets import facets
from tests.factories import feed, golden, hospital, source, supplier
from tests.publishing.making import webhook
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import misfit, question, someone, twins

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def loopback(settings: Any) -> None:
    """Endpoints of these tests stand on this machine."""
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]


def contract(key: str = "C1", *, ends: date | None = None, **values: Any) -> Any:
    supplier(f"{key}-S", f"Firm of {key}")
    values |= {"supplier": {"system": "erp", "domain": "supplier", "key": f"{key}-S"}}
    values |= {"valid_to": ends.isoformat()} if ends else {}
    return golden(source("erp", "contract", key, number=key, **values))


def bad_row(line: int = 1) -> SourceRow:
    made = feed(f"feed{line}", "supplier")
    batch = Batch.objects.create(feed=made, feed_version=1, file_name="vendors.csv", sha256=f"{line}")
    return SourceRow.objects.create(
        batch=batch, line=line, raw="x", cells={}, state="quarantined", problems=[{"column": "", "message": "No name."}]
    )


def parked_and_drifted(record: Any) -> tuple[Delivery, Difference]:
    endpoint = webhook("http://127.0.0.1:18999/", code="erp-target")
    delivery = Delivery.objects.filter(record=record).first() or Delivery.objects.create(
        endpoint=endpoint, event=record.events.first(), seq=1, record=record, domain=record.domain, version=1, rank=1,
        state="parked", outcome_code="refused", outcome="Payment terms unknown.", due_at=timezone.now(),
        created_at=timezone.now(),
    )  # fmt: skip
    check = DriftCheck.objects.create(endpoint=endpoint, by="x", via="sent", started_at=timezone.now())
    difference = Difference.objects.create(
        check_run=check, endpoint=endpoint, record=record, kind="altered", field="name", found_at=timezone.now()
    )
    return delivery, difference


def one_of_everything() -> dict[str, str]:
    """{kind: key} of one piece of work of each kind."""
    stella = someone("Paula Proposer")
    first, second = twins()
    lone = supplier("Q1", "Unknown")  # which a rule holds
    ending = contract(ends=timezone.localdate() + timedelta(days=30))
    request = propose(
        record_id=first.pk, values={"name": "New name"}, base_version=first.version, reason="why", user=stella
    )
    delivery, difference = parked_and_drifted(first)
    return {
        "duplicates": str(question(first, second).pk),
        "conflicts": str(question(first, kind="conflict").pk),
        "misfits": str(misfit().pk),
        "requests": str(request.pk),
        "quarantine": str(bad_row().pk),
        "quality": str(lone.pk),
        "parked": str(delivery.pk),
        "drift": str(difference.pk),
        "expiring": f"{ending.pk}:valid_to",
    }


def rows(filters: Filters, user: Any) -> list[tuple[str, str]]:
    return [(row.kind.name, row.key) for row in listing.page(filters, user).rows]


def test_every_declared_kind_selects_the_columns_everybody_reads() -> None:
    for kind in kinds().values():
        with connection.cursor() as cursor:
            cursor.execute(kind.rows.replace("%%", "%"))
            assert [column[0] for column in cursor.description] == list(COLUMNS), kind.name


def test_one_list_holds_every_kind_and_each_row_leads_to_a_page_that_is_there() -> None:
    made = one_of_everything()
    client = client_of(someone("Stella", DOMAIN_OWNER))
    stella = someone("Sven")
    assert dict(rows(Filters(), stella)) == made
    for row in listing.page(Filters(), stella).rows:
        assert row.titles, row.kind.name
        assert row.why, row.kind.name
        assert client.get(row.address).status_code == 200, row.address
        assert rows(Filters(kind=row.kind.name), stella) == [(row.kind.name, row.key)]
        piece = client.get(reverse("stewardship:work", args=[row.kind.name, row.key]))
        assert row.why[:20] in text_of(piece)
    page = text_of(client.get("/"))
    for kind in kinds().values():
        assert kind.plural in page


def test_the_queue_costs_the_same_for_one_and_for_many_of_every_kind() -> None:
    one_of_everything()
    client = client_of(someone("Stella"))

    def cost() -> int:
        with CaptureQueriesContext(connection) as caught:
            assert client.get("/").status_code == 200
        return len(caught)

    cost()
    few = cost()
    for number in range(8):
        question(*twins(name=f"Firm {number}"))
        bad_row(number + 5)
    assert cost() == few <= 20


def test_counts_leave_their_own_filter_aside_and_nothing_else() -> None:
    stella = someone("Stella")
    question(*twins(), score=0.95)
    question(hospital("H1", "Saint Mary"), hospital("H2", "Saint Mary"), score=0.75)
    bad_row()
    found = facets(Filters(kind="duplicates", band="likely"), stella, {})
    assert found.total == 1
    assert dict(found.counted("band")) == {"likely": 1, "possible": 1}
    assert dict(found.counted("kind")) == {"duplicates": 1}
    assert dict(facets(Filters(kind="duplicates"), stella, {}).counted("kind")) == {"duplicates": 2, "quarantine": 1}
    assert dict(found.counted("domain")) == {"supplier": 1}


def test_work_is_assigned_taken_and_given_back_and_every_act_is_kept() -> None:
    stella, otto = someone("Stella"), someone("Otto")
    asked, row = question(*twins()), bad_row()
    both = [("duplicates", str(asked.pk)), ("quarantine", str(row.pk))]
    assert verbs.assign(work=both, to=otto, user=stella) == 2
    assert verbs.assign(work=both, to=otto, user=stella) == 0
    assert sorted(rows(Filters(assignee="me"), otto)) == sorted(both)
    assert rows(Filters(assignee="nobody"), otto) == []
    assert rows(Filters(assignee="otto"), stella) == rows(Filters(mine="yes"), otto)
    assert rows(Filters(mine="yes"), stella) == []
    assert facets(Filters(), stella, {"otto": otto.pk}).held()[otto.pk] == 2
    assert verbs.give_back(work=both[:1], user=otto) == 1
    assert rows(Filters(assignee="nobody"), otto) == both[:1]
    assert [act.verb for act in WorkAct.objects.order_by("pk")] == ["assign", "assign", "give_back"]


def test_ones_own_work_comes_first_whatever_the_order() -> None:
    stella = someone("Stella")
    question(*twins(name="Sure"), score=0.99)
    unsure = question(*twins(name="Unsure"), score=0.6)
    verbs.assign(work=[("duplicates", str(unsure.pk))], to=stella, user=stella)
    for order in ("", "due", "oldest", "newest"):
        assert rows(Filters(kind="duplicates", order=order), stella)[0] == ("duplicates", str(unsure.pk))


def test_work_is_only_given_to_those_who_decide() -> None:
    stella, vera = someone("Stella"), someone("Vera", VIEWER)
    with pytest.raises(Refused, match="Vera may not decide work"):
        verbs.assign(work=[("duplicates", "1")], to=vera, user=stella)
    with pytest.raises(Invalid, match="Nothing is ticked"):
        verbs.assign(work=[], to=stella, user=stella)


def test_parked_work_is_away_until_its_day_and_its_clock_goes_on() -> None:
    stella = someone("Stella")
    row = [("quarantine", str(bad_row().pk))]
    verbs.park(work=row, until=timezone.now() + timedelta(days=2), user=stella, reason="The vendor answers on Monday")
    assert rows(Filters(), stella) == []
    assert rows(Filters(parked="yes"), stella) == row
    assert facets(Filters(), stella, {}).counted("parked") == {"yes": 1}
    Arrangement.objects.update(parked_until=timezone.now() - timedelta(hours=1))
    assert rows(Filters(), stella) == row
    assert verbs.resume(work=row, user=stella) == 1
    assert verbs.resume(work=row, user=stella) == 0


def test_a_parked_question_is_skipped_as_on_its_own_page_and_resumed_from_the_queue() -> None:
    stella = someone("Stella")
    asked = question(*twins())
    work = [("duplicates", str(asked.pk))]
    verbs.park(work=work, until=timezone.now() + timedelta(days=2), user=stella, reason="later")
    asked.refresh_from_db()
    assert asked.state == CandidateState.SKIPPED
    assert rows(Filters(parked="yes"), stella) == work
    assert verbs.resume(work=work, user=stella) == 1
    asked.refresh_from_db()
    assert asked.state == CandidateState.OPEN


def test_a_day_gone_by_and_a_reason_too_long_are_told_at_once() -> None:
    stella = someone("Stella")
    with pytest.raises(Invalid) as refusal:
        verbs.park(work=[("quarantine", "1")], until=timezone.now(), user=stella, reason="x" * 501)
    assert [name for name, _ in refusal.value.problems] == ["until", "reason"]
    assert not Arrangement.objects.exists()


def test_clocks_are_late_soon_or_in_time_and_somebody_may_set_them() -> None:
    stella = someone("Stella")
    now = timezone.now()
    for hours in (1, 60, 80):
        asked = question(*twins(name=f"Waits {hours}"))
        type(asked).objects.filter(pk=asked.pk).update(created_at=now - timedelta(hours=hours))
    found = facets(Filters(), stella, {}).counted("due")
    assert dict(found) == {"fine": 1, "soon": 1, "late": 1}
    verbs.allow(kind="duplicates", hours=10, user=stella)
    assert dict(facets(Filters(), stella, {}).counted("due")) == {"fine": 1, "late": 2}
    assert listing.allowed_hours()["duplicates"] == 10
    with pytest.raises(Invalid):
        verbs.allow(kind="duplicates", hours=0, user=stella)


def test_what_ends_is_told_ahead_and_a_while_after_and_not_for_ever() -> None:
    stella, today = someone("Stella"), timezone.localdate()
    for key, days in (("SOON", 5), ("LATER", 89), ("GONE", -3), ("PAST", -300), ("FAR", 400)):
        contract(key, ends=today + timedelta(days=days))
    found = {row.titles[0]: row.clock for row in listing.page(Filters(kind="expiring"), stella).rows}
    assert found == {"SOON": "soon", "LATER": "fine", "GONE": "late"}


def test_expiries_name_dates_their_domain_has() -> None:
    for domain in DOMAINS:
        parts = {part.name: part for part in domain.parts}
        for expiry in domain.expiries:
            owner, dot, name = expiry.attribute.rpartition(".")
            attributes = parts[owner].attributes if dot else domain.attributes
            assert [one.kind for one in attributes if one.name == name] == ["date"], expiry


def test_a_comment_names_colleagues_who_find_it_unread_until_they_look() -> None:
    stella, otto = someone("Stella"), someone("Otto")
    work = ("quarantine", str(bad_row().pk))
    talk.comment(kind=work[0], key=work[1], text="@otto @Otto do you know it? mail x@stella.org @stella", user=stella)
    assert (talk.unseen(otto), talk.unseen(stella)) == (1, 0)
    client_of(otto).get(reverse("stewardship:work", args=work))
    assert talk.unseen(otto) == 0
    assert listing.page(Filters(), stella).rows[0].comments == 1


def test_a_comment_that_does_not_fit_is_refused_whole_and_given_back() -> None:
    stella = someone("Stella")
    row = bad_row()
    client = client_of(stella)
    address = reverse("stewardship:say", args=["quarantine", row.pk])
    answer = client.post(address, {"text": "@nobody <b>" + "x" * 10_000})
    assert answer.status_code == 422
    assert "There is nobody called @nobody." in text_of(answer)
    assert "too many" in text_of(answer)
    assert "&lt;b&gt;" in answer.content.decode()
    assert client.post(address, {"text": "  "}).status_code == 422
    assert not Comment.objects.exists()
    assert client.post(address, {"text": "\u202eאבג 🩺 <script>"}).status_code == 302
    assert (
        "<script>"
        not in client.get(reverse("stewardship:work", args=["quarantine", row.pk]))
        .content.decode()
        .split("comment__text")[1]
        .partition("</p>")[0]
    )


def test_rows_are_given_away_from_the_list_ticked_or_all_of_a_filter() -> None:
    stella, otto = someone("Stella"), someone("Otto")
    asked = [question(*twins(name=f"Firm {number}")) for number in range(3)]
    client = client_of(stella)
    back = "/?kind=duplicates&domain=supplier"
    ticked = {"work": [f"duplicates:{asked[0].pk}"], "assignee": "otto", "back": back}
    answer = client.post("/work/act/assign/", ticked)
    assert (answer.status_code, answer.headers["Location"]) == (302, back)
    assert len(rows(Filters(assignee="otto"), stella)) == 1
    client.post("/work/act/take/", {"all": "yes", "filter": "?kind=duplicates", "back": "https://evil.example/"})
    assert len(rows(Filters(assignee="me"), stella)) == 3
    assert client.post("/work/act/assign/", {"work": "duplicates:1", "assignee": ""}).status_code == 422
    assert client.post("/work/act/assign/", {"work": "duplicates:1", "assignee": "ghost"}).status_code == 404
    assert client.post("/work/act/take/", {"work": "horses:1"}).status_code == 422
    assert client.post("/work/act/park/", {"work": "duplicates:x", "until": "2999-01-01"}).status_code == 422
    assert client.post("/work/act/park/", {"work": "duplicates:1", "until": "2026-99-99"}).status_code == 422
    assert otto.work_assigned.count() == 0


def test_strangers_viewers_and_auditors_change_nothing() -> None:
    row = bad_row()
    work = {"work": f"quarantine:{row.pk}"}
    for client in (outsider(), client_of(someone("Vera", VIEWER)), client_of(someone("Ann", AUDITOR))):
        assert client.post("/work/act/take/", work).status_code == 403
        assert client.post("/work/clocks/", {"duplicates": "5"}).status_code == 403
    assert outsider_free(f"/work/quarantine/{row.pk}/") == 403
    assert not Arrangement.objects.exists()
    assert not WorkAct.objects.exists()


def outsider_free(address: str) -> int:
    nobody = someone("Nora Nobody", "no such role")
    return int(client_of(nobody).get(address).status_code)


def test_an_owner_sets_the_clocks_and_is_told_what_does_not_fit() -> None:
    client = client_of(someone("Olga", DOMAIN_OWNER))
    given = {kind.name: str(kind.hours) for kind in kinds().values()}
    assert client.post("/work/clocks/", given | {"parked": "6"}).status_code == 302
    assert listing.allowed_hours()["parked"] == 6
    assert "Olga" in text_of(client.get("/work/clocks/"))
    refused = client.post("/work/clocks/", given | {"parked": "0", "drift": "many"})
    assert refused.status_code == 422
    assert "Parked deliveries: Between 1" in text_of(refused)
    assert listing.allowed_hours()["parked"] == 6


def test_work_that_never_was_is_told_in_words() -> None:
    client = client_of(someone("Stella"))
    for address in (
        "/work/quarantine/99/",
        "/work/horses/1/",
        "/work/duplicates/not-a-number/",
        f"/work/quality/{uuid4()}/",
    ):
        assert client.get(address).status_code == 404, address


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Arrangement, {"kind": "x", "key": "1", "assigned_by": "me"}),
        (Arrangement, {"kind": "x", "key": "1", "parked_until": timezone.now()}),
        (Arrangement, {"kind": "x", "key": "1", "park_reason": "why"}),
        (WorkAct, {"kind": "x", "key": "1", "verb": "assign"}),
        (WorkAct, {"kind": "x", "key": "1", "verb": "park"}),
        (WorkAct, {"kind": "x", "key": "1", "verb": "fly"}),
        (Comment, {"kind": "x", "key": "1", "text": ""}),
    ],
)
def test_walls_refuse_what_must_not_be(model: Any, values: dict[str, Any]) -> None:
    stella = someone("Stella")
    by = {} if model is Arrangement else {"by": stella}
    with pytest.raises(IntegrityError), transaction.atomic():
        model.objects.create(**values, **by)


def test_a_piece_of_work_is_arranged_once_and_a_person_is_mentioned_once() -> None:
    stella = someone("Stella")
    Arrangement.objects.create(kind="x", key="1")
    with pytest.raises(IntegrityError), transaction.atomic():
        Arrangement.objects.create(kind="x", key="1")
    said = Comment.objects.create(kind="x", key="1", text="hello", by=stella)
    Mention.objects.create(comment=said, person=stella)
    with pytest.raises(IntegrityError), transaction.atomic():
        Mention.objects.create(comment=said, person=stella)
