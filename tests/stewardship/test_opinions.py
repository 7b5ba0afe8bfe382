"""Second opinions: who is asked, who sees what when, what a disagreement asks of whoever decides."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from mdm.errors import Invalid, WrongState
from mdm.people import AUDITOR, VIEWER
from stewardship import opinions, queue, workflow
from stewardship.asked import Filters
from stewardship.models import Decision, Opinion
from stewardship.work import digest, listing
from tests.stewardship.pages import client_of, outsider, text_of, traces
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def people():
    return {name: someone(name) for name in ("Stella Steward", "Sam Second", "Tess Third")}.values()


def how_it_stands(user) -> list[str]:
    return [one.opinions for one in listing.page(Filters(kind="duplicates"), user).rows]


def test_an_opinion_decides_nothing_and_the_question_waits_on(people) -> None:
    stella, _, _ = people
    first, second = twins()
    waiting = question(first, second)
    answer = client_of(stella).post(f"/review/{waiting.pk}/opinion/say/", {"verdict": "same", "reason": "one ledger"})
    assert answer.status_code == 302
    waiting.refresh_from_db()
    assert (waiting.state, Decision.objects.count()) == ("open", 0)
    (said,) = Opinion.objects.all()
    assert (said.person, said.verdict, said.reason, said.asked_by) == (stella, "same", "one ledger", None)
    assert how_it_stands(stella) == ["One opinion"]


def test_whoever_is_asked_sees_the_others_only_after_saying_it(people) -> None:
    stella, sam, _ = people
    waiting = question(*twins())
    opinions.say(candidate_id=waiting.pk, user=stella, verdict="same", reason="one ledger", ask=["sam"])
    page = text_of(client_of(sam).get(f"/review/{waiting.pk}/"))
    assert "Stella Steward asks what you think" in page
    assert "1 opinion given" in page
    assert "one ledger" not in page
    assert how_it_stands(sam) == ["Opinion asked for"]
    client_of(sam).post(f"/review/{waiting.pk}/opinion/say/", {"verdict": "different", "reason": "two towns"})
    page = text_of(client_of(sam).get(f"/review/{waiting.pk}/"))
    assert "one ledger" in page
    assert "They differ" in page
    assert how_it_stands(sam) == ["Opinions differ"]


def test_what_one_is_asked_is_theirs_in_the_queue_among_the_notices_and_in_the_mail(people) -> None:
    stella, sam, tess = people
    weak, strong = question(*twins(name="Bolton"), score=0.6), question(*twins(), score=0.9)
    before = timezone.now()
    opinions.say(candidate_id=weak.pk, user=stella, reason="Is that the ward?", ask=["sam"])
    for person, first in ((sam, weak), (tess, strong)):
        rows = listing.page(Filters(kind="duplicates"), person).rows
        assert rows[0].key == str(first.pk)
        assert rows[0].mine is (person == sam)
    assert list(queue.waiting(Filters(mine="yes"), sam)) == [weak]
    assert list(queue.waiting(Filters(reason="asked", kind="duplicates"), tess)) == [weak]
    assert "Is that the ward?" in text_of(client_of(sam).get("/notices/"))
    news = digest.news(sam, before, timezone.now())
    assert digest.subject(news) == "Assay: 1 opinion asked"
    assert "Stella Steward: Is that the ward?" in digest.body(sam, news)
    opinions.say(candidate_id=weak.pk, user=sam, verdict="unsure")
    assert not digest.news(sam, before, timezone.now())
    assert list(queue.waiting(Filters(mine="yes"), sam)) == []


@pytest.mark.parametrize("act", ["merge", "reject"])
def test_deciding_takes_a_reason_where_opinions_differ(people, act: str) -> None:
    stella, sam, tess = people
    first, second = twins()
    waiting = question(first, second)
    opinions.say(candidate_id=waiting.pk, user=stella, verdict="same")
    opinions.say(candidate_id=waiting.pk, user=sam, verdict="different")
    shown = [f"{pk}:{version}" for pk, version in versions_of(first, second).items()]
    form = {"chosen": "yes", "winner": first.pk, "records": [first.pk, second.pk], "shown": shown}
    answer = client_of(tess).post(f"/review/{waiting.pk}/{act}/", form)
    assert answer.status_code == 422
    assert "Colleagues do not agree here" in text_of(answer)
    assert not Decision.objects.exists()
    assert client_of(tess).post(f"/review/{waiting.pk}/{act}/", form | {"reason": "asked them"}).status_code == 302
    made = Decision.objects.get()
    page = text_of(client_of(someone("Ann Auditor", AUDITOR)).get(f"/decisions/{made.pk}/"))
    assert "Stella Steward" in page
    assert "Sam Second" in page
    with pytest.raises(WrongState):
        opinions.say(candidate_id=waiting.pk, user=stella, verdict="unsure")


def test_agreement_asks_for_no_reason_and_is_a_filter(people) -> None:
    stella, sam, tess = people
    first, second = twins()
    waiting = question(first, second)
    for person in (stella, sam):
        opinions.say(candidate_id=waiting.pk, user=person, verdict="different")
    assert how_it_stands(tess) == ["Opinions agree"]
    assert opinions.of_question(waiting, tess).agree
    workflow.reject_candidate(candidate_id=waiting.pk, shown=versions_of(first, second), user=tess)


def test_two_who_cannot_tell_do_not_agree(people) -> None:
    stella, sam, tess = people
    waiting = question(*twins())
    for person in (stella, sam):
        opinions.say(candidate_id=waiting.pk, user=person, verdict="unsure")
    assert not opinions.of_question(waiting, tess).agree
    assert how_it_stands(tess) == ["One opinion"]


def test_another_opinion_of_the_same_person_keeps_the_one_before(people) -> None:
    stella, sam, _ = people
    waiting = question(*twins())
    for verdict in ("same", "different"):
        opinions.say(candidate_id=waiting.pk, user=stella, verdict=verdict, ask=["sam"])
    assert list(Opinion.objects.filter(person=stella).order_by("pk").values_list("verdict", flat=True)) == [
        "same",
        "different",
    ]
    assert [one.verdict for one in opinions.of_question(waiting).given] == ["different"]
    assert Opinion.objects.filter(person=sam).count() == 1


def test_all_mistakes_are_told_at_once_and_nothing_is_kept(people) -> None:
    stella, *_ = people
    someone("Vera", VIEWER)
    waiting = question(*twins())
    with pytest.raises(Invalid) as refusal:
        opinions.say(candidate_id=waiting.pk, user=stella, verdict="perhaps", reason="x" * 501,
                     ask=["vera", "nobody", "stella"])  # fmt: skip
    said = " ".join(text for _, text in refusal.value.problems)
    for words in ("one of the three", "501 characters", "nobody called nobody", "Vera may not decide", "ask yourself"):
        assert words in said
    assert not Opinion.objects.exists()
    answer = client_of(stella).post(f"/review/{waiting.pk}/opinion/say/", {"reason": "why"}, headers=HTMX)
    assert answer.status_code == 422
    assert answer.headers["HX-Retarget"] == "#opinion-form"
    assert ">why</textarea>" in answer.content.decode()


def test_only_who_decides_may_say_it() -> None:
    waiting = question(*twins())
    before = traces()
    for client in (outsider(), client_of(someone("Vera", VIEWER)), client_of(someone("Ann Auditor", AUDITOR))):
        assert client.get(f"/review/{waiting.pk}/opinion/").status_code == 403
        assert client.post(f"/review/{waiting.pk}/opinion/say/", {"verdict": "same"}).status_code == 403
    assert traces() == before
    assert not Opinion.objects.exists()


@pytest.mark.parametrize(
    "values",
    [
        {"verdict": "same"},
        {"given_at": timezone.now()},
        {"verdict": "perhaps", "given_at": timezone.now()},
        {"verdict": "same", "given_at": timezone.now(), "asked_at": timezone.now()},
        {},
    ],
)
def test_the_database_refuses_what_is_no_opinion(values) -> None:
    waiting, stella = question(*twins()), someone("Stella")
    with pytest.raises(IntegrityError), transaction.atomic():
        Opinion.objects.create(candidate=waiting, person=stella, **values)


def test_the_database_keeps_one_opinion_of_a_person_and_nobody_asks_themselves() -> None:
    waiting, stella = question(*twins()), someone("Stella")
    Opinion.objects.create(candidate=waiting, person=stella, verdict="same", given_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Opinion.objects.create(candidate=waiting, person=stella, verdict="unsure", given_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Opinion.objects.create(
            candidate=question(*twins(name="Bolton")), person=stella, asked_by=stella, asked_at=timezone.now()
        )
