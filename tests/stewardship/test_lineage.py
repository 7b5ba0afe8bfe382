"""The lines of a record's source records: joined, parted, and where they stood in between."""

import pytest

from mdm.mastering import merge, split, unmerge
from stewardship.lineage import LEFT, MOST_LANES, lineage_of
from tests.factories import golden, linked, reload, source, supplier, why
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db


def test_lines_join_at_a_merge_part_at_an_unmerge_and_are_told_in_words() -> None:
    first, second = supplier("V1", "Acme"), supplier("V2", "Acme Europe")
    (merged,) = merge(winner_id=first.pk, loser_ids=[second.pk], expected={}, cause=why("the same"))
    unmerge(merge_ids=[merged], cause=why("not the same"))
    drawn = lineage_of(reload(first.pk))
    own, guest = drawn.lanes
    assert [point.version for point in drawn.points] == [1, 2, 3]
    assert (len(own.paths), len(guest.paths)) == (1, 2)
    assert [code for _, _, code in guest.elsewhere] == [second.code, second.code]
    assert [text for _, text in guest.words] == [
        f"stood in {second.code}",
        f"joined: came with {second.code}, merged by Stella Steward",
        "parted, by Stella Steward: not the same",
        f"stood in {second.code}",
    ]
    joins, parts = (int(path.split()[index].lstrip("M")) for path, index in zip(guest.paths, (-2, 0), strict=True))
    assert LEFT < joins < parts


def test_a_point_leads_to_the_record_as_it_was_with_what_it_changed() -> None:
    record = golden(source("erp", "supplier", "V1", name="Acme"), source("ap", "supplier", "7", phone="+17755550100"))
    split(groups=[(linked(record)[1].pk,)], cause=why())
    stella = client_of(someone("Stella"))
    page = stella.get(f"/records/suppliers/{record.code}/history/")
    assert 'aria-label="Version 2, ' in page.content.decode()
    then = stella.get(f"/records/suppliers/{record.code}/as-it-was/?version=2")
    assert [(row["label"], row["mark"]) for row in then.context["rows"]] == [("Name", ""), ("Phone", "removed")]
    assert "removed here" in text_of(then)


def test_many_source_records_are_counted_and_hostile_names_are_text() -> None:
    rows = [source("erp", "supplier", f"<b>V{n}</b>" + "x" * 200, name="Acme") for n in range(MOST_LANES + 3)]
    record = golden(*rows)
    page = client_of(someone("Stella")).get(f"/records/suppliers/{record.code}/history/")
    assert (len(page.context["lineage"].lanes), page.context["lineage"].more_lanes) == (MOST_LANES, 3)
    assert "<b>V" not in page.content.decode()
