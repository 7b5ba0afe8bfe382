"""Relations that are no identity and the figures of matching, read over the API."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from matching import relations, tasks
from matching.models import Measurement, RelationKind
from matching.preparing import prepare
from mdm.domains import BY_NAME
from mdm.mastering import merge
from mdm.models import GoldenRecord
from tests.api.problems import problem
from tests.factories import hospital, supplier, why
from tests.stewardship.questions import question, twins

pytestmark = pytest.mark.django_db
Get = Callable[..., Any]


def relate(kind: RelationKind, first: GoldenRecord, second: GoldenRecord) -> int:
    return relations.relate(kind=kind, first=first.pk, second=second.pk, cause=why("They say so themselves"))[0]


@pytest.fixture
def family() -> list[GoldenRecord]:
    """Three suppliers and two hospitals, related among themselves."""
    group, house, old = supplier("1", "Northwind Group"), supplier("2", "Bayside"), supplier("3", "Kellerman")
    relate(RelationKind.PARENT, group, house)
    relate(RelationKind.SUCCESSOR, old, house)
    relate(RelationKind.OTHER, hospital("H1", "Reno General"), hospital("H2", "Reno Annex"))
    return [group, house, old]


def test_relations_name_both_ends_and_who_said_so(get: Get, family: list[GoldenRecord]) -> None:
    group, house, _ = family
    one = get("/relations")["items"][0]
    assert (one["domain"], one["kind"], one["words"]) == ("supplier", "parent", "Parent of")
    assert one["first"] == {"id": str(group.pk), "code": group.code, "title": "Northwind Group",
                            "href": f"/api/v1/suppliers/{group.pk}"}  # fmt: skip
    assert one["second"]["code"] == house.code
    assert (one["by"], one["reason"]) == ("Stella Steward", "They say so themselves")


def test_relations_are_chosen_and_paged(get: Get, family: list[GoldenRecord]) -> None:
    group, house, _ = family
    assert [one["kind"] for one in get("/relations")["items"]] == ["parent", "successor", "other"]
    assert [one["kind"] for one in get("/relations", domain="facility")["items"]] == ["other"]
    assert [one["kind"] for one in get("/relations", kind="successor,other")["items"]] == ["successor", "other"]
    assert [one["kind"] for one in get("/relations", record=group.code)["items"]] == ["parent"]
    assert len(get("/relations", record=house.code)["items"]) == 2
    first = get("/relations", limit=2)
    assert (len(first["items"]), first["has_more"]) == (2, True)
    second = get("/relations", limit=2, cursor=first["next_cursor"])
    assert ([one["kind"] for one in second["items"]], second["has_more"]) == (["other"], False)
    assert second["next_cursor"] is None


def test_merges_are_followed_and_what_was_withdrawn_is_gone(get: Get, family: list[GoldenRecord]) -> None:
    group, _, old = family
    other = supplier("4", "Northwind Holding")
    merge(winner_id=other.pk, loser_ids=[group.pk], expected={}, cause=why())
    (one,) = get("/relations", kind="parent")["items"]
    assert one["first"]["code"] == other.code
    assert len(get("/relations", record=other.code)["items"]) == 1
    relations.withdraw(relation_id=get("/relations", record=old.code)["items"][0]["id"], by="Stella Steward")
    assert get("/relations", record=old.code)["items"] == []


def test_each_domain_needs_its_own_scope(client_with: Callable[..., Client], family: list[GoldenRecord]) -> None:
    some = client_with("facility:read", name="some")
    assert [one["domain"] for one in some.get("/api/v1/relations").json()["items"]] == ["facility"]
    assert some.get("/api/v1/relations?domain=supplier").status_code == 403
    assert some.get(f"/api/v1/relations?record={family[0].code}").status_code == 403
    assert some.get("/api/v1/quality/suppliers").status_code == 403
    assert some.get("/api/v1/measurements?domain=supplier").status_code == 403
    assert Client().get("/api/v1/relations").status_code == 401


def test_mistakes_are_named_at_once(api: Client) -> None:
    answer = api.get("/api/v1/relations?kind=sister&domain=person&limit=0&colour=red")
    assert {error["pointer"] for error in problem(answer, 400, "invalid")["errors"]} == {
        "kind",
        "domain",
        "limit",
        "colour",
    }
    assert api.get("/api/v1/quality/people").status_code == 404
    assert api.get("/api/v1/relations?record=SUP-9").status_code == 404
    assert api.post("/api/v1/relations").status_code == 405


def test_the_figures_are_those_of_the_page_without_values_of_records(get: Get) -> None:
    first, second = twins(name="Acme Medical")
    asked = question(first, second, score=0.9)
    merge(winner_id=first.pk, loser_ids=[second.pk], expected={}, cause=why())
    relations.verdicts.close_merged(candidate_id=asked.pk, cause=why())
    prepare(BY_NAME["supplier"])
    assert tasks.measure_all()["supplier"] == 2
    told = get("/quality/suppliers")
    assert told["questions"]["said"] | {"low": 0, "high": 0} == {"value": 1.0, "low": 0, "high": 0, "hits": 1, "of": 1}
    assert told["calibration"][0]["said"]["hits"] == 1
    sample = told["measurement"]
    assert (sample["by"], sample["sampled"], len(sample["passes"])) == (
        "Assay", 2, len(BY_NAME["supplier"].matching.blocking),
    )  # fmt: skip
    assert "largest_keys" not in sample
    assert "shown" not in sample["undone"]


def test_samples_are_paged_newest_first(get: Get) -> None:
    supplier("1", "Acme")
    prepare(BY_NAME["supplier"])
    for _ in range(3):
        tasks.measure_all()
    first = get("/measurements", limit=2)
    second = get("/measurements", limit=2, cursor=first["next_cursor"])
    shown = [one["id"] for one in (*first["items"], *second["items"])]
    assert shown == sorted(Measurement.objects.values_list("pk", flat=True), reverse=True)
    assert get("/measurements", domain="facility")["items"] == []


def test_every_night_is_measured_in_the_background() -> None:
    told = dict.fromkeys(BY_NAME, 0)
    assert tasks.measure_all() == told
