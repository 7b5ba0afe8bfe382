"""A row that was read but cannot be mastered goes back to quarantine, and from there in again once it is mended."""

from pathlib import Path
from typing import Any

import pytest

from mdm.intake.quarantine import mend
from mdm.models import Batch, SourceRecord, SourceRow
from tests.matching.conftest import Run, golden_of
from tests.stewardship.sending import arrived, feed, in_folder

pytestmark = pytest.mark.django_db

BY_NAME = """
feed = "centers"
title = "Cost centers"
source = "erp"
domain = "cost_center"

[file]
pattern = "centers*.csv"

[key]
columns = ["No"]

[attributes]
code = "No"
facility = {column = "Site", by = "name"}
"""


def test_a_row_that_cannot_be_mastered_waits_in_quarantine_and_can_be_mended(
    run: Run, settings: Any, tmp_path: Path
) -> None:
    in_folder(settings, tmp_path)
    batch = arrived(feed(), "No,Name,Tax,Tel\n1,Waters Corp,,\n2,Zimmer Biomet,,\n")
    # What no file can do, another road might: a value longer than its column.
    SourceRecord.objects.filter(key="2").update(values={"name": "Zimmer Biomet", "currency": "DOLLARS"})
    assert run("supplier").turned_back == 1
    row = SourceRow.objects.get(batch=batch, key="2")
    assert (row.state, row.cells["No"], row.cells["Name"]) == ("quarantined", "2", "Zimmer Biomet")
    assert "no golden record could be made of it" in row.problems[0]["message"]
    told = Batch.objects.get(pk=batch.pk)
    assert (told.rows_new, told.rows_quarantined) == (1, 1)
    mend(row_id=row.pk, cells={}, by="Stella Steward")
    assert run("supplier").created == 1
    assert golden_of(SourceRecord.objects.get(key="2")) is not None
    told = Batch.objects.get(pk=batch.pk)
    assert (told.rows_new + told.rows_changed, told.rows_quarantined) == (2, 0)


def test_a_name_too_long_for_the_record_it_names_is_refused_where_it_is_read(
    run: Run, settings: Any, tmp_path: Path
) -> None:
    in_folder(settings, tmp_path)
    batch = arrived(feed(BY_NAME), f"No,Site\n1,{'Far away ' * 30}\n2,Near\n")
    assert (batch.rows_new, batch.rows_quarantined) == (1, 1)
    assert "too many" in SourceRow.objects.get(batch=batch, line=2).problems[0]["message"]
    assert run("facility").created == 1
