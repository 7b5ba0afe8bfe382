"""Judging by values alone: what the page does not send, who likes it so, and what the decision keeps of it."""

import pytest

from stewardship.models import Decision, Habit
from tests.stewardship.pages import client_of, outsider, text_of, traces
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}
# What stands on an open page and gives the proposal away.
GIVEN_AWAY = ("SYSTEM0", "Acme Medical-0", "93.2%", "Name agrees", "Needs review", "newest")


def form(*records, **more) -> dict[str, object]:
    shown = [f"{pk}:{version}" for pk, version in versions_of(*records).items()]
    return {"chosen": "yes", "winner": records[0].pk, "records": [one.pk for one in records], "shown": shown} | more


def test_the_page_sends_no_source_score_or_proposal_and_the_values_stay() -> None:
    first, second = twins()
    waiting = question(first, second, score=0.932)
    client = client_of(someone("Stella"))
    page = client.get(f"/review/{waiting.pk}/").content.decode()
    assert [text for text in GIVEN_AWAY if text not in page] == []
    before = traces()
    for headers in ({}, HTMX):
        client.post(f"/review/{waiting.pk}/sight/", form(first, second, sight="blind"), headers=headers)
        page = client.get(f"/review/{waiting.pk}/", headers=headers).content.decode()
        assert [text for text in GIVEN_AWAY if text in page] == []
        assert 'aria-pressed="true"' in page
        assert "+1 555-010-000" in page
        assert first.code in page
    assert traces() == before
    answer = client.post(f"/review/{waiting.pk}/preview/", form(second, first, blind="yes"), headers=HTMX)
    assert [text for text in GIVEN_AWAY if text in answer.content.decode()] == []
    client.post(f"/review/{waiting.pk}/sight/", form(first, second, sight="open"))
    assert "SYSTEM0" in client.get(f"/review/{waiting.pk}/").content.decode()


def test_no_graph_is_drawn_blind() -> None:
    waiting = question(*twins(3))
    stella = someone("Stella")
    Habit.objects.create(person=stella, blind=True)
    assert 'id="graph"' not in client_of(stella).get(f"/review/{waiting.pk}/").content.decode()


def test_it_is_one_persons_choice_and_what_was_typed_stays() -> None:
    first, second = twins()
    waiting = question(first, second)
    posted = form(first, second, sight="blind", reason="by the ledger") | {"type-phone": "+1 555 010 7777"}
    page = client_of(someone("Stella")).post(f"/review/{waiting.pk}/sight/", posted).content.decode()
    assert 'value="by the ledger"' in page
    assert 'value="+1 555 010 7777"' in page
    assert "SYSTEM0" in client_of(someone("Sam")).get(f"/review/{waiting.pk}/").content.decode()
    assert outsider().post(f"/review/{waiting.pk}/sight/", posted).status_code == 403


@pytest.mark.parametrize("act", ["merge", "reject", "relate"])
@pytest.mark.parametrize("blind", ["yes", ""])
def test_the_decision_keeps_how_its_page_was_shown(act: str, blind: str) -> None:
    first, second = twins()
    waiting = question(first, second)
    client = client_of(someone("Stella"))
    posted = form(first, second, blind=blind, relation=f"parent:{first.pk}")
    assert client.post(f"/review/{waiting.pk}/{act}/", posted).status_code == 302
    made = Decision.objects.get()
    assert made.blind == (blind == "yes")
    for address in (f"/review/{waiting.pk}/", f"/decisions/{made.pk}/"):
        assert ("judged blind" in text_of(client.get(address))) == (blind == "yes")


def test_once_decided_everything_is_shown() -> None:
    first, second = twins()
    waiting = question(first, second)
    stella = someone("Stella")
    Habit.objects.create(person=stella, blind=True)
    client_of(stella).post(f"/review/{waiting.pk}/reject/", form(first, second, blind="yes"))
    assert "SYSTEM0" in client_of(stella).get(f"/review/{waiting.pk}/").content.decode()
