"""A list is checked row by row: everything that is wrong, and what is there already. Nothing of it is stored."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as conf
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from openpyxl import Workbook, load_workbook

from matching.run import match_all
from mdm.models import Batch, GoldenRecord, SourceRecord
from mdm.people import AUDITOR, VIEWER
from stewardship.lists import checking, keeping
from stewardship.models import CheckedList, CheckedRow
from tests.factories import source, why
from tests.stewardship import sending
from tests.stewardship.pages import client_of, outsider, text_of, traces
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db

LIST = (
    "Vendor Name,Tax ID,Phone,Parent\n"
    "Waters Corporation,13-3668640,,\n"
    "Quixotic Ventures,,not a phone,\n"
    ",99-1,,No Such Parent\n"
    "Quixotic Ventures,,not a phone,\n"
)


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    sending.in_folder(settings, tmp_path)


@pytest.fixture
def vera() -> Client:
    return client_of(someone("Vera Viewer", VIEWER))


@pytest.fixture
def hub() -> GoldenRecord:
    source("erp", "supplier", "V1", name="Waters Corporation", tax_id="133668640", phone="+15084782000")
    match_all(why())
    return GoldenRecord.objects.get(domain="supplier")


def drop(client: Client, content: str | bytes = LIST, name: str = "new vendors.csv", domain: str = "supplier") -> Any:
    return client.post("/lists/send/", {"file": sending.file(content, name), "domain": domain}, follow=True)


def form_of(page: Any, **typed: str) -> dict[str, str]:
    """What the form of columns would send as it stands, with what is typed on top."""
    sent = {"records": page.context["records"].domain.name, "source": ""}
    sent |= {f"target-{column.place}": column.target for column in page.context["columns"]}
    return sent | typed


def checked(client: Client, content: str | bytes = LIST, name: str = "new vendors.csv") -> CheckedList:
    """A list dropped, its columns taken as proposed, checked to the end."""
    page = drop(client, content, name)
    one = CheckedList.objects.latest("created_at")
    assert client.post(f"/lists/{one.pk}/columns/", form_of(page)).status_code == 302
    while checking.check(one.pk) == "asked":
        pass
    one.refresh_from_db()
    return one


def row(one: CheckedList, line: int) -> CheckedRow:
    return one.rows.get(line=line)


def test_every_row_gets_all_its_errors_and_the_record_it_would_be(vera: Client, hub: GoldenRecord) -> None:
    before = (traces(), SourceRecord.objects.count(), Batch.objects.count())
    one = checked(vera)
    assert (one.state, one.rows_done) == ("checked", 4)
    found = row(one, 2)
    assert (found.outcome, found.problems) == ("known", [])
    assert (found.found[0]["code"], found.found[0]["band"]) == (hub.code, "auto")
    assert found.found[0]["score"] > 0.9
    assert row(one, 3).outcome == "new"
    wrong = " ".join(text for _, text in row(one, 4).problems)
    assert "A supplier needs a name." in wrong
    assert "there is no supplier “No Such Parent”" in wrong
    assert (row(one, 5).same_as, row(one, 2).same_as) == (3, None)
    assert one.counts["known"] == 1
    assert one.counts["repeated"] == 1
    assert (traces(), SourceRecord.objects.count(), Batch.objects.count()) == before


def test_the_page_shows_counts_filters_and_links(vera: Client, hub: GoldenRecord) -> None:
    one = checked(vera)
    said = text_of(vera.get(f"/lists/{one.pk}/?show=known"))
    assert "Waters Corporation" in said
    assert "Quixotic" not in said
    assert f"/records/suppliers/{hub.code}/" in vera.get(f"/lists/{one.pk}/?show=known").content.decode()
    assert "A supplier needs a name." in text_of(vera.get(f"/lists/{one.pk}/?show=errors"))
    assert "Row 3 says the same." in text_of(vera.get(f"/lists/{one.pk}/?show=repeated"))
    assert vera.get(f"/lists/{one.pk}/?show=nonsense&after=x").status_code == 200
    assert one.file_name in text_of(vera.get("/lists/"))


def test_the_annotated_list_comes_back_in_each_format(vera: Client, hub: GoldenRecord) -> None:
    one = checked(vera, LIST + "=1+1,,,\n")
    answer = vera.get(f"/lists/{one.pk}/checked.csv")
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    lines = text.splitlines()
    assert lines[0].startswith("Vendor Name,Tax ID,Phone,Parent,Check: row,Check: errors")
    assert lines[1].startswith("Waters Corporation,13-3668640,,,2,")
    assert hub.code in lines[1]
    assert "A supplier needs a name." in text
    assert "\n'=1+1" in text
    book = load_workbook(io.BytesIO(b"".join(vera.get(f"/lists/{one.pk}/checked.xlsx").streaming_content)))  # type: ignore[attr-defined]
    assert [cell.value for cell in book.active[1]][:2] == ["Vendor Name", "Tax ID"]  # type: ignore[index]
    json_lines = b"".join(vera.get(f"/lists/{one.pk}/checked.jsonl").streaming_content)  # type: ignore[attr-defined]
    assert json_lines.count(b"\n") == 5
    assert vera.get(f"/lists/{one.pk}/checked.exe").status_code == 404


def test_a_workbook_and_json_lines_are_lists_too(vera: Client, hub: GoldenRecord) -> None:
    book, kept = Workbook(), io.BytesIO()
    book.active.append(["Vendor Name", "Tax ID"])  # type: ignore[union-attr]
    book.active.append(["Waters Corporation", "13-3668640"])  # type: ignore[union-attr]
    book.save(kept)
    assert checked(vera, kept.getvalue(), "new.xlsx").counts["known"] == 1
    assert (
        checked(vera, '{"Vendor Name": "Waters Corporation", "Tax ID": "133668640"}\n', "a.jsonl").counts["known"] == 1
    )


def test_references_are_codes_ids_names_and_keys_of_the_system_chosen(vera: Client, hub: GoldenRecord) -> None:
    listed = (
        f"Vendor Name,Parent\nAlpha One,{hub.code}\nBeta Two,{hub.pk}\nGamma Tri,waters corporation\nDelta Four,V1\n"
    )
    page = drop(vera, listed)
    one = CheckedList.objects.get()
    targets = {"target-1": "parent"}
    vera.post(f"/lists/{one.pk}/columns/", form_of(page, **targets))
    checking.check(one.pk)
    assert [bool(one.rows.get(line=line).problems) for line in (2, 3, 4, 5)] == [False, False, False, True]
    vera.post(f"/lists/{one.pk}/columns/", form_of(page, source="erp", **targets))
    assert not CheckedRow.objects.filter(of=one).exists()  # what was found before is forgotten
    checking.check(one.pk)
    assert not one.rows.exclude(problems=[]).exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "empty"), (b"%PDF-1.7 x", "PDF"), (b"a,b\n", "no row below"), (b"PK\x03\x04 broken", "")],
)
def test_a_file_that_is_no_list_is_explained_and_not_kept(vera: Client, content: bytes, said: str) -> None:
    page = drop(vera, content)
    assert page.status_code == 422
    assert said in text_of(page)
    assert not CheckedList.objects.exists()
    assert not list((Path(conf.DATA_DIR) / "lists").rglob("*"))
    assert vera.post("/lists/send/", {}).status_code == 422


def test_very_long_values_html_and_emoji_are_only_text(vera: Client) -> None:
    one = checked(vera, f"Vendor Name,Phone\n<script>alert(1)</script> 🏥,\n{'x' * 10_000},\n")
    assert "characters are too many" in row(one, 3).problems[0][1]
    body = vera.get(f"/lists/{one.pk}/?show=all").content.decode()
    assert "<script>alert" not in body
    assert "x" * 500 not in body


def test_a_broken_row_is_one_of_its_errors_and_the_others_are_checked(vera: Client) -> None:
    one = checked(vera, "Vendor Name,Phone,Email\nAcme,,,3\nBolton Ltd,,\n")
    assert "4 cells" in row(one, 2).problems[0][1]
    assert row(one, 3).problems == []


def test_a_list_goes_on_where_it_stopped_and_judges_no_row_twice(vera: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "CHUNK", 2)
    monkeypatch.setattr(checking, "SLICE", timedelta(0))
    page = drop(vera, "Vendor Name\n" + "".join(f"Vendor {n}\n" for n in range(5)), "five.csv")
    one = CheckedList.objects.get()
    vera.post(f"/lists/{one.pk}/columns/", form_of(page))
    assert [checking.check(one.pk) for _ in range(4)] == ["asked", "asked", "checked", ""]
    one.refresh_from_db()
    assert (one.rows_done, one.rows.count(), one.counts["new"]) == (5, 5, 5)


def test_a_worker_given_up_for_dead_adds_nothing(vera: Client) -> None:
    page = drop(vera)
    one = CheckedList.objects.get()
    vera.post(f"/lists/{one.pk}/columns/", form_of(page))
    late = checking._claim(one.pk)
    assert late is not None
    assert checking.check(one.pk) == ""  # somebody has it
    CheckedList.objects.update(heartbeat_at=timezone.now() - 2 * keeping.LEASE)
    assert keeping.due() == [one.pk]
    assert checking.check(one.pk) == "checked"
    with pytest.raises(checking.Overtaken):
        checking._check_for_a_while(late)
    assert CheckedRow.objects.count() == 4


def test_a_check_is_stopped_and_a_list_taken_away(vera: Client) -> None:
    page = drop(vera)
    one = CheckedList.objects.get()
    assert vera.post(f"/lists/{one.pk}/cancel/").status_code == 409
    vera.post(f"/lists/{one.pk}/columns/", form_of(page))
    assert "Stop" in text_of(vera.get(f"/lists/{one.pk}/"))
    vera.post(f"/lists/{one.pk}/cancel/")
    assert checking.check(one.pk) == ""
    assert "The check was stopped" in text_of(vera.get(f"/lists/{one.pk}/"))
    folder = Path(conf.DATA_DIR) / "lists" / str(one.pk)
    assert folder.exists()
    vera.post(f"/lists/{one.pk}/remove/")
    assert not folder.exists()
    assert not CheckedList.objects.exists()


def test_lists_are_tidied_away_in_time(vera: Client) -> None:
    old, new = checked(vera), checked(vera)
    CheckedList.objects.filter(pk=old.pk).update(created_at=timezone.now() - keeping.KEPT * 2)
    assert (keeping.tidy(), keeping.tidy()) == (1, 0)
    assert CheckedList.objects.get() == new
    assert not (Path(conf.DATA_DIR) / "lists" / str(old.pk)).exists()


def test_a_person_sees_only_their_own_lists_and_an_auditor_reads_all(vera: Client) -> None:
    one = checked(vera)
    nosy, ann = client_of(someone("Nosy Steward")), client_of(someone("Ann Auditor", AUDITOR))
    for address in ("", "columns/", "checked.csv"):
        assert nosy.get(f"/lists/{one.pk}/{address}").status_code == 404
        assert outsider_of(one, address) == 403
    assert one.file_name not in text_of(nosy.get("/lists/"))
    assert nosy.post(f"/lists/{one.pk}/remove/").status_code == 404
    assert "A supplier needs a name." in text_of(ann.get(f"/lists/{one.pk}/"))
    for address in ("columns/", "checked.csv"):
        assert ann.get(f"/lists/{one.pk}/{address}").status_code == 403
    for address in ("/lists/send/", f"/lists/{one.pk}/remove/", f"/lists/{one.pk}/cancel/"):
        assert ann.post(address).status_code == 403
    assert CheckedList.objects.filter(pk=one.pk).exists()


def outsider_of(one: CheckedList, address: str) -> int:
    User.objects.filter(username="otto").delete()
    return outsider().get(f"/lists/{one.pk}/{address}").status_code


def test_restricted_values_of_a_list_are_not_repeated_in_what_is_said(vera: Client) -> None:
    page = drop(vera, "Bank Country,Vendor Name\nNowhere 1234,\n")
    one = CheckedList.objects.get()
    typed = {"target-0": "parts.bank_accounts.1.country", "target-1": "name"}
    vera.post(f"/lists/{one.pk}/columns/", form_of(page, **typed))
    checking.check(one.pk)
    found = row(one, 2)
    assert found.problems
    assert "1234" not in f"{found.problems}{found.warnings}{found.title}"
