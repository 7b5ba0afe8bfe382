"""Cleaning a column, and a quarantine mended by file."""

from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from matching import spellings
from mdm.errors import Invalid
from mdm.intake import cleaning
from mdm.intake.batches import read
from mdm.models import Batch, Feed, RowState, SourceRecord, SourceRow
from mdm.people import DOMAIN_OWNER
from mdm.standardise.translations import Translations, fingerprint
from tests.stewardship import sending
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db

NAMES = sending.HEAD + "".join(
    f"V{n},{name},,\n"
    for n, name in enumerate(
        ["Acme Medical", "Acme Medical", "ACME  MEDICAL", "Acme Medicel", "Bolton 200", "Bolton 201"]
    )
)


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    sending.in_folder(settings, tmp_path)


@pytest.fixture
def dora() -> Client:
    return client_of(someone("Dora Owner", DOMAIN_OWNER))


def test_spellings_are_grouped_by_sign_and_by_letter_but_not_across_numbers() -> None:
    counts = {
        "Acme Medical": 9,
        "ACME  MEDICAL": 2,
        "Medical, Acme": 1,
        "Acme Medicel": 1,
        "Bolton 200": 3,
        "Bolton 201": 2,
    }
    [found] = spellings.group(counts)
    assert (found.target, found.rows, len(found.texts)) == ("Acme Medical", 13, 4)
    assert spellings.group({"EA": 5, "CA": 4, "": 1, "--": 3}) == []


def test_three_thousand_different_texts_are_grouped() -> None:
    counts = {
        f"Supplier {chr(97 + n % 26) * 3}{chr(97 + n // 26 % 26) * 3}{chr(97 + n // 676) * 2}": 1 for n in range(3000)
    }
    assert (
        spellings.group({**counts, "Zwolle Orthopaedics": 5, "Zwolle Orthopedics": 2})[0].target
        == "Zwolle Orthopaedics"
    )


def test_a_fingerprint_is_blind_to_case_accents_signs_and_order() -> None:
    assert fingerprint("Müller, Söhne & Co.") == fingerprint("co MULLER sohne")
    rules = Translations({"Acme Inc": "Acme"}, alike=True)
    assert [rules.find(text) for text in ("Acme Inc", "acme inc", "ACME, INC.", "Acme")] == ["Acme"] * 4
    assert Translations({"Acme Inc": "Acme"}).find("ACME, INC.") == "ACME, INC."


def test_what_was_put_together_is_replayed_also_for_new_spellings_and_the_raw_layer_stays(dora: Client) -> None:
    feed = sending.feed()
    sending.arrived(feed, NAMES)
    page = dora.get("/feeds/vendors/clean/?place=name")
    [(at, found)] = page.context["groups"]
    ticked = {
        "place": "name",
        "use": str(at),
        f"member-{at}": [text for text, _ in found.texts],
        f"target-{at}": "Acme Medical",
    }
    shown = dora.post("/feeds/vendors/clean/together/", ticked)
    assert {text for text, _to, _rows in shown.context["concerned"]} == {"ACME  MEDICAL", "Acme Medicel"}
    assert Feed.objects.get().version == 1
    answer = dora.post("/feeds/vendors/clean/together/", {**ticked, "act": "apply", "again": "on"})
    again = read(Batch.objects.latest("pk").pk)
    assert answer["Location"] == f"/imports/{again.pk}/"
    assert (again.feed_version, again.rows_changed) == (2, 2)
    assert set(SourceRecord.objects.filter(key__in=["V0", "V2", "V3"]).values_list("values__name", flat=True)) == {
        "Acme Medical"
    }
    assert SourceRow.objects.get(batch=again, line=4).raw.startswith("V2,ACME  MEDICAL")
    sending.arrived(Feed.objects.get(), sending.HEAD + "V8,medical ACME,,\n")
    assert SourceRecord.objects.get(key="V8").values["name"] == "Acme Medical"
    assert "replayed on every file" in text_of(dora.get("/feeds/vendors/clean/?place=name"))


