"""Everybody with a role sees publishing; stewards, domain owners and administrators act, and nobody else."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from publishing.models import Delivery, Endpoint
from tests.publishing.making import Answer, Target, pass_time, rename, rest, run, states, suppliers, webhook

pytestmark = pytest.mark.django_db


def signed_in(role: str) -> Client:
    user = User.objects.create_user(username=f"{role or 'nobody'}@example.org", first_name="Vera", last_name="Voss")
    if role:
        user.groups.add(Group.objects.get_or_create(name=role)[0])
    client = Client()
    client.force_login(user)
    return client


def test_the_list_shows_state_backlog_and_last_success(target: Target) -> None:
    suppliers(3)
    run(webhook(target.url))
    rest(target.url)
    page = signed_in("viewer").get("/publishing/").content.decode()
    assert "Hook" in page
    assert "Push" in page
    assert "just now" in page


def test_the_page_of_an_endpoint_shows_what_was_refused_and_why(target: Target) -> None:
    [record] = suppliers(1)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = Answer(422, body=b'{"detail": "<b>the tax id</b> is missing"}')
    run(endpoint)
    steward = signed_in("steward")
    overview = steward.get("/publishing/hook/").content.decode()
    assert "Parked, by reason" in overview
    assert "Mend the value the target names" in overview
    assert overview.count("Content rejected") == 2
    page = steward.get("/publishing/hook/parked/").content.decode()
    assert "&lt;b&gt;the tax id&lt;/b&gt; is missing" in page
    assert record.title in page
    assert "Release" in page
    delivery = Delivery.objects.get()
    shown = signed_in("auditor").get(f"/publishing/deliveries/{delivery.pk}/").content.decode()
    assert "HTTP 422" in shown
    assert "Content rejected" in shown
    assert "Rejected validation" not in overview + shown
    assert "webhook-signature" in shown
    assert "Send again" not in shown
    assert 'data-opens="release"' not in shown


def test_the_work_queue_hears_of_parked_records(target: Target) -> None:
    endpoint = webhook(target.url, retry_seconds=())
    steward = signed_in("steward")
    assert "Hook: " not in steward.get("/?kind=parked").content.decode()
    suppliers(2)
    target.answer = Answer(422, body=b'{"detail": "no tax id"}')
    run(endpoint)
    assert steward.get("/?kind=parked").content.decode().count("Hook: ") == 2


def test_a_record_says_where_it_is_now(target: Target) -> None:
    [record] = suppliers(1)
    run(rest(target.url))
    webhook("http://127.0.0.1:8999/", code="other", domains=("facility",))
    page = signed_in("viewer").get(f"/publishing/records/{record.pk}/").content.decode()
    assert "Push" in page
    assert "V-1" in page
    assert "Hook" not in page


def test_stewards_pause_and_resume(target: Target) -> None:
    webhook(target.url)
    client = signed_in("steward")
    client.post("/publishing/hook/pause/", {"reason": "month end"})
    endpoint = Endpoint.objects.get()
    assert (endpoint.state, endpoint.state_reason) == ("paused", "month end")
    assert endpoint.interventions.get(verb="pause").by == "Vera Voss"
    assert endpoint.history.first().history_user.first_name == "Vera"
    client.post("/publishing/hook/resume/")
    endpoint.refresh_from_db()
    assert endpoint.state == "active"
    assert client.post("/publishing/hook/resume/").status_code == 409


def test_stewards_release_and_send_again(target: Target) -> None:
    suppliers(1)
    endpoint = webhook(target.url, retry_seconds=())
    target.answer = Answer(422)
    run(endpoint)
    client = signed_in("domain owner")
    parked = Delivery.objects.get()
    client.post("/publishing/dead-letters/release/", {"delivery": parked.pk, "reason": "mended there"})
    assert endpoint.interventions.get(verb="release").reason == "mended there"
    target.answer = Answer()
    assert run(endpoint).delivered == 1
    client.post(f"/publishing/deliveries/{Delivery.objects.get().pk}/resend/")
    assert run(endpoint).delivered == 1
    assert len(target.calls) == 3


def test_a_new_secret_is_shown_once_and_not_kept_by_the_browser(target: Target) -> None:
    webhook(target.url)
    client = signed_in("administrator")
    answer = client.post("/publishing/hook/rotate-secret/")
    assert "whsec_" in answer.content.decode()
    assert answer.headers["Cache-Control"] == "no-store"
    assert "whsec_" not in client.get("/publishing/hook/").content.decode()


@pytest.mark.parametrize("role", ["viewer", "auditor", "", "signed out"])
@pytest.mark.parametrize(
    "path",
    [
        "hook/pause/",
        "hook/disable/",
        "hook/try-now/",
        "hook/verify/",
        "hook/rotate-secret/",
        "hook/resume/",
        "dead-letters/release/",
        "dead-letters/skip/",
        "deliveries/{pk}/resend/",
    ],
)
def test_others_change_nothing(target: Target, role: str, path: str) -> None:
    suppliers(1)
    endpoint = webhook(target.url)
    run(endpoint)
    client = Client() if role == "signed out" else signed_in(role)
    before = endpoint.interventions.count()
    answer = client.post("/publishing/" + path.format(pk=Delivery.objects.get().pk))
    assert answer.status_code == (302 if role == "signed out" else 403)
    endpoint.refresh_from_db()
    assert endpoint.state == "active"
    assert endpoint.interventions.count() == before
    assert len(target.calls) == 1


@pytest.mark.parametrize("path", ["", "hook/", "records/{record}/", "deliveries/{pk}/"])
def test_outsiders_see_nothing(target: Target, path: str) -> None:
    [record] = suppliers(1)
    run(webhook(target.url))
    address = "/publishing/" + path.format(record=record.pk, pk=Delivery.objects.get().pk)
    assert Client().get(address).status_code == 302
    assert signed_in("").get(address).status_code == 403
    assert record.title not in Client().get(address).content.decode()


def test_work_nobody_takes_is_said_and_what_a_parked_version_holds_back_is_not(target: Target, clock: None) -> None:
    [record] = suppliers(1)
    endpoint = webhook(target.url, retry_seconds=())
    client = signed_in("viewer")
    pass_time(60)
    assert "Nobody carries what is waiting" in client.get("/publishing/").content.decode()
    target.answer = Answer(422)
    run(endpoint)
    rename(record, "Second Ltd")
    run(endpoint)
    pass_time(600)
    assert states(endpoint) == ["parked", "waiting"]
    assert "Nobody carries what is waiting" not in client.get("/publishing/").content.decode()
