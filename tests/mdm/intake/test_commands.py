"""Importing from the command line, and loading what feeds stand on."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from mdm.code_lists import load_code_lists
from mdm.errors import Invalid
from mdm.intake.sources import load_sources
from mdm.models import (
    STEWARDSHIP,
    Batch,
    ChangeEvent,
    CodeValue,
    ExtensionAttribute,
    Feed,
    GoldenRecord,
    SourceRecord,
    SourceSystem,
    SourceTrust,
)
from tests.mdm.intake.making import CENTERS, VENDORS, stored, text, without

pytestmark = pytest.mark.django_db

ONE = "V1,ACME INC,84-1368850,RENO,NV,89501,2026-03-01"


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out, stderr=StringIO())
    return out.getvalue()


def written(folder: Path, name: str, content: bytes) -> str:
    (folder / name).write_bytes(content)
    return str(folder / name)


def test_a_file_is_imported_matched_and_mastered(tmp_path: Path) -> None:
    stored(VENDORS)
    told = run("import_file", "--feed", "vendors", written(tmp_path, "vendors.csv", text(ONE)))
    assert told.splitlines()[1].split() == ["vendors", "vendors.csv", "read", "1", "1", "0", "0", "0"]
    assert GoldenRecord.objects.get().title == "ACME INC"
    assert ChangeEvent.objects.get().seq == 1


def test_matching_may_be_left_to_the_workers_and_a_repetition_is_told(tmp_path: Path) -> None:
    stored(VENDORS)
    file = written(tmp_path, "vendors.csv", text(ONE))
    run("import_file", "--feed", "vendors", file, "--no-match")
    assert not GoldenRecord.objects.exists()
    assert "repeated" in run("import_file", "--feed", "vendors", file, "--no-match")
    assert "nothing was read a second time" in run("import_file", "--feed", "vendors", file, "--no-match")
    again = run("import_file", "--feed", "vendors", file, "--no-match", "--again")
    assert again.splitlines()[1].split()[2:] == ["read", "1", "0", "0", "1", "0"]


@pytest.mark.parametrize(
    ("feed", "content", "word"),
    [("vendor", b"", "vendors"), ("vendors", b"", "empty"), ("vendors", None, "No such file")],
)
def test_what_cannot_be_imported_is_refused_in_words(
    tmp_path: Path, feed: str, content: bytes | None, word: str
) -> None:
    stored(VENDORS)
    file = written(tmp_path, "v.csv", content) if content is not None else str(tmp_path / "none.csv")
    out = StringIO()
    with pytest.raises(CommandError) as refused:
        call_command("import_file", "--feed", feed, file, stdout=out)
    assert word in str(refused.value) + out.getvalue()


def test_a_folder_goes_in_by_the_order_of_references(tmp_path: Path) -> None:
    stored(without(CENTERS, file={"pattern": "a_centers*"}))
    stored(VENDORS)
    written(tmp_path, "a_centers.csv", text("C1,100,A,,x,", header="ID,CODE,NAME,FACILITY,FROM,TO"))
    written(tmp_path, "vendors_2.csv", text(ONE))
    written(tmp_path, "notes.txt", b"not a feed's")
    told = run("import_folder", str(tmp_path))
    assert [line.split()[0] for line in told.splitlines() if "csv" in line] == ["vendors", "centers"]
    assert told.splitlines()[-1] == "1 rows wait in quarantine."
    assert list(Batch.objects.order_by("received_at").values_list("feed__code", flat=True)) == ["vendors", "centers"]


def test_a_folder_with_an_unreadable_file_imports_the_others_and_fails(tmp_path: Path) -> None:
    stored(VENDORS)
    written(tmp_path, "vendors_1.csv", b"")
    written(tmp_path, "vendors_2.csv", text(ONE))
    with pytest.raises(CommandError):
        run("import_folder", str(tmp_path))
    assert GoldenRecord.objects.count() == 1


def test_a_folder_without_known_files_is_refused(tmp_path: Path) -> None:
    stored(VENDORS)
    with pytest.raises(CommandError, match="no file that a feed names"):
        run("import_folder", str(tmp_path))


def test_code_lists_are_loaded_once() -> None:
    first = load_code_lists()
    assert load_code_lists() == first
    assert set(first) == {"units", "currencies", "countries", "subdivisions", "payment_terms"}
    assert CodeValue.objects.count() == sum(first.values())
    assert CodeValue.objects.get(code_set__code="currencies", code="USD").withdrawn is False
    assert CodeValue.objects.get(code_set__code="currencies", code="DEM").withdrawn is True
    assert CodeValue.objects.filter(code_set__code="units", code__in=["EA", "BX", "MLT"]).count() == 3
    assert "countries: 249 codes" in run("load_reference")


SOURCES = """
[[source]]
code = "erp"
name = "ERP"
trust = { supplier = 2 }
[[extension]]
domain = "item"
name = "list_price"
label = "List price"
kind = "decimal"
standardise = "decimal"
"""


def test_sources_are_loaded_with_trust_and_added_attributes(tmp_path: Path) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(SOURCES)
    load_sources(file)
    load_sources(file)
    system = SourceSystem.objects.get(code="erp")
    assert (system.name, system.history.count()) == ("ERP", 1)
    assert SourceTrust.objects.get(system=system).rank == 2
    assert ExtensionAttribute.objects.get().kind == "decimal"
    internal = SourceSystem.objects.get(code=STEWARDSHIP)
    assert (internal.internal, internal.trust.filter(rank=1).count()) == (True, 5)
    file.write_text(SOURCES.replace('"ERP"', '"ERP North"').replace("= 2", "= 3"))
    load_sources(file)
    system.refresh_from_db()
    assert (system.name, system.history.count(), system.trust.get().rank) == ("ERP North", 2, 3)


def test_sources_are_refused_with_all_reasons(tmp_path: Path) -> None:
    file = tmp_path / "sources.toml"
    file.write_text(
        '[[source]]\ncode = "stewardship"\nname = "x"\ntrust = { vendor = 0 }\n'
        '[[extension]]\ndomain = "item"\nname = "ndc"\nlabel = "N"\nkind = "reference"\nstandardise = "guess"\n'
    )
    with pytest.raises(Invalid) as refused:
        load_sources(file)
    assert len(refused.value.problems) == 6
    assert not SourceSystem.objects.filter(code="x").exists()


def test_feeds_are_loaded_from_a_folder(tmp_path: Path) -> None:
    (tmp_path / "feeds").mkdir()
    (tmp_path / "sources.toml").write_text(SOURCES)
    (tmp_path / "feeds" / "v.toml").write_text(
        'feed = "v"\nsource = "erp"\ndomain = "item"\n[key]\ncolumns = ["K"]\n[attributes]\ndescription = "D"\n'
        '[extension]\nlist_price = "P"\n'
    )
    words = ("load_feeds", str(tmp_path / "feeds"), "--sources", str(tmp_path / "sources.toml"))
    assert run(*words) == run(*words) == "v: version 1\n"
    (tmp_path / "feeds" / "v.toml").write_text("feed = 1")
    with pytest.raises(CommandError, match=r"v\.toml domain"):
        run(*words)
    assert Feed.objects.get().version == 1
    assert not SourceRecord.objects.exists()
