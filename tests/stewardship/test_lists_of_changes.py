"""A list proposes changes of many records as one act: before and after, four eyes, withdrawn at once."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from mdm.errors import Refused
from mdm.mastering import contribute, merge
from mdm.models import GoldenRecord, SourceRecord
from mdm.people import AUDITOR, VIEWER
from stewardship import requests
from stewardship.lists import acting, checking, keeping
from stewardship.models import ChangeRequest, CheckedList, CheckedRow, Decision
from tests.factories import reload, supplier, why
from tests.stewardship import sending
from tests.stewardship.pages import client_of, outsider, text_of, traces
from tests.stewardship.questions import someone
from tests.stewardship.test_lists import form_of, outsider_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _folder(settings: Any, tmp_path: Path) -> None:
    sending.in_folder(settings, tmp_path)


@pytest.fixture
def user() -> User:
    return someone("Vera Viewer", VIEWER)


@pytest.fixture
def vera(user: User) -> Client:
    return client_of(user)


@pytest.fixture
def records() -> list[GoldenRecord]:
    return [supplier(f"V{n}", f"Vendor Number {n}", phone=f"+1619555010{n}", tax_id=f"84136885{n}") for n in range(4)]


def drop(client: Client, content: str, **typed: str) -> Any:
    sent = {"file": sending.file(content, "changes.csv"), "purpose": "change", **typed}
    return client.post("/lists/send/", sent, follow=True)


def checked(client: Client, content: str, **typed: str) -> CheckedList:
    """A list of changes dropped, its columns taken as proposed, checked to the end."""
    page = drop(client, content)
    one = CheckedList.objects.latest("created_at")
    form = form_of(page, naming=page.context["one"].naming) | typed
    answer = client.post(f"/lists/{one.pk}/columns/", form)
    assert answer.status_code == 302, text_of(answer)
    assert checking.check(one.pk) == "checked"
    one.refresh_from_db()
    return one


def outcomes(one: CheckedList) -> list[str]:
    return list(one.rows.order_by("line").values_list("outcome", flat=True))


def said(one: CheckedList, line: int) -> str:
    row = one.rows.get(line=line)
    return " ".join(text for _, text in (*row.problems, *row.warnings))


def test_each_row_shows_what_it_would_change_and_nothing_is_written(vera: Client, records: list[GoldenRecord]) -> None:
    first, second, third, _ = records
    before = (traces(), SourceRecord.objects.count())
    one = checked(
        vera,
        f"Code,Vendor Name,Phone\n{first.code},Vendor Zero,\n{second.code},Vendor Number 1,(619) 555-0101\n"
        f"{third.code},,(empty)\nSUP-9999999,X,\n,Y,\n",
    )
    assert one.naming == "Code"
    assert outcomes(one) == ["changed", "same", "changed", "wrong", "wrong"]
    row = one.rows.get(line=2)
    assert (row.values, row.before) == ({"name": "Vendor Zero"}, {"name": "Vendor Number 0"})
    assert one.rows.get(line=4).values == {"phone": None}
    assert "There is no supplier “SUP-9999999”" in said(one, 5)
    assert "names no record" in said(one, 6)
    page = text_of(vera.get(f"/lists/{one.pk}/?show=changed"))
    assert "Vendor Number 0" in page
    assert "Vendor Zero" in page
    assert "no value" in page
    assert "Propose 2 changes" in page
    assert (traces(), SourceRecord.objects.count()) == before


def test_records_are_named_by_id_key_identifier_and_merged_codes(vera: Client, records: list[GoldenRecord]) -> None:
    by_id, by_key, by_tax, gone = records
    merge(winner_id=by_id.pk, loser_ids=[gone.pk], expected={}, cause=why())
    listed = f"Which,Phone\n{by_tax.pk},1\nV1,(619) 555-0999\n84-1368850,(619) 555-0998\n"
    one = checked(vera, listed, naming="Which", source="erp", **{"target-0": "", "target-1": "phone"})
    assert [row.record_id for row in one.rows.order_by("line")] == [by_tax.pk, by_key.pk, by_id.pk]
    assert outcomes(one)[1:] == ["changed", "changed"]
    one = checked(vera, f"Which,Phone\n{gone.code},(619) 555-0997\n", naming="Which")
    assert one.rows.get().record_id == by_id.pk


def test_proposed_as_one_act_approved_by_others_and_withdrawn_at_once(
    vera: Client, user: User, records: list[GoldenRecord]
) -> None:
    lines = "".join(f"{record.code},Vendor New {n}\n" for n, record in enumerate(records))
    one = checked(vera, f"Code,Vendor Name\n{lines}")
    refused = vera.post(f"/lists/{one.pk}/propose/", {"reason": " "})
    assert refused.status_code == 422
    assert not ChangeRequest.objects.exists()
    # The last one moves on between the check and the act.
    contribute(record_id=records[3].pk, values={"phone": "+16195550199"}, expected=None, cause=why())
    vera.post(f"/lists/{one.pk}/propose/", {"reason": "After the merger"})
    assert "Proposing" in text_of(vera.get(f"/lists/{one.pk}/"))
    assert [acting.carry_out(one.pk), acting.carry_out(one.pk)] == ["proposed", ""]
    one.refresh_from_db()
    assert outcomes(one) == ["proposed", "proposed", "proposed", "failed"]
    made = list(ChangeRequest.objects.order_by("requested_at"))
    assert {(r.requested_by, r.reason, r.state) for r in made} == {(user, "After the merger", "open")}
    assert {d.correlation_id for d in Decision.objects.all()} == {one.correlation_id}
    page = text_of(vera.get(f"/lists/{one.pk}/"))
    assert "The 1 not proposed, with reasons" in page
    failures = b"".join(vera.get(f"/lists/{one.pk}/checked.csv?show=failed").streaming_content).decode()  # type: ignore[attr-defined]
    assert failures.count("\r\n") == 2
    assert "changed after the list was checked" in failures
    assert len(vera.get(f"/requests/?list={one.pk}").context["rows"]) == 3
    assert "Proposed together with others" in text_of(vera.get(f"/requests/{made[0].pk}/"))
    # Four eyes hold for each.
    with pytest.raises(Refused):
        requests.approve(request_id=made[0].pk, digest=made[0].digest, user=user)
    requests.approve(request_id=made[0].pk, digest=made[0].digest, user=someone("Stella Steward"))
    assert reload(records[0].pk).title == "Vendor New 0"
    vera.post(f"/lists/{one.pk}/withdraw/")
    assert acting.carry_out(one.pk) == "withdrawn"
    assert outcomes(one) == ["decided", "withdrawn", "withdrawn", "failed"]
    assert sorted(ChangeRequest.objects.values_list("state", flat=True)) == ["approved", "withdrawn", "withdrawn"]
    assert vera.post(f"/lists/{one.pk}/withdraw/").status_code == 409
    assert vera.post(f"/lists/{one.pk}/propose/", {"reason": "again"}).status_code == 409
    assert vera.post(f"/lists/{one.pk}/columns/", form_of(vera.get(f"/lists/{one.pk}/columns/"))).status_code == 409


def test_a_value_somebody_proposed_already_is_told_and_proposed_only_when_asked_for(
    vera: Client, records: list[GoldenRecord]
) -> None:
    one = records[0]
    requests.propose(
        record_id=one.pk, values={"name": "Other"}, base_version=one.version, reason="r", user=someone("Stella Steward")
    )
    listed = checked(vera, f"Code,Vendor Name,Phone\n{one.code},Vendor Zero,\n{records[1].code},,(619) 555-0999\n")
    assert outcomes(listed) == ["beside", "changed"]
    assert "Stella Steward proposed a value already." in said(listed, 2)
    acting.propose_all(list_id=listed.pk, user=listed.owner, reason="because", beside=True)
    acting.carry_out(listed.pk)
    assert outcomes(listed) == ["proposed", "proposed"]
    again = checked(vera, f"Code,Vendor Name\n{one.code},Vendor Zero\n")
    assert vera.post(f"/lists/{again.pk}/propose/", {"reason": "because"}).status_code == 409


def test_two_rows_that_change_one_record_are_both_refused(vera: Client, records: list[GoldenRecord]) -> None:
    code = records[0].code
    one = checked(vera, f"Code,Vendor Name\n{code},One\n{code},Two\n{records[1].code},Three\n{code},Vendor Number 0\n")
    assert outcomes(one) == ["wrong", "wrong", "changed", "same"]
    assert "Rows 2, 3 change the same record" in said(one, 2)
    assert one.counts["wrong"] == 2


def test_values_that_do_not_fit_are_told_at_once(vera: Client, records: list[GoldenRecord]) -> None:
    code = records[0].code
    one = checked(
        vera,
        f"Code,Vendor Name,Website,Parent\n{code},{'x' * 10_000},x y,No Such\n"
        f"{records[1].code},<b>B</b> 🏥,,{records[1].code}\n{records[2].code},'=1+1,,\n{records[3].code},(empty),,\n",
        **{"target-2": "website", "target-3": "parent"},
    )
    text = said(one, 2)
    assert "characters are too many" in text
    assert "there is no supplier “No Such”" in text
    assert "is not a web address" in text
    assert "cannot refer to itself" in said(one, 3)
    assert one.rows.get(line=4).values == {"name": "=1+1"}
    assert "A supplier needs a name." in said(one, 5)
    body = vera.get(f"/lists/{one.pk}/?show=all").content.decode()
    assert "<b>B" not in body


def test_it_goes_on_where_a_worker_died_and_proposes_no_row_twice(
    vera: Client, records: list[GoldenRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acting, "SLICE", timedelta(0))
    lines = "".join(f"{record.code},Vendor New {n}\n" for n, record in enumerate(records))
    one = checked(vera, f"Code,Vendor Name\n{lines}")
    acting.propose_all(list_id=one.pk, user=one.owner, reason="because")
    assert keeping.due() == [one.pk]
    assert acting.carry_out(one.pk) == "proposing"
    CheckedList.objects.update(heartbeat_at=timezone.now())  # a worker has it
    assert (keeping.due(), acting.carry_out(one.pk)) == ([], "")
    CheckedList.objects.update(heartbeat_at=timezone.now() - 2 * keeping.LEASE)  # and died
    assert keeping.due() == [one.pk]
    while acting.carry_out(one.pk):
        pass
    assert ChangeRequest.objects.count() == 4
    CheckedList.objects.update(created_at=timezone.now() - 2 * keeping.KEPT)
    assert keeping.tidy() == 0  # its changes still wait
    acting.withdraw_all(list_id=one.pk, user=one.owner)
    assert vera.post(f"/lists/{one.pk}/remove/").status_code == 409
    while acting.carry_out(one.pk):
        pass
    assert keeping.tidy() == 1
    assert ChangeRequest.objects.count() == 4


def test_only_what_a_person_may_propose_can_be_chosen_and_a_column_must_name_the_record(
    vera: Client, records: list[GoldenRecord]
) -> None:
    page = drop(vera, f"Code,Vendor Name,Bank\n{records[0].code},A,B\n")
    one = CheckedList.objects.get()
    codes = [target.code for _, targets in page.context["groups"] for target in targets]
    assert "name" in codes
    assert not [code for code in codes if code.startswith("parts.")]
    form = form_of(page, **{"target-2": "parts.bank_accounts.1.bank"})
    answer = vera.post(f"/lists/{one.pk}/columns/", form)
    assert answer.status_code == 422
    assert "Say which column names the record" in text_of(answer)
    vera.post(f"/lists/{one.pk}/columns/", form | {"naming": "Code"})
    one.refresh_from_db()
    assert one.document["attributes"] == {"name": "Vendor Name"}
    assert "parts" not in one.document


def test_auditors_and_outsiders_propose_nothing_and_colleagues_see_no_list(
    vera: Client, records: list[GoldenRecord]
) -> None:
    one = checked(vera, f"Code,Vendor Name\n{records[0].code},New\n")
    ann, nosy = client_of(someone("Ann Auditor", AUDITOR)), client_of(someone("Nosy Steward"))
    for address in ("propose/", "withdraw/"):
        assert ann.post(f"/lists/{one.pk}/{address}", {"reason": "x"}).status_code == 403
        assert nosy.post(f"/lists/{one.pk}/{address}", {"reason": "x"}).status_code == 404
    assert outsider().post(f"/lists/{one.pk}/propose/").status_code == 403
    assert outsider_of(one, "") == 403
    said_to_ann = text_of(ann.get(f"/lists/{one.pk}/"))
    assert "Would change" in said_to_ann
    assert "Propose 1 change" not in said_to_ann
    assert not ChangeRequest.objects.exists()
    assert CheckedRow.objects.get().outcome == "changed"
