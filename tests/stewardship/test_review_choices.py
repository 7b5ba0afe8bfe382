"""Choosing value by value on the review page: what is posted is what is previewed and what survives."""

import pytest

from mdm.models import Merge
from tests.factories import reload, supplier
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def form(winner, *ticked, shown=(), **more):
    records = [reload(record.pk) for record in (*ticked, *shown)]
    return {
        "chosen": "yes",
        "winner": str(winner.pk),
        "records": [str(record.pk) for record in ticked],
        "shown": [f"{record.pk}:{record.version}" for record in records],
    } | more


def test_the_preview_shows_what_was_taken_and_typed_and_writes_nothing() -> None:
    first, second = twins()
    waiting, client = question(first, second), client_of(someone("Stella"))
    asked = form(first, first, second, **{"take-phone": str(second.pk), "type-name": "Acme <b>Inc</b>"})
    answer = client.post(f"/review/{waiting.pk}/preview/", asked, headers=HTMX)
    page = answer.content.decode()
    assert "Acme &lt;b&gt;Inc&lt;/b&gt;" in page
    assert "you, with this merge" in text_of(answer)
    assert f'value="{second.pk}" form="decision" id="take-phone-2"' in page
    assert not Merge.objects.exists()


def test_what_does_not_fit_is_said_at_its_field_and_kept() -> None:
    first, second = twins()
    waiting, client = question(first, second), client_of(someone("Stella"))
    asked = form(first, first, second, **{"type-name": "x" * 10_000, "type-tax_id": "nonsense"})
    page = client.post(f"/review/{waiting.pk}/preview/", asked, headers=HTMX).content.decode()
    assert "holds at most" in page
    assert "x" * 10_000 in page
    assert page.count('aria-invalid="true"') >= 1


def test_a_typed_value_without_a_reason_brings_the_page_back_with_everything_chosen() -> None:
    first, second = twins()
    waiting, client = question(first, second), client_of(someone("Stella"))
    asked = form(first, first, second, **{"type-name": "Acme Medical Inc", "take-phone": str(second.pk)})
    answer = client.post(f"/review/{waiting.pk}/merge/", asked, headers=HTMX)
    assert answer.status_code == 422
    assert "say where you have it from" in text_of(answer)
    assert 'value="Acme Medical Inc"' in answer.content.decode()
    assert not Merge.objects.exists()
    done = client.post(f"/review/{waiting.pk}/merge/", asked | {"reason": "letterhead"}, headers=HTMX)
    assert done.status_code == 200
    assert reload(first.pk).title == "Acme Medical Inc"


def test_letters_make_several_records_and_say_so_before() -> None:
    a, b, c, d = twins(4)
    waiting, client = question(a, b, c, d), client_of(someone("Stella"))
    asked = form(a, a, b, shown=(c, d), **{f"group-{c.pk}": "B", f"group-{d.pk}": "B"})
    answer = client.post(f"/review/{waiting.pk}/preview/", asked, headers=HTMX)
    assert "These become 2 records, saved together" in text_of(answer)
    assert "Save 2 records" in text_of(answer)
    client.post(f"/review/{waiting.pk}/merge/", asked, headers=HTMX)
    assert {reload(b.pk).merged_into_id, reload(d.pk).merged_into_id} == {a.pk, c.pk}


def test_a_record_is_added_by_its_code_and_an_unknown_one_is_refused_in_words() -> None:
    first, second = twins()
    found = supplier("X", "Somebody Else", system_code="crm")
    waiting, client = question(first, second), client_of(someone("Stella"))
    asked = form(first, first, second)
    page = client.post(f"/review/{waiting.pk}/add/", asked | {"add": found.code}, headers=HTMX).content.decode()
    assert "added by hand" in page
    assert f'name="with" value="{found.pk}"' in page
    answer = client.post(f"/review/{waiting.pk}/add/", asked | {"add": "SUP-9999999"}, headers=HTMX)
    assert "Nothing was decided yet" in text_of(answer)
    done = form(first, first, second, found, **{"with": str(found.pk)})
    client.post(f"/review/{waiting.pk}/merge/", done, headers=HTMX)
    assert reload(found.pk).merged_into_id == first.pk
