"""Lists beside the records: sorted, with columns of one's own, paged in any order, taken away as they are seen."""

import io

import pytest
from django.db.models import F
from django.test import Client
from openpyxl import load_workbook

from mdm.mastering import merge
from mdm.models import Batch, Merge
from mdm.people import DOMAIN_OWNER
from stewardship import listed, merges
from stewardship.models import ChangeRequest
from stewardship.requests import propose
from tests.factories import feed, supplier, why
from tests.stewardship.pages import client_of, outsider
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db
LISTS = ("/", "/requests/", "/imports/", "/merges/")
FILES = ("/work/seen.csv", "/requests/seen.csv", "/imports/seen.csv", "/merges/seen.csv")


@pytest.fixture
def stella() -> Client:
    return client_of(someone("Stella Steward"))


def filled(count: int = 3) -> None:
    """Work, requests, imports and merges, so many of each."""
    dora = someone("Dora Owner", DOMAIN_OWNER)
    source = feed("vendors", "supplier")
    for number in range(count):
        winner, loser = supplier(f"W{number}", f"Winner {number}"), supplier(f"L{number}", f"Loser {count - number}")
        question(*twins(name=f"Firm {number}"), score=0.9 - number / 100)
        propose(record_id=winner.pk, values={"name": "New"}, base_version=1, reason=f"why {number}", user=dora)
        merge(winner_id=winner.pk, loser_ids=[loser.pk], expected={winner.pk: 1, loser.pk: 1}, cause=why("one firm"))
        Batch.objects.create(
            feed=source, feed_version=1, file_name=f"file{count - number}.csv", sha256=f"{number}", rows_read=number,
            state="read", submitted_by="Dora Owner",
        )  # fmt: skip


def lines(client: Client, address: str) -> list[list[str]]:
    answer = client.get(address)
    assert answer.status_code == 200, address
    text = b"".join(answer.streaming_content).decode().removeprefix("\ufeff")
    return [line.split(",") for line in text.splitlines()]


def test_each_list_is_taken_away_as_it_is_seen(stella: Client) -> None:
    filled()
    assert lines(stella, "/merges/seen.csv?columns=by,kind&sort=merged") == [
        ["Merged", "By", "Kind of record"],
        *([f"SUP-{code} Loser {number}", "Stella Steward", "Supplier"] for code, number in
          zip(("0000010", "0000006", "0000002"), (1, 2, 3), strict=True)),
    ]  # fmt: skip
    assert lines(stella, "/requests/seen.csv?columns=changes,why&sort=-when")[0] == ["Record", "Changes", "Why"]
    assert [one[1:] for one in lines(stella, "/requests/seen.csv?columns=changes,why&sort=-when")][1:] == [
        ["Name", f"why {number}"] for number in (2, 1, 0)
    ]
    assert lines(stella, "/imports/seen.csv?columns=rows,by&sort=file")[1:] == [
        ["file1.csv", "2", "Dora Owner"], ["file2.csv", "1", "Dora Owner"], ["file3.csv", "0", "Dora Owner"],
    ]  # fmt: skip
    work = lines(stella, "/work/seen.csv?kind=duplicates&columns=score,kind")
    assert work[0] == ["What waits", "Score", "Kind of work"]
    assert [one[1] for one in work[1:]] == ["0.9", "0.89", "0.88"]
    book = load_workbook(io.BytesIO(b"".join(stella.get("/merges/seen.xlsx?columns=into").streaming_content)))
    assert [row[0].value for row in book.active.iter_rows()][1].endswith("Loser 1")


def test_a_file_names_what_its_filters_let_through_and_no_other(stella: Client) -> None:
    filled()
    Merge.objects.filter(loser__title="Loser 1").update(undone_at=F("merged_at"))
    assert len(lines(stella, "/merges/seen.csv?state=undone")) == 2
    assert len(lines(stella, "/merges/seen.csv?domain=item")) == 1
    assert len(lines(stella, "/requests/seen.csv?view=mine")) == 1
    assert len(lines(stella, "/imports/seen.csv?feed=vendors&state=failed")) == 1
    assert stella.get("/merges/seen.pdf").status_code == 404
    nobody = outsider()
    assert {nobody.get(address).status_code for address in FILES} == {403}


@pytest.mark.parametrize("sort", ["", "merged", "-into,when", "undone", "-undone", "by,-merged", "nonsense"])
def test_pages_follow_each_other_in_any_order_with_each_row_once(sort: str) -> None:
    filled(5)
    for number, one in enumerate(Merge.objects.order_by("pk")[:2]):
        Merge.objects.filter(pk=one.pk).update(undone_at=one.merged_at, undone_by=f"x{number}")
    rows, found, after = merges.merges(merges.Filters()), [], ""
    whole = [one.pk for one in listed.page(merges.LISTING, rows, sort=sort, limit=100).rows]
    while True:
        part = listed.page(merges.LISTING, rows, sort=sort, after=after, limit=2)
        found += [one.pk for one in part.rows]
        if not (after := part.next):
            break
    assert found == whole
    assert len(set(found)) == 5


def test_the_columns_of_a_list_are_chosen_and_kept(stella: Client) -> None:
    filled(1)
    for address in LISTS:
        usual = [column.name for column in stella.get(address).context["columns"]]
        picked = stella.get(address, {"pick": "1", "columns": usual[-1:], f"at.{usual[-1]}": "1"})
        assert picked.headers["Location"] == f"{address}?columns={usual[-1]}&dense=no"
        shown = stella.get(picked.headers["Location"])
        assert [column.name for column in shown.context["columns"]] == usual[-1:]
        for one in shown.context["files"]:
            assert f"columns={usual[-1]}" in one[1]
        assert lines(stella, shown.context["files"][0][1])[0][1:] == [shown.context["columns"][0].label]
    stella.post("/tables/merges/keep/", {"columns": "by,when", "dense": "yes"})
    assert [column.label for column in stella.get("/merges/").context["columns"]] == ["By", "When"]
    assert "table--dense" in stella.get("/merges/").content.decode()


def test_every_column_of_every_list_shows_something_of_a_row(stella: Client) -> None:
    filled(1)
    ChangeRequest.objects.update(holds_from=F("requested_at"))
    for address in LISTS:
        table = stella.get(address).context["look"].table
        page = stella.get(address, {"columns": ",".join(column.name for column in table.columns)}).content.decode()
        for column in table.columns:
            assert f'data-label="{column.label}"' in page or column.name == "score", (address, column.name)


def test_a_filter_keeps_order_and_columns_and_a_lost_place_is_told(stella: Client) -> None:
    filled(1)
    page = stella.get("/merges/?sort=merged&columns=by").content.decode()
    assert "?sort=merged&amp;columns=by&amp;state=standing" in page
    assert 'aria-sort="ascending"' in page
    assert "columns=why" in stella.get("/?columns=why").content.decode()
    for address in ("/merges/", "/requests/", "/imports/"):
        assert stella.get(f"{address}?after=nonsense").status_code == 422
