"""Feeds: usable or refused with every reason, stored in versions, found by file name."""

from pathlib import Path
from typing import Any

import pytest

from mdm.errors import Invalid, NotFound
from mdm.intake.compiling import compile_feed
from mdm.intake.feeds import feeds_for, find_feed, load_folder, plan_of
from mdm.intake.surroundings import Surroundings
from mdm.models import ExtensionAttribute, Feed
from tests.mdm.intake.making import CENTERS, VENDORS, stored, without
from tests.mdm.making import system

AROUND = Surroundings(systems=frozenset({"erp"}))


def reasons(document: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        compile_feed(document, AROUND)
    return dict(refused.value.problems)


def test_a_feed_is_refused_with_all_its_reasons_at_once() -> None:
    found = reasons(
        {
            "feed": "x",
            "source": "epr",
            "domain": "supplier",
            "colour": "red",
            "dialect": {"format": "pdf"},
            "values": {"decimal": ";"},
            "key": {},
            "attributes": {"nmae": "NAME", "tax_id": {"column": "T", "standardise": "tax"}, "phone": {}},
            "parts": {"adresses": [{}], "names": [{"kind": {"constant": "nick"}, "name": "N"}]},
        }
    )
    assert set(found) == {
        "source",
        "colour",
        "dialect.format",
        "values.decimal",
        "key.columns",
        "attributes.nmae",
        "attributes.tax_id.standardise",
        "attributes.phone",
        "parts.adresses",
        "parts.names[1].kind.constant",
    }
    assert found["source"] == 'There is no source system "epr". Did you mean "erp"?'
    assert 'Did you mean "name"?' in found["attributes.nmae"]
    assert "nick" in found["parts.names[1].kind.constant"]


def test_an_unknown_domain_is_named_with_the_known_ones() -> None:
    assert "supplier" in reasons(without(VENDORS, domain="vendor"))["domain"]


def test_rows_of_a_part_need_the_key_of_their_parent() -> None:
    lines = {
        "feed": "lines", "source": "erp", "domain": "contract", "part": "lines",
        "key": {"columns": ["ID"]}, "attributes": {"number": "ID"},
    }  # fmt: skip
    assert "key.parent" in reasons(lines)
    plan = compile_feed({**lines, "key": {"columns": ["ID"], "parent": ["NO"]}}, AROUND)
    assert (plan.part, plan.key.parent, plan.columns) == ("lines", ("NO",), ("ID", "NO"))


def test_only_attributes_that_refer_take_by_and_source() -> None:
    document = without(VENDORS, attributes={"name": {"column": "NAME", "by": "name"}})
    assert "refers to no other record" in reasons(document)["attributes.name"]
    document = without(CENTERS, attributes={"code": "C", "facility": {"column": "F", "by": "colour", "source": "gl"}})
    assert set(reasons(document)) == {"attributes.facility.by", "attributes.facility.source"}


def test_a_part_row_of_constants_alone_is_refused() -> None:
    document = without(VENDORS, parts={"addresses": [{"role": {"constant": "order"}}]})
    assert "from a column" in reasons(document)["parts.addresses[1]"]


@pytest.mark.django_db
def test_a_change_is_a_version_and_the_same_document_is_none() -> None:
    feed = stored(VENDORS)
    assert stored(VENDORS).version == feed.version == 1
    changed = stored(without(VENDORS, values={"blanks": ["NIL"]}))
    assert (changed.pk, changed.version) == (feed.pk, 2)
    assert list(changed.history.order_by("history_id").values_list("version", flat=True)) == [1, 2]
    assert plan_of(changed).style.blanks == ("NIL",)
    assert plan_of(changed, 1).style.blanks == ("N/A",)


@pytest.mark.django_db
def test_a_refused_change_leaves_the_feed_as_it_was() -> None:
    feed = stored(VENDORS)
    with pytest.raises(Invalid):
        stored(without(VENDORS, "key"))
    feed.refresh_from_db()
    assert (feed.version, feed.definition) == (1, VENDORS)


@pytest.mark.django_db
def test_an_added_attribute_may_be_filled_once_it_is_there() -> None:
    document = without(VENDORS, extension={"segment": "NAME"})
    with pytest.raises(Invalid) as refused:
        stored(document)
    assert refused.value.problems[0][0] == "extension.segment"
    ExtensionAttribute.objects.create(domain="supplier", name="segment", label="Segment")
    assert [cell.attribute for cell in plan_of(stored(document)).cells][-1] == "ext.segment"


@pytest.mark.django_db
def test_files_are_named_by_patterns_in_the_order_of_references() -> None:
    stored(without(CENTERS, file={"pattern": "*.csv"}))
    stored(VENDORS)
    assert [feed.code for feed in feeds_for("vendors_2026.csv")] == ["vendors", "centers"]
    assert [feed.code for feed in feeds_for("vendors.xlsx")] == ["vendors"]
    assert feeds_for("other.txt") == []


@pytest.mark.django_db
def test_a_feed_is_found_by_code_or_the_known_ones_are_named() -> None:
    stored(VENDORS)
    assert find_feed("vendors").code == "vendors"
    with pytest.raises(NotFound) as missing:
        find_feed("vendor")
    assert "vendors" in missing.value.way_out


@pytest.mark.django_db
def test_a_folder_is_loaded_all_or_none(tmp_path: Path) -> None:
    system("erp")
    good = 'feed = "good"\nsource = "erp"\ndomain = "item"\n[key]\ncolumns = ["K"]\n[attributes]\ndescription = "D"\n'
    (tmp_path / "a.toml").write_text(good)
    (tmp_path / "b.toml").write_text(good.replace('"item"', '"thing"'))
    (tmp_path / "c.toml").write_text("feed = \n")
    with pytest.raises(Invalid) as refused:
        load_folder(folder=tmp_path, by="test")
    assert [place for place, _message in refused.value.problems] == ["b.toml domain", "c.toml"]
    assert not Feed.objects.exists()
    (tmp_path / "b.toml").unlink()
    (tmp_path / "c.toml").unlink()
    assert [feed.code for feed in load_folder(folder=tmp_path, by="test")] == ["good"]
    with pytest.raises(NotFound):
        load_folder(folder=tmp_path / "none", by="test")
