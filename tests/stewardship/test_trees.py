"""Drafting and deciding: nobody sees a draft, somebody else approves it, and what happened meanwhile is not lost."""

from datetime import date
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, IntegrityError, connection

from mdm.domains import BY_NAME
from mdm.errors import Invalid, MdmError, NotFound, Refused, WrongState
from mdm.hierarchies import Thought, Tree, find_tree
from mdm.hierarchies.edges import edges
from mdm.hierarchies.keeping import carry_out, make_hierarchy
from mdm.hierarchies.reading import nodes, size
from mdm.hierarchies.trees import kept
from mdm.models import GoldenRecord, HierarchyMove
from stewardship.models import ChangeRequest, DraftMove, DraftVerdict, TreeDraft
from stewardship.trees import deciding, drafting
from tests.factories import check_walls, hospital, supplier, why
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db
SPRING = date(2026, 3, 1)


def legal(*names: str) -> tuple[Tree, list[GoldenRecord]]:
    """A tree with these facilities on top."""
    here = make_hierarchy(domain=BY_NAME["facility"], name="Legal", kind="legal", by="Olga")
    records = [hospital(name, name) for name in names]
    moves = [Thought(record.pk, None) for record in records]
    carry_out(hierarchy_id=here.pk, moves=moves, day=SPRING, cause=why())
    here.refresh_from_db()
    return kept(here), records


def parent_of(tree: Tree, record: GoldenRecord) -> Any:
    return nodes(edges(tree), [record.pk])[record.pk].parent


def drafted(tree: Tree, user: User, record: GoldenRecord, parent: GoldenRecord | None) -> TreeDraft:
    draft = drafting.begin_draft(tree=tree, user=user)
    return drafting.move(draft_id=draft.pk, records=[record.pk], parent=parent.pk if parent else None, user=user)


def test_a_draft_changes_nothing_until_somebody_else_approves() -> None:
    tree, (group, site) = legal("Group", "Site")
    stella, olga = someone("Stella"), someone("Olga")
    draft = drafted(tree, stella, site, group)
    assert parent_of(tree, site) is None
    with pytest.raises(NotFound):
        drafting.move(draft_id=draft.pk, records=[group.pk], parent=site.pk, user=olga)
    with pytest.raises(WrongState):
        deciding.approve_draft(draft_id=draft.pk, revision=draft.revision, user=olga)
    sent = drafting.send(draft_id=draft.pk, reason="Bought in May", user=stella)
    with pytest.raises(Refused, match="yourself"):
        deciding.approve_draft(draft_id=draft.pk, revision=sent.revision, user=stella)
    with pytest.raises(Refused, match="has changed"):
        deciding.approve_draft(draft_id=draft.pk, revision=sent.revision + 1, user=olga)
    assert parent_of(tree, site) is None
    done = deciding.approve_draft(draft_id=draft.pk, revision=sent.revision, user=olga, words="Checked")
    check_walls()
    assert parent_of(tree, site) == group.pk
    said = HierarchyMove.objects.get(number=done.number, hierarchy=tree.hierarchy)
    assert (said.by, said.approved_by, said.reason) == ("Stella", "Olga", "Bought in May")
    with pytest.raises(WrongState):
        deciding.approve_draft(draft_id=draft.pk, revision=sent.revision, user=olga)


def test_a_circle_is_refused_at_once_and_in_words() -> None:
    tree, (group, site) = legal("Group", "Site")
    stella = someone("Stella")
    draft = drafted(tree, stella, site, group)
    with pytest.raises(Invalid) as refused:
        drafting.move(draft_id=draft.pk, records=[group.pk], parent=site.pk, user=stella)
    assert ("Group would stand below itself, through Site.") in [text for _, text in refused.value.problems]
    assert draft.moves.count() == 1


