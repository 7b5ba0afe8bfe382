"""Declarations of file endpoints: where they may write, and what is refused before the first file."""

from datetime import timedelta
from pathlib import Path

import pytest

from mdm.errors import Invalid
from mdm.mastering import retire
from publishing import endpoints
from publishing.clock import now
from publishing.files import targets
from publishing.models import FileDrop
from tests.factories import publish, why
from tests.publishing.dropping import file_endpoint, folder_drop, names, write
from tests.publishing.making import OWNER, suppliers

pytestmark = pytest.mark.django_db


def test_verifying_writes_a_test_file_and_takes_it_away(outbox: Path) -> None:
    endpoint = file_endpoint(folder_drop("legacy"), state="pending_verification")
    result = endpoints.verify(endpoint=endpoint, by=OWNER)
    assert result.outcome.code == "ACCEPTED"
    assert endpoint.state == "active"
    assert names(outbox) == []
    outbox.rmdir()
    assert endpoints.verify(endpoint=endpoint, by=OWNER).outcome.code == "FOLDER_MISSING"


@pytest.mark.parametrize("folder", ["/etc", "../elsewhere", "legacy/../..", "link"])
def test_no_folder_leads_out_of_those_the_operator_lists(outbox: Path, folder: str) -> None:
    (outbox.parent / "link").symlink_to("/tmp")  # noqa: S108 - a way out that must be closed
    with pytest.raises(Invalid) as refused:
        file_endpoint(folder_drop(folder))
    assert {field for field, _ in refused.value.problems} == {"folder"}


def test_a_link_laid_later_is_not_followed_either(outbox: Path, tmp_path: Path) -> None:
    suppliers(1)
    endpoint = file_endpoint(folder_drop("legacy"))
    outbox.rmdir()
    (tmp_path / "elsewhere").mkdir()
    outbox.symlink_to(tmp_path / "elsewhere")
    assert write(endpoint).outcome_code == "BLOCKED_BY_POLICY"
    assert names(tmp_path / "elsewhere") == []


def test_every_fault_of_a_declaration_is_told_at_once(outbox: Path) -> None:
    drop = folder_drop(
        "nowhere", file_name="{x}.csv", schedule="sometimes",
        layout={"columns": {"supplier": [{"field": "attributes.nmae", "name": "N"}],
                            "item": [{"field": "code", "name": "C"}]}},
    )  # fmt: skip
    with pytest.raises(Invalid) as refused:
        file_endpoint(drop)
    told = dict(refused.value.problems)
    assert set(told) == {"folder", "file_name", "schedule", "columns"}
    words = " ".join(sentence for _, sentence in refused.value.problems)
    assert "Did you mean name?" in words
    assert "no domain of this endpoint item" in words


def test_a_delta_without_a_state_is_refused_a_full_file_holds_the_active_ones(outbox: Path) -> None:
    first, second = suppliers(2)
    retire(record_id=second.pk, expected=None, cause=why("closed"))
    publish()
    layout = {"columns": {"supplier": [{"field": "code", "name": "C"}]}}
    with pytest.raises(Invalid) as refused:
        file_endpoint(folder_drop("legacy", layout=layout))
    assert "Add a column with the state" in refused.value.problems[0][1]
    write(file_endpoint(folder_drop("legacy", layout=layout, content="full")))
    assert (outbox / "supplier-000001.csv").read_text() == f"C\n{first.code}\n"


def test_a_changed_place_has_to_be_verified_again_and_a_name_has_not(outbox: Path) -> None:
    endpoint = file_endpoint(folder_drop("legacy"))
    drop = targets.drop_of(endpoint.file_drop)
    changed = targets.change_file_endpoint(endpoint=endpoint, changes={"name": "Old ERP"}, drop=drop, by=OWNER)
    assert (changed.name, changed.state) == ("Old ERP", "active")
    (outbox.parent / "other").mkdir()
    moved = folder_drop("other", schedule="every 5 minutes")
    changed = targets.change_file_endpoint(endpoint=endpoint, changes={}, drop=moved, by=OWNER)
    assert changed.state == "pending_verification"
    assert FileDrop.objects.get().next_run_at <= now() + timedelta(minutes=5)


def test_a_mapping_that_breaks_the_columns_is_refused(outbox: Path) -> None:
    fields = [{"to": "VENDOR", "from": "code"}, {"to": "STATE", "from": "state"}]
    layout = {"columns": {"supplier": [{"field": "VENDOR", "name": "V"}, {"field": "STATE", "name": "S"}]}}
    endpoint = file_endpoint(folder_drop("legacy", layout=layout), mapping={"supplier": fields})
    with pytest.raises(Invalid) as refused:
        endpoints.change_endpoint(
            endpoint=endpoint, changes={"mapping": {"supplier": fields[1:]}}, by=OWNER, reason="shorter"
        )
    assert "no field in the mapping VENDOR" in refused.value.problems[0][1]
    added = [*fields, {"to": "CITY", "from": "attributes.name"}]
    changed = endpoints.change_endpoint(
        endpoint=endpoint, changes={"mapping": {"supplier": added}}, by=OWNER, reason="longer"
    )
    assert changed.mapping == {"supplier": added}
