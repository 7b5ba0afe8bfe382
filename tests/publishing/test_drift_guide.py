"""The recipes of the guide are what the hub computes: whoever copies them finds no difference where there is none."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from publishing.models import Compared, Holding
from publishing.reconciling import our_buckets
from tests.publishing.holding import kept_by
from tests.publishing.making import Target, rest, run, suppliers, webhook

pytestmark = pytest.mark.django_db
GUIDE = Path(__file__).parents[2] / "docs" / "guides" / "receipts-and-drift.md"


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def recipes() -> dict[str, Any]:
    """The functions as the guide gives them."""
    names: dict[str, Any] = {}
    exec(compile(block("python"), "guide", "exec"), names)  # noqa: S102 - our own page
    return names


@pytest.mark.parametrize("make", [rest, webhook])
def test_ten_lines_of_python_give_the_digests_of_the_hub(recipes: dict[str, Any], target: Target, make: Any) -> None:
    suppliers(40)
    endpoint = make(target.url)
    run(endpoint)
    held = {key: (one["version"], recipes["digest"](one)) for key, one in kept_by(target).items()}
    ours = {f"{number:03x}": digest for number, (_, digest) in our_buckets(endpoint, Compared.CONTENT).items()}
    assert recipes["buckets"](held) == ours
    bare = {key: (version, "") for key, (version, _) in held.items()}
    ours = {f"{number:03x}": digest for number, (_, digest) in our_buckets(endpoint, Compared.VERSION).items()}
    assert recipes["buckets"](bare) == ours


def test_the_sql_gives_the_same(target: Target) -> None:
    suppliers(10)
    endpoint = rest(target.url)
    run(endpoint)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE held (id uuid, version int, digest text) ON COMMIT DROP")
        rows = Holding.objects.values_list("record_id", "version", "digest")
        cursor.executemany("INSERT INTO held VALUES (%s, %s, %s)", list(rows))
        cursor.execute(block("sql"))
        found = dict(cursor.fetchall())
    assert found == {f"{number:03x}": digest for number, (_, digest) in our_buckets(endpoint, "content").items()}