def test_a_branch_is_taken_out_whole_and_moves_are_taken_back() -> None:
    tree, (group, site, ward) = legal("Group", "Site", "Ward")
    stella = someone("Stella")
    drafted(tree, stella, site, group)
    draft = drafted(tree, stella, ward, site)
    drafting.take_out(draft_id=draft.pk, record=group.pk, user=stella)
    assert {(m.record_id, m.present) for m in draft.moves.all()} == {(r.pk, False) for r in (group, site, ward)}
    with pytest.raises(Invalid, match="does not leave a tree"):
        drafting.move(draft_id=draft.pk, records=[ward.pk], parent=group.pk, user=stella)
    drafting.take_back(draft_id=draft.pk, user=stella)
    assert draft.moves.count() == 0
    back = drafting.move(draft_id=draft.pk, records=[ward.pk], parent=None, user=stella)
    assert back.moves.count() == 0  # it stands there already


def test_what_was_approved_meanwhile_is_shown_and_not_overwritten() -> None:
    tree, (a, b, site) = legal("A", "B", "Site")
    stella, sam, olga = someone("Stella"), someone("Sam"), someone("Olga")
    mine, theirs = drafted(tree, stella, site, a), drafted(tree, sam, site, b)
    for draft, user in ((mine, stella), (theirs, sam)):
        drafting.send(draft_id=draft.pk, reason="Because", user=user)
    deciding.approve_draft(draft_id=theirs.pk, revision=theirs.revision, user=olga)
    with pytest.raises(Invalid) as refused:
        deciding.approve_draft(draft_id=mine.pk, revision=mine.revision, user=olga)
    assert refused.value.problems == (
        (str(site.pk), "Site stood on top when this was drafted; it now stands below B."),
    )
    deciding.send_back(draft_id=mine.pk, user=olga, words="Look again")
    drafting.renew_draft(draft_id=mine.pk, user=stella)
    again = drafting.send(draft_id=mine.pk, reason="Still so", user=stella)
    assert deciding.conflicts(again) == []
    deciding.approve_draft(draft_id=mine.pk, revision=again.revision, user=olga)
    assert parent_of(tree, site) == a.pk
    assert [v.verb for v in mine.verdicts.order_by("id")] == ["send", "send back", "send", "approve"]


def test_refusing_and_sending_back_need_words_and_withdrawing_is_for_the_author() -> None:
    tree, (group, site) = legal("Group", "Site")
    stella, olga = someone("Stella"), someone("Olga")
    draft = drafted(tree, stella, site, group)
    with pytest.raises(Invalid):
        drafting.send(draft_id=draft.pk, reason=" ", user=stella)
    drafting.send(draft_id=draft.pk, reason="Why not", user=stella)
    for verb in (deciding.refuse_draft, deciding.send_back):
        with pytest.raises(Invalid):
            verb(draft_id=draft.pk, user=olga, words=" ")
    with pytest.raises(Refused):
        drafting.withdraw_draft(draft_id=draft.pk, user=olga)
    deciding.refuse_draft(draft_id=draft.pk, user=olga, words="Not ours")
    with pytest.raises(WrongState):
        drafting.withdraw_draft(draft_id=draft.pk, user=stella)


def test_a_sent_back_draft_does_not_push_aside_another() -> None:
    tree, (group, site, ward) = legal("Group", "Site", "Ward")
    stella, olga = someone("Stella"), someone("Olga")
    first = drafted(tree, stella, site, group)
    drafting.send(draft_id=first.pk, reason="One", user=stella)
    drafted(tree, stella, ward, group)
    with pytest.raises(Refused, match="something else"):
        deciding.send_back(draft_id=first.pk, user=olga, words="Mend it")


def test_moves_in_a_tree_of_the_sources_become_change_requests() -> None:
    group, site = hospital("Group", "Group"), hospital("Site", "Site")
    tree, stella = find_tree("facilities", "parent"), someone("Stella")
    draft = drafted(tree, stella, site, group)
    with pytest.raises(Refused):
        drafting.take_out(draft_id=draft.pk, record=site.pk, user=stella)
    assert size(edges(tree)) == 0
    done = drafting.send(draft_id=draft.pk, reason="Bought in May", user=stella)
    (request,) = ChangeRequest.objects.all()
    assert (done.state, done.requests) == ("proposed", [str(request.pk)])
    assert (request.record_id, request.values) == (site.pk, {"parent": str(group.pk)})


