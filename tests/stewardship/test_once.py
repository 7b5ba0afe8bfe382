"""A form is carried out once, however often it arrives; what was typed when the session had ended comes back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone

from mdm.people import DOMAIN_OWNER
from stewardship import requests
from stewardship.models import ChangeRequest, Press
from tests.factories import supplier
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import someone
from tests.stewardship.test_requests_pages import form_of

pytestmark = pytest.mark.django_db


def proposed(record: Any, client: Client | None = None, **changed: object) -> dict[str, object]:
    form = form_of(client, record) if client else {}
    return form | {"name": "Acme Group", "reason": "renamed", "once": "token-1"} | changed


def withdraw() -> None:
    for one in ChangeRequest.objects.all():
        requests.withdraw_request(request_id=one.pk, user=one.requested_by)


def address_of(record: Any) -> str:
    return f"/records/suppliers/{record.code}/propose/"


def test_every_form_carries_a_token_of_its_own() -> None:
    record = supplier("V1", "Acme")
    page = client_of(someone("Ada")).get(address_of(record)).content.decode()
    tokens = [part.split('"')[0] for part in page.split('name="once" value="')[1:]]
    assert len(tokens) >= 2
    assert len(set(tokens)) == len(tokens)
    assert page.count('name="csrfmiddlewaretoken"') == len(tokens)


def test_a_form_sent_twice_is_carried_out_once_and_leads_to_the_same_page() -> None:
    record, client = supplier("V1", "Acme"), client_of(someone("Ada"))
    form = proposed(record, client)
    first, second = (client.post(address_of(record), form) for _ in range(2))
    assert first.status_code == second.status_code == 302
    assert second.headers["Location"] == first.headers["Location"]
    assert ChangeRequest.objects.count() == 1
    assert "not done twice" in text_of(client.get(second.headers["Location"]))


def test_other_words_under_the_same_token_are_another_wish() -> None:
    record, client = supplier("V1", "Acme"), client_of(someone("Ada"))
    form = proposed(record, client)
    client.post(address_of(record), form)
    withdraw()
    again = client.post(address_of(record), form | {"name": "Acme Holding"})
    assert again.status_code == 302
    assert ChangeRequest.objects.count() == 2


def test_what_was_refused_may_be_sent_again() -> None:
    record, client = supplier("V1", "Acme"), client_of(someone("Ada"))
    form = proposed(record, client)
    assert client.post(address_of(record), form | {"reason": ""}).status_code == 422
    assert Press.objects.count() == 0
    assert client.post(address_of(record), form).status_code == 302


def test_the_tokens_of_two_people_never_meet() -> None:
    record, ada, bea = supplier("V1", "Acme"), client_of(someone("Ada")), client_of(someone("Bea"))
    form = proposed(record, ada)
    ada.post(address_of(record), form)
    withdraw()
    bea.post(address_of(record), form)
    assert {one.requested_by.first_name for one in ChangeRequest.objects.all()} == {"Ada", "Bea"}


def test_a_sending_that_never_ended_says_so() -> None:
    record, ada = supplier("V1", "Acme"), someone("Ada")
    form = proposed(record, client_of(ada))
    client_of(ada).post(address_of(record), form)
    Press.objects.update(pressed_at=timezone.now() - timedelta(minutes=5), answered_at=None, location="")
    answer = client_of(ada).post(address_of(record), form)
    assert answer.status_code == 409
    assert "the server stopped before it could answer" in text_of(answer)


def test_a_press_cannot_lead_somewhere_before_it_is_answered() -> None:
    with pytest.raises(IntegrityError, match="press_leads_somewhere_only_once_it_is_answered"):
        Press.objects.create(key="a", person=someone("Ada"), pressed_at=timezone.now(), location="/")


def test_a_press_cannot_be_answered_before_it_is_made() -> None:
    now = timezone.now()
    with pytest.raises(IntegrityError, match="press_is_not_answered_before_it_is_made"):
        Press.objects.create(key="a", person=someone("Ada"), pressed_at=now, answered_at=now - timedelta(seconds=1))


@pytest.mark.django_db(transaction=True)
def test_of_two_at_the_same_moment_one_is_carried_out() -> None:
    record, ada = supplier("V1", "Acme"), someone("Ada")
    clients = [client_of(ada) for _ in range(4)]
    form = proposed(record, clients[0])

    def send(client: Client) -> str:
        try:
            return str(client.post(address_of(record), form).headers["Location"])
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        places = set(pool.map(send, clients))
    assert len(places) == 1
    assert ChangeRequest.objects.count() == 1


def test_what_was_typed_after_the_session_ended_is_sent_after_signing_in() -> None:
    record = supplier("V1", "Acme")
    ada = someone("Ada")
    client = Client()
    client.post("/sign-in/", {"username": "ada", "password": "ada"})
    client.cookies.pop("sessionid")
    lost = client.post(address_of(record), proposed(record, reason="<b>seen</b> the letter"))
    assert lost.headers["Location"].startswith("/sign-in/")
    assert "What you typed is kept" in text_of(client.get("/sign-in/"))
    back = client.post("/sign-in/", {"username": "ada", "password": "ada"})
    assert back.headers["Location"] == "/sign-in/kept/"
    page = client.get("/sign-in/kept/").content.decode()
    assert "&lt;b&gt;seen&lt;/b&gt; the letter" in page
    assert f'action="{address_of(record)}" data-press' in page
    assert ChangeRequest.objects.count() == 0
    assert client.get("/sign-in/kept/").status_code == 302
    assert ada.pk


def test_nobody_else_gets_what_was_typed() -> None:
    record = supplier("V1", "Acme")
    someone("Ada")
    someone("Bea", DOMAIN_OWNER)
    client = Client()
    client.post("/sign-in/", {"username": "ada", "password": "ada"})
    client.cookies.pop("sessionid")
    client.post(address_of(record), proposed(record))
    client.post("/sign-in/", {"username": "bea", "password": "bea"})
    assert client.get("/sign-in/kept/").headers["Location"] == "/"


def test_a_fragment_is_told_that_the_session_ended_and_the_page_stays() -> None:
    supplier("V1", "Acme")
    answer = Client().get("/records/suppliers/", headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert "HX-Redirect" not in answer.headers


def test_the_dialog_signs_in_and_answers_with_a_fresh_token() -> None:
    someone("Ada")
    client = Client()
    assert "<dialog" in client.get("/sign-in/?again=1").content.decode()
    assert client.post("/sign-in/?again=1", {"username": "ada", "password": "no"}).status_code == 422
    answer = client.post("/sign-in/?again=1", {"username": "ada", "password": "ada"}).json()
    assert len(answer["token"]) == 64


def test_a_form_of_an_older_sign_in_shows_what_was_typed_and_sends_it() -> None:
    record = supplier("V1", "Acme")
    client = Client(enforce_csrf_checks=True)
    client.force_login(someone("Ada"))
    answer = client.post(address_of(record), proposed(record), headers={"Origin": "http://testserver"})
    assert answer.status_code == 403
    assert "nothing you typed is lost" in text_of(answer)
    assert "Acme Group" in answer.content.decode()
    foreign = client.post(address_of(record), proposed(record), headers={"Origin": "http://elsewhere"})
    assert "Acme Group" not in foreign.content.decode()
