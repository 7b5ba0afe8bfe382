"""Targets have their own words for our codes: kept by verbs, with history, missing ones told before they are met."""

from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from mdm.code_lists import load_code_lists
from mdm.errors import Invalid, NotFound
from mdm.models import CodeTranslation
from publishing.models import Endpoint
from publishing.translating import (
    codes_without_word,
    load_translations,
    remove_translation,
    set_translation,
    translations_of,
    waiting_for_words,
)
from publishing.verbs import release
from tests.factories import publish, supplier
from tests.publishing.making import OWNER, Target, rest, run, states

pytestmark = pytest.mark.django_db

TERMS = {"supplier": [{"to": "Terms", "from": "attributes.payment_terms", "translate": "payment_terms"}]}


@pytest.fixture
def endpoint(target: Target) -> Endpoint:
    load_code_lists()
    return rest(target.url, mapping=TERMS)


def words(endpoint: Endpoint) -> dict[str, str]:
    return {row.code_value.code: row.theirs for row in translations_of(endpoint)}


def test_a_word_is_set_changed_and_removed_with_history(endpoint: Endpoint) -> None:
    given = {"endpoint": endpoint, "code_set": "payment_terms", "code": "N30", "by": OWNER}
    set_translation(**given, theirs=" Z030 ", reason="go-live")
    set_translation(**given, theirs="Z030", reason="again")
    set_translation(**given, theirs="ZB30", reason="renamed there")
    assert words(endpoint) == {"N30": "ZB30"}
    remove_translation(**given, reason="not used any more")
    assert words(endpoint) == {}
    with pytest.raises(NotFound):
        remove_translation(**given)
    told = CodeTranslation.history.order_by("history_id").values_list("theirs", "history_change_reason", "history_type")
    assert list(told) == [
        ("Z030", "go-live", "+"), ("ZB30", "renamed there", "~"), ("ZB30", "not used any more", "-"),
    ]  # fmt: skip


def test_every_fault_of_a_list_is_named_and_nothing_is_kept(endpoint: Endpoint) -> None:
    rows = [
        ("payment_terms", "N30", "Z030"), ("payment_term", "N45", "Z045"), ("payment_terms", "N33", "Z033"),
        ("payment_terms", "N60", " "), ("payment_terms", "N30", "Z031"),
    ]  # fmt: skip
    with pytest.raises(Invalid) as refused:
        load_translations(endpoint=endpoint, rows=rows, by=OWNER)
    problems = dict(refused.value.problems)
    assert sorted(problems) == ["line 3", "line 4", "line 5", "line 6"]
    assert "Did you mean payment_terms?" in problems["line 3"]
    assert "has no code N33" in problems["line 4"]
    assert "given twice" in problems["line 6"]
    assert words(endpoint) == {}


def test_the_command_loads_a_file_and_says_what_waits(endpoint: Endpoint, tmp_path: Path, target: Target) -> None:
    supplier("K1", "Acme", payment_terms="N30")
    supplier("K2", "Bravo", payment_terms="N30")
    supplier("K3", "Waiting", payment_terms="N45", state="pending")
    publish()
    [missing] = codes_without_word(endpoint)
    assert (missing.code, missing.label, missing.field, missing.records) == ("N30", "Net 30 days", "Terms", 2)
    run(endpoint)
    assert set(waiting_for_words(endpoint).values_list("state", flat=True)) == {"parked"}
    file = tmp_path / "words.csv"
    file.write_text("code_set,code,theirs\npayment_terms,N30,Z030\npayment_terms,N45,Z045\n")
    said = StringIO()
    call_command("load_translations", "push", str(file), stdout=said)
    assert "2 of its words changed" in said.getvalue()
    assert "release them" in said.getvalue()
    assert codes_without_word(endpoint) == []
    parked = list(waiting_for_words(endpoint).values_list("pk", flat=True))
    assert release(deliveries=parked, by=OWNER) == len(parked) >= 2
    run(endpoint)
    assert [call.json for call in target.calls[:2]] == [{"Terms": "Z030"}, {"Terms": "Z030"}]
    assert "parked" not in states(endpoint)
    call_command("load_translations", "push", str(file), stdout=said)
    assert "0 of its words changed" in said.getvalue()
    for name, text, told in (
        ("nobody", "", "There is no endpoint nobody. There are: push."),
        ("push", "code,theirs\n", "lacks code_set. Its first line has to be code_set,code,theirs"),
        ("push", "code_set,code,theirs\npayment_terms,N99,x\n", "line 2: payment_terms has no code N99."),
        ("push", "code_set,code,theirs\npayment_terms,N30,a\0b\n", "line 2: A word holds no characters of value zero."),
    ):
        file.write_text(text)
        with pytest.raises(CommandError, match=told):
            call_command("load_translations", name, str(file))