def test_only_records_of_the_domain_are_placed() -> None:
    tree, (group,) = legal("Group")
    stella, acme = someone("Stella"), supplier("V1", "Acme")
    with pytest.raises(MdmError, match="cannot stand"):
        drafted(tree, stella, acme, group)


@pytest.mark.parametrize(
    ("wall", "change"),
    [
        ("tree_draft_state_is_known", {"state": "x", "decided_at": "2026-03-01T00:00Z"}),
        ("tree_draft_is_decided_exactly_when_it_is_over", {"state": "withdrawn"}),
        ("tree_draft_has_a_number_exactly_when_approved", {"number": 1}),
        ("tree_draft_of_the_sources_is_never_approved", {"state": "open", "hierarchy": None}),
    ],
)
def test_a_draft_that_cannot_be_is_refused(wall: str, change: dict[str, Any]) -> None:
    tree, (group, site) = legal("Group", "Site")
    draft = drafted(tree, someone("Stella"), site, group)
    if "decided_at" in change:
        change = {**change, "decided_by": someone("Olga")}
    with pytest.raises(IntegrityError, match=wall):
        TreeDraft.objects.filter(pk=draft.pk).update(**change)


def test_the_author_never_decides_and_drafts_once_per_tree() -> None:
    tree, (group, site) = legal("Group", "Site")
    stella = someone("Stella")
    drafted(tree, stella, site, group)
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match="tree_draft_is_not_decided_by_its_author"):
        cursor.execute(
            "UPDATE stewardship_treedraft SET state = 'refused', decided_at = now(), decided_by_id = drafted_by_id"
        )


def test_one_draft_per_person_and_tree() -> None:
    tree, (group, site) = legal("Group", "Site")
    stella = someone("Stella")
    drafted(tree, stella, site, group)
    with pytest.raises(IntegrityError, match="tree_draft_is_one_per_person_and_tree"):
        TreeDraft.objects.create(
            domain="facility", tree="legal", hierarchy=tree.hierarchy, day=SPRING, drafted_by=stella
        )


@pytest.mark.parametrize(
    ("wall", "change"),
    [
        ("draft_move_is_not_below_itself", "parent_id = record_id"),
        ("draft_move_that_removes_names_no_parent", "present = false"),
    ],
)
def test_a_draft_move_that_cannot_be_is_refused(wall: str, change: str) -> None:
    tree, (group, site) = legal("Group", "Site")
    drafted(tree, someone("Stella"), site, group)
    with connection.cursor() as cursor, pytest.raises(IntegrityError, match=wall):
        cursor.execute(f"UPDATE stewardship_draftmove SET {change}")  # noqa: S608


def test_one_move_per_record_and_verdicts_stay_written() -> None:
    tree, (group, site) = legal("Group", "Site")
    stella = someone("Stella")
    draft = drafted(tree, stella, site, group)
    drafting.send(draft_id=draft.pk, reason="So", user=stella)
    with pytest.raises(DatabaseError, match="append-only"):
        DraftVerdict.objects.update(words="x")


def test_a_record_has_one_move_in_a_draft() -> None:
    tree, (group, site) = legal("Group", "Site")
    draft = drafted(tree, someone("Stella"), site, group)
    with pytest.raises(IntegrityError, match="draft_move_is_one_per_record"):
        DraftMove.objects.create(draft=draft, record=site, was_present=True)


def test_a_verdict_that_cannot_be_is_refused() -> None:
    tree, (group, site) = legal("Group", "Site")
    stella = someone("Stella")
    draft = drafted(tree, stella, site, group)
    with pytest.raises(IntegrityError, match="draft_verdict_verb_is_known"):
        DraftVerdict.objects.create(draft=draft, verb="x", by=stella)
