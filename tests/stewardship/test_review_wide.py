"""A group of more records than fit side by side: the rest travels along, and more come at a wish."""

import re
from html import unescape

import pytest

from mdm.models import Merge
from stewardship.choosing import COLUMNS
from tests.stewardship.pages import client_of
from tests.stewardship.questions import question, someone, twins, versions_of

pytestmark = pytest.mark.django_db
MORE = 5
FIELD = re.compile(r'<input type="(hidden|checkbox|radio)" name="([^"]+)" value="([^"]*)"([^>]*)>')


def sent(page: str) -> dict[str, list[str]]:
    """What the form of the page sends as it stands."""
    form: dict[str, list[str]] = {}
    for kind, name, value, rest in FIELD.findall(page):
        if (kind == "hidden" or "checked" in rest) and name not in ("csrfmiddlewaretoken", "once"):
            form.setdefault(name, []).append(unescape(value))
    return form


def columns_of(page: str) -> int:
    return page.count('name="winner"')


def test_the_rest_is_merged_although_it_is_not_drawn_and_more_is_shown_at_a_wish() -> None:
    records = twins(COLUMNS + MORE)
    waiting, stella = question(*records), client_of(someone("Stella"))
    page = stella.get(f"/review/{waiting.pk}/").content.decode()
    assert columns_of(page) == COLUMNS
    assert f"{COLUMNS} of {COLUMNS + MORE} records" in page
    form = sent(page)
    assert len(form["records"]) == COLUMNS + MORE
    left = form["records"].pop()  # ticked out before more is asked for
    wide = stella.post(f"/review/{waiting.pk}/wider/", form | {"columns": ["60", "65"]}).content.decode()
    assert columns_of(wide) == COLUMNS + MORE
    assert "Show 65 of 65" not in wide
    assert sent(wide)["columns"] == ["65"]
    assert left not in sent(wide)["records"]
    body = stella.post(f"/review/{waiting.pk}/preview/", sent(wide), headers={"HX-Request": "true"}).content.decode()
    assert body.count('name="take-phone"') == COLUMNS + MORE
    stella.post(f"/review/{waiting.pk}/merge/", form)
    assert Merge.objects.count() == COLUMNS + MORE - 2
    assert left not in {str(pk) for pk in Merge.objects.values_list("loser_id", flat=True)}


def test_the_winner_and_whoever_gives_a_value_are_drawn_wherever_they_stand() -> None:
    records = twins(COLUMNS + MORE)
    waiting, stella = question(*records), client_of(someone("Stella"))
    drawn = stella.get(f"/review/{waiting.pk}/").content.decode()
    far = [one for one in records if f'name="winner" value="{one.pk}"' not in drawn]
    assert len(far) == MORE
    shown = [f"{pk}:{version}" for pk, version in versions_of(*records).items()]
    form = {"chosen": "yes", "winner": far[1].pk, "take-phone": far[2].pk, "shown": shown,
            "records": [one.pk for one in records]}  # fmt: skip
    page = stella.post(f"/review/{waiting.pk}/wider/", form | {"columns": "x"}).content.decode()
    assert columns_of(page) == COLUMNS + 2
    assert re.search(f'name="winner" value="{far[1].pk}"[^>]*checked', page)
    assert f'name="take-phone" value="{far[2].pk}"' in page


def test_whoever_only_reads_follows_a_link() -> None:
    waiting = question(*twins(COLUMNS + MORE))
    vera = client_of(someone("Vera", "viewer"))
    assert (
        f'href="/review/{waiting.pk}/?columns={COLUMNS + MORE}"' in vera.get(f"/review/{waiting.pk}/").content.decode()
    )
    page = vera.get(f"/review/{waiting.pk}/?columns={COLUMNS + MORE}").content.decode()
    assert page.count("compare__name") == COLUMNS + MORE
    assert vera.post(f"/review/{waiting.pk}/wider/", {"columns": "65"}).status_code == 403