def test_a_rule_is_withdrawn_as_the_next_version_and_the_document_is_as_before(dora: Client) -> None:
    feed = sending.feed()
    sending.arrived(feed, NAMES)
    before = feed.definition
    cleaning.put_together(code="vendors", place="name", changes={"Acme Medicel": "Acme Medical"}, by="Dora Owner")
    dora.post("/feeds/vendors/clean/withdraw/", {"place": "name", "written": ["Acme Medicel"]})
    feed.refresh_from_db()
    assert (feed.version, feed.definition) == (3, before)


def test_targets_of_earlier_changes_follow() -> None:
    sending.arrived(sending.feed(), NAMES)
    cleaning.put_together(code="vendors", place="name", changes={"Acme Medicel": "Acme Medical"}, by="x")
    feed = cleaning.put_together(code="vendors", place="name", changes={"Acme Medical": "ACME"}, by="x")
    assert feed.definition["attributes"]["name"]["map"] == {"Acme Medicel": "ACME", "Acme Medical": "ACME"}


@pytest.mark.parametrize("changes", [{}, {"Acme": "Acme"}, {"Acme": " "}, {"Acme": "x" * 501}])
def test_changes_that_make_no_sense_are_refused_in_words(dora: Client, changes: dict[str, str]) -> None:
    sending.arrived(sending.feed(), NAMES)
    with pytest.raises(Invalid):
        cleaning.checked(changes)
    sent = {"place": "name", "use": "0", "member-0": list(changes), "target-0": next(iter(changes.values()), "")}
    assert dora.post("/feeds/vendors/clean/together/", sent).status_code == 422
    assert Feed.objects.get().version == 1


def test_only_owners_put_together_and_restricted_columns_are_not_listed() -> None:
    sending.arrived(sending.feed(sending.BANKS), sending.HEAD.strip() + ",Account,Bank\nV1,Acme,,,12345678,Big Bank\n")
    stella = client_of(someone("Stella Steward"))
    page = stella.get("/feeds/banks/clean/")
    assert {line["place"].code for line in page.context["lines"]} == {"name", "tax_id", "phone"}
    assert stella.get("/feeds/banks/clean/?place=parts.bank_accounts.1.bank").status_code == 404
    assert stella.post("/feeds/banks/clean/together/", {"place": "name"}).status_code == 403


def test_before_the_first_file_the_page_says_what_to_do(dora: Client) -> None:
    sending.feed()
    assert "No file of this feed was read yet." in text_of(dora.get("/feeds/vendors/clean/"))


def test_a_quarantine_is_mended_by_the_file_that_was_downloaded_and_told_to_the_source() -> None:
    batch = sending.arrived(sending.feed(), sending.BROKEN)
    stella = client_of(someone("Stella Steward"))
    base = f"/imports/{batch.pk}/quarantine"
    downloaded = b"".join(stella.get(f"{base}/rows.csv").streaming_content).decode()  # type: ignore[attr-defined]
    corrected = downloaded.replace(",Nameless Key,", "V9,Nameless Key,").replace("V3,,,", "V3,Third Ltd,,")
    corrected += "77,,V77,Nobody,,\n"
    for _ in range(2):  # sent twice: the second time nothing waits for it
        page = stella.post(f"{base}/by-file/", {"file": sending.file(corrected, "back.csv")}, follow=True)
    assert "do not wait here" in text_of(page)
    assert SourceRow.objects.get(batch=batch, line=4).state == RowState.MENDED
    assert SourceRow.objects.get(batch=batch, line=5).state == RowState.QUARANTINED  # a person decides which is right
    told = b"".join(stella.get(f"{base}/mended.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert "4,V3,Name,,Third Ltd,Stella Steward," in told


@pytest.mark.parametrize("content", ["", "a,b\n1,2\n", "Line,Name\nfour,x\n", "Line,Colour\n4,red\n"])
def test_a_file_that_is_not_the_download_changes_nothing(content: str) -> None:
    batch = sending.arrived(sending.feed(), sending.BROKEN)
    stella = client_of(someone("Stella Steward"))
    page = stella.post(
        f"/imports/{batch.pk}/quarantine/by-file/", {"file": sending.file(content, "x.csv")}, follow=True
    )
    assert "Nothing was changed." in text_of(page)
    assert not SourceRow.objects.filter(state=RowState.MENDED).exists()
