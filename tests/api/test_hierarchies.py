"""Hierarchies by API: today and on any day, by pages, and the moves a consumer follows."""

import pytest
from django.test import Client

from mdm.domains import BY_NAME
from tests.api.conftest import Make
from tests.api.problems import problem
from tests.factories import supplier
from tests.mdm.test_hierarchies import SUMMER, hierarchy, move, part_of, places, take_out

pytestmark = pytest.mark.django_db
LEGAL = "/api/v1/hierarchies/facilities/legal"


def test_every_tree_the_client_may_read_is_listed(api: Client) -> None:
    hierarchy()
    listed = {one["address"]: one for one in api.get("/api/v1/hierarchies").json()["items"]}
    assert listed["facilities/legal"] | {"name": "Legal", "kind": "legal"} == listed["facilities/legal"]
    assert listed["suppliers/parent"]["kind"] == "derived"


def test_children_come_by_pages_and_on_a_day(api: Client) -> None:
    here, (top, *sites) = hierarchy(), places("Top", "A", "B", "C")
    move(here, (top, None), *((site, top) for site in sites))
    take_out(here, sites[0], day=SUMMER)
    first = api.get(f"{LEGAL}/nodes?parent={top.code}&limit=2&as_of=2026-03-01").json()
    assert ([one["record"]["title"] for one in first["items"]], first["total"]) == (["A", "B"], 3)
    assert first["items"][0]["path"] == [top.code]
    rest = api.get(f"{LEGAL}/nodes?parent={top.code}&limit=2&as_of=2026-03-01&cursor={first['next_cursor']}").json()
    assert [one["record"]["title"] for one in rest["items"]] == ["C"]
    (on_top,) = api.get(f"{LEGAL}/nodes?as_of=2026-06-01").json()["items"]
    assert (on_top["children"], on_top["branch"], on_top["parent"]) == (2, 2, None)
    assert api.get(f"{LEGAL}?as_of=2026-06-01").json()["records"] == 3
    assert api.get(f"{LEGAL}/nodes?record={sites[0].code}&as_of=2026-06-01").json()["items"] == []


def test_a_consumer_reads_moves_on_from_where_it_was(api: Client) -> None:
    here, (a, b) = hierarchy(), places("A", "B")
    move(here, (a, None), (b, None))
    first = api.get(f"{LEGAL}/moves").json()
    assert ([one["verb"] for one in first["items"]], first["has_more"]) == (["placed", "placed"], False)
    move(here, (b, a), day=SUMMER)
    (later,) = api.get(f"{LEGAL}/moves?cursor={first['next_cursor']}").json()["items"]
    assert (later["verb"], later["before"], later["parent"]["code"]) == ("moved", None, a.code)
    assert (later["valid_from"], later["change"]) == ("2026-06-01", 2)


def test_the_tree_of_the_sources_reads_alike_and_has_no_moves(api: Client) -> None:
    places("G")
    part_of("S", "Site", "G")
    (top,) = api.get("/api/v1/hierarchies/facilities/parent/nodes").json()["items"]
    assert (top["record"]["title"], top["branch"]) == ("G", 1)
    refusal = problem(api.get("/api/v1/hierarchies/facilities/parent/moves"), 404, "not-found")
    assert "/api/v1/changes" in refusal["way_out"]


@pytest.mark.parametrize("query", ["as_of=soon", "limit=0", "colour=red"])
def test_what_cannot_be_understood_is_refused(api: Client, query: str) -> None:
    hierarchy()
    problem(api.get(f"{LEGAL}/nodes?{query}"), 400, "invalid")


def test_a_tree_needs_the_scope_of_its_domain(client_with: Make) -> None:
    hierarchy()
    supplier("V1", "Acme")
    client = client_with("supplier:read", name="suppliers only")
    assert client.get(LEGAL).status_code == 403
    listed = client.get("/api/v1/hierarchies").json()["items"]
    assert {one["domain"] for one in listed} == {BY_NAME["supplier"].name}
