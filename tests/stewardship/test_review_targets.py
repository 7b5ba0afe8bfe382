"""The impact box of a question names the ids of its members' own that targets know them by."""

import pytest
from django.urls import reverse
from django.utils import timezone

from publishing.models import Holding
from tests.publishing.making import webhook
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db


def hold(endpoint, record, local_id, version=1) -> None:
    Holding.objects.create(
        endpoint=endpoint, record=record, version=version, seq=1, local_id=local_id, acknowledged_at=timezone.now()
    )


def test_the_box_names_local_ids_and_versions_and_follows_the_winner() -> None:
    first, second = twins()
    hook = webhook("https://target.test/")
    hold(hook, first, "V-100")
    hold(hook, second, "V-200", version=3)
    waiting = question(first, second)
    client = client_of(someone("Stella"))
    page = client.get(f"/review/{waiting.pk}/")
    told = f"V-200 {second.code} version 3 is told to merge it into V-100 {first.code} version 1"
    assert told in text_of(page)
    assert reverse("publishing:endpoint", args=[hook.code]) in page.content.decode()
    turned = {"chosen": "yes", "winner": second.pk, "records": [first.pk, second.pk]}
    answer = text_of(client.post(f"/review/{waiting.pk}/preview/", turned, headers={"HX-Request": "true"}))
    assert f"V-100 {first.code} version 1 is told to merge it into V-200" in answer
    assert told not in answer


def test_members_merged_beside_the_first_record_are_named_too() -> None:
    members = twins(4)
    hook = webhook("https://target.test/")
    for number, record in enumerate(members):
        hold(hook, record, f"V-{number}")
    waiting = question(*members)
    chosen = {"chosen": "yes", "winner": members[0].pk, "records": [members[0].pk, members[1].pk]}
    chosen |= {f"group-{members[2].pk}": "B", f"group-{members[3].pk}": "B"}
    answer = text_of(client_of(someone("Stella")).post(f"/review/{waiting.pk}/preview/", chosen))
    assert f"V-1 {members[1].code} version 1 is told to merge it into V-0" in answer
    assert f"V-3 {members[3].code} version 1 is told to merge it into V-2" in answer
    assert f"V-2 {members[2].code} version 1 is told" not in answer


def test_nobody_holds_them_and_nothing_is_said() -> None:
    waiting = question(*twins())
    assert "Known at" not in text_of(client_of(someone("Stella")).get(f"/review/{waiting.pk}/"))


def test_an_id_from_outside_is_shown_as_text() -> None:
    first, second = twins()
    hold(webhook("https://target.test/"), second, "<b>V</b>")
    page = client_of(someone("Stella")).get(f"/review/{question(first, second).pk}/").content.decode()
    assert "&lt;b&gt;V&lt;/b&gt;" in page
    assert "<b>V</b>" not in page
