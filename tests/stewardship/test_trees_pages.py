"""Pages of hierarchies: what a person sees, and what they may not do."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mdm.models import GoldenRecord, Hierarchy, HierarchyMove
from mdm.people import AUDITOR, DOMAIN_OWNER, VIEWER
from stewardship.models import DraftMove, TreeDraft
from tests.factories import hospital
from tests.mdm.test_hierarchies import SPRING, hierarchy, move, part_of, places
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db
LEGAL = "/hierarchies/facilities/legal/"


def legal(*names: str) -> list[GoldenRecord]:
    """A tree whose first record has the others below it."""
    here, made = hierarchy(), places(*names)
    move(here, (made[0], None), *((one, made[0]) for one in made[1:]))
    return made


def test_a_domain_owner_makes_a_copy_that_waits_as_a_draft() -> None:
    hospital("G", "Group")
    part_of("S", "Site", "G")
    olga = client_of(someone("Olga", DOMAIN_OWNER))
    answer = olga.post("/hierarchies/new/", {
        "name": "Reporting 2027", "domain": "facilities", "kind": "reporting", "copy": "facilities/parent",
    })  # fmt: skip
    assert answer["Location"] == "/hierarchies/facilities/reporting-2027/"
    assert DraftMove.objects.count() == 2
    shown = text_of(olga.get(answer["Location"]))
    assert "2 moves in your draft" in shown
    assert "Group" in shown
    again = olga.post("/hierarchies/new/", {"name": "Reporting 2027", "domain": "facilities", "kind": "x"})
    assert again.status_code == 422
    assert "already" in text_of(again)
    assert "Choose what it is kept for." in text_of(again)
    assert client_of(someone("Stella")).post("/hierarchies/new/", {"name": "X"}).status_code == 403
    assert Hierarchy.objects.count() == 1


def test_nobody_but_its_author_sees_a_draft_before_it_is_sent() -> None:
    _group, site, other = legal("Group", "Site", "Other")
    stella, sam = client_of(someone("Stella")), client_of(someone("Sam"))
    stella.post(f"{LEGAL}move/", {"records": site.code, "to": "other"})
    draft = TreeDraft.objects.get()
    assert "1 move in your draft" in text_of(stella.get(LEGAL))
    assert "draft" not in text_of(sam.get(LEGAL))
    page = f"/hierarchies/drafts/{draft.pk}/"
    assert (stella.get(page).status_code, sam.get(page).status_code) == (200, 404)
    stella.post(f"{page}send/", {"reason": "Bought"})
    assert "Bought" in text_of(sam.get(LEGAL))
    shown = text_of(sam.get(page))
    assert "No check turns out otherwise" in shown
    assert "Consumers read its moves through the API" in shown
    sam.post(f"{page}approve/", {"revision": "0", "reason": ""})
    assert HierarchyMove.objects.filter(number=2).count() == 0  # another draft than the one that stands there
    sam.post(f"{page}approve/", {"revision": str(TreeDraft.objects.get().revision), "reason": ""})
    assert HierarchyMove.objects.get(number=2).parent == other


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        ({"records": "{site}", "to": "nowhere to be found"}, "No record of this tree bears"),
        ({"records": "{site}", "to": ""}, "Where to?"),
        ({"records": "", "to": "top"}, "Nothing was chosen"),
        ({"records": "FAC-9999999", "to": "top"}, "There is no golden record"),
        ({"records": "{group}", "to": "{site}"}, "would stand below itself"),
        ({"records": "{site}", "to": "<b>" * 4000}, "No record of this tree bears"),
        ({"records": "{site}", "to": "twin"}, "Several records bear"),
    ],
)
def test_a_move_that_cannot_be_is_said_in_words(posted: dict[str, str], words: str) -> None:
    group, site, *_ = legal("Group", "Site", "Twin 1", "Twin 2")
    stella = client_of(someone("Stella"))
    given = {name: text.format(group=group.code, site=site.code) for name, text in posted.items()}
    answer = stella.post(f"{LEGAL}move/", given, follow=True)
    assert answer.status_code in (200, 404)
    assert words in text_of(answer)
    assert DraftMove.objects.count() == 0


def test_another_day_is_shown_and_not_moved_on() -> None:
    _group, site = legal("Group", "Site")
    stella = client_of(someone("Stella"))
    shown = text_of(stella.get(f"{LEGAL}?at={site.code}&on={SPRING - timedelta(days=1)}"))
    assert "does not stand in this tree on that day" in shown
    then = stella.get(f"{LEGAL}?at={site.code}&on={SPRING}")
    assert "Move it, with its branch" not in text_of(then)
    assert "as at 1 Mar 2026" in text_of(then)
    assert stella.get(f"{LEGAL}?on=soon").status_code == 422


def test_a_draft_takes_effect_on_the_day_that_is_set() -> None:
    _group, site = legal("Group", "Site")
    stella = client_of(someone("Stella"))
    stella.post(f"{LEGAL}move/", {"records": site.code, "to": "top"})
    draft = TreeDraft.objects.get()
    stella.post(f"/hierarchies/drafts/{draft.pk}/day/", {"day": "2027-01-01"})
    assert "takes effect on 1 Jan 2027" in text_of(stella.get(f"/hierarchies/drafts/{draft.pk}/"))
    stella.post(f"/hierarchies/drafts/{draft.pk}/day/", {"day": "never"})
    assert TreeDraft.objects.get().day == date(2027, 1, 1)
    stella.post(f"/hierarchies/drafts/{draft.pk}/take-back/", {"record": site.code})
    assert DraftMove.objects.count() == 0


def test_moves_in_the_tree_of_the_sources_are_proposed() -> None:
    group, site = hospital("G", "Group"), hospital("S", "Site")
    stella = client_of(someone("Stella"))
    stella.post("/hierarchies/facilities/parent/move/", {"records": site.code, "to": group.code})
    draft = TreeDraft.objects.get()
    page = f"/hierarchies/drafts/{draft.pk}/"
    assert "/publishing/records/sides/" in stella.get(page).content.decode()
    stella.post(f"{page}send/", {"reason": "Bought"})
    assert "The change requests it became" in text_of(stella.get(page))


def test_roles_and_outsiders() -> None:
    _group, site = legal("Group", "Site")
    ann, vera = client_of(someone("Ann", AUDITOR)), client_of(someone("Vera", VIEWER))
    assert outsider().get(LEGAL).status_code == 403
    assert "Move it, with its branch" not in text_of(ann.get(f"{LEGAL}?at={site.code}"))
    assert "Move it, with its branch" in text_of(vera.get(f"{LEGAL}?at={site.code}"))
    assert ann.post(f"{LEGAL}move/", {"records": site.code, "to": "top"}).status_code == 403
    assert TreeDraft.objects.count() == 0


def queries_of(client: Any, address: str) -> int:
    with CaptureQueriesContext(connection) as caught:
        assert client.get(address).status_code == 200
    return len(caught)


def test_a_tree_costs_the_same_however_many_stand_in_it() -> None:
    group, site = legal("Group", "Site")
    stella = client_of(someone("Stella"))
    stella.get(LEGAL)
    small = queries_of(stella, f"{LEGAL}?at={site.code}")
    move(
        Hierarchy.objects.get(),
        *((one, group) for one in places(*(f"More {n}" for n in range(12)))),
        day=timezone.now().date(),
    )
    assert queries_of(stella, f"{LEGAL}?at={site.code}") == small
