"""Which endpoints would hear of other records if facilities moved in their tree."""

import pytest

from publishing.models import Endpoint
from publishing.queries.sides import sides_of
from tests.publishing.test_pages import signed_in
from tests.publishing.test_selection import selecting, tree

pytestmark = pytest.mark.django_db


def found(*moves: tuple[object, object]) -> list[tuple[str, int, int]]:
    return [(one.endpoint.code, one.enter, one.leave) for one in sides_of(moves)]  # type: ignore[arg-type]


def test_only_branches_that_change_sides_are_told() -> None:
    made = {key: record.pk for key, record in tree().items()}
    hook = selecting(legal_entities=[tree_code(made["north"])])
    assert found((made["SH"], made["NH"])) == [(hook.code, 1, 0)]
    assert found((made["NH"], made["south"]), (made["SH"], made["north"])) == [(hook.code, 1, 1)]
    assert found((made["NW"], made["north"])) == []
    assert found((made["north"], made["south"])) == []  # what the selection names goes on being named
    Endpoint.objects.update(selection={})
    assert found((made["SH"], made["NH"])) == []


def tree_code(record_id: object) -> str:
    return str(record_id)


def test_the_fragment_says_who_is_told_otherwise() -> None:
    made = tree()
    hook = selecting(facilities=[made["NH"].code])
    moves = f"{made['SH'].pk}.{made['NH'].pk},{made['NW'].pk}."
    client = signed_in("steward")
    shown = client.get(f"/publishing/records/sides/?tree=facility.parent&moves={moves}").content.decode()
    assert hook.name in shown
    assert "1 branch comes in, 1 branch leaves" in shown
    assert client.get("/publishing/records/sides/?tree=facility.parent&moves=x").status_code == 422
    other = client.get(f"/publishing/records/sides/?tree=supplier.parent&moves={moves}").content.decode()
    assert "No endpoint selects records by this tree" in other
