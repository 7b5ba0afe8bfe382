"""Search before create: exact, misspelt, half typed; bounded whatever is common; nothing is written."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching import searching, wordlist
from matching.models import MatchCandidate, NameWord
from matching.preparing import prepare
from matching.searching import Searched, search
from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid
from mdm.intake.given import broken, read_given
from mdm.mastering import merge
from mdm.models import ChangeEvent, GoldenRecord, SourceRecord
from mdm.spec import Severity
from tests.matching.conftest import Run, golden_of
from tests.mdm.making import source, why

pytestmark = pytest.mark.django_db

SUPPLIER = BY_NAME["supplier"]
RENO = {"addresses": [{"role": "order", "line1": "12 Mill Road", "city": "Reno", "postcode": "89501"}]}


def supplier(key: str, name: str, system: str = "erp", **values: object) -> SourceRecord:
    return source(system, "supplier", key, name=name, **values)


def asked(limit: int = 10, parts: object = None, domain: str = "supplier", **attributes: object) -> Searched:
    read = read_given(BY_NAME[domain], attributes, parts)
    return search(BY_NAME[domain], read.values, read.parts, limit)


def titles(found: Searched) -> list[str]:
    return [one.title for one in found.found]


def made(record: SourceRecord) -> GoldenRecord:
    return GoldenRecord.objects.get(pk=golden_of(record))


@pytest.fixture
def hub(run: Run) -> dict[str, GoldenRecord]:
    """A few suppliers, two of them near each other."""
    records = {
        "waters": supplier("V1", "Waters Corporation", tax_id="133668640", phone="+15084782000"),
        "medtronic": supplier("V2", "Medtronic Inc", parts=RENO),
        "zimmer": supplier("V3", "Zimmer Biomet Holdings"),
        "water": supplier("V4", "Waterside Pumps LLC"),
    }
    run("supplier")
    return {name: made(record) for name, record in records.items()}


def test_what_matching_would_link_by_itself_is_said_to_be_the_same(hub: dict[str, GoldenRecord]) -> None:
    found = asked(name="WATERS CORP", tax_id="13-3668640")
    best = found.found[0]
    assert (best.record, best.band, found.band) == (hub["waters"].pk, "auto", "auto")
    assert (best.code, best.system, best.key) == (hub["waters"].code, "erp", "V1")
    assert best.sentence == "Tax id and name agree."
    assert sum(one["weight"] for one in best.score.explanation()) + SUPPLIER.matching.prior == pytest.approx(
        best.score.bits, abs=0.05
    )


@pytest.mark.parametrize("typed", ["Medt", "medtron", "Medtornic", "Medtronik Incorporated", "MEDTRONIC"])
def test_half_a_name_and_a_misspelt_name_find_it(hub: dict[str, GoldenRecord], typed: str) -> None:
    assert "Medtronic Inc" in titles(asked(name=typed))


def test_one_misspelt_word_of_several_finds_it(hub: dict[str, GoldenRecord]) -> None:
    assert titles(asked(name="Zimer Biomet"))[0] == "Zimmer Biomet Holdings"
    assert titles(asked(name="Biomet Zimmer Hold"))[0] == "Zimmer Biomet Holdings"


def test_nobody_alike_is_an_empty_answer_and_nothing_comparable_says_so(hub: dict[str, GoldenRecord]) -> None:
    nobody = asked(name="Quixotic Ventures")
    assert (nobody.found, nobody.band) == ((), "new")
    nothing = asked(currency="USD")
    assert nothing.found == ()
    assert "Give a name or an identifier." in nothing.left_out[0][1]


def test_another_tax_id_is_a_veto_and_asks_for_a_person(hub: dict[str, GoldenRecord]) -> None:
    best = asked(name="Waters Corporation", phone="+15084782000", tax_id="98-7654321").found[0]
    assert best.score.vetoes == ("Tax id",)
    assert best.band != "auto"


def test_a_veto_is_lifted_where_another_source_record_agrees(run: Run, hub: dict[str, GoldenRecord]) -> None:
    other = supplier("000001", "Waters Technologies", "ap", tax_id="987654321")
    run("supplier")
    merge(winner_id=hub["waters"].pk, loser_ids=[made(other).pk], expected={}, cause=why())
    best = asked(name="Waters Corporation", tax_id="98-7654321").found[0]
    assert (best.record, best.score.vetoes) == (hub["waters"].pk, ())
    assert len(asked(name="Waters").found) == len({one.record for one in asked(name="Waters").found})


def test_two_that_are_equally_near_are_left_to_a_person(run: Run) -> None:
    supplier("V1", "Apex Labs", tax_id="133668640")
    supplier("V2", "Apex Labs", tax_id="987654321")
    run("supplier")
    found = asked(name="Apex Labs")
    assert len(found.likely) == 2
    assert found.band == "review"


def test_addresses_count_and_merged_records_answer_under_their_winner(run: Run, hub: dict[str, GoldenRecord]) -> None:
    found = asked(name="Medtronic", parts=RENO)
    assert "Postcode" in {one["label"] for one in found.found[0].score.explanation()}
    merge(winner_id=hub["waters"].pk, loser_ids=[hub["medtronic"].pk], expected={}, cause=why())
    again = asked(name="Medtronic", parts=RENO).found[0]
    assert (again.record, again.key) == (hub["waters"].pk, "V2")


def test_searching_writes_nothing(hub: dict[str, GoldenRecord]) -> None:
    def counts() -> list[int]:
        return [model.objects.count() for model in (SourceRecord, GoldenRecord, ChangeEvent, MatchCandidate, NameWord)]

    before = counts()
    asked(name="Waters Corp", tax_id="13-3668640", parts=RENO)
    assert counts() == before


def test_a_record_that_waits_is_told_of_and_not_shown(hub: dict[str, GoldenRecord]) -> None:
    supplier("V9", "Waters Corporation")
    prepare(SUPPLIER)
    found = asked(name="Waters Corporation")
    assert [one.key for one in found.likely] == ["V1"]
    assert ("", "1 record that arrived a moment ago waits to be matched.") in found.left_out


def test_a_crowded_value_is_read_up_to_its_cap_and_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(8):
        supplier(
            f"V{number}", f"Branch {number}", system=f"s{number}", phone="+15084782000", tax_id=f"13366864{number}"
        )
    run("supplier")
    narrow = replace(SUPPLIER, matching=replace(SUPPLIER.matching, block_cap=5))
    monkeypatch.setattr(searching, "in_force", lambda _: narrow)
    found = search(SUPPLIER, {"phone": "+15084782000"}, {})
    assert found.compared == 5
    assert ("", "More than 5 records share its phone; 5 of them were compared.") in found.left_out


def test_where_words_take_too_long_the_keys_still_answer(
    hub: dict[str, GoldenRecord], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(*_: object) -> None:
        with wordlist.connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")

    monkeypatch.setattr(searching, "_MILLISECONDS", 50)
    monkeypatch.setattr(wordlist, "meant", slow)
    found = asked(name="Waters Corporation")
    assert titles(found)[0] == "Waters Corporation"
    assert "took too long" in found.left_out[0][1]
    with wordlist.connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_a_misspelt_common_word_is_still_the_common_one(run: Run) -> None:
    for number in range(40):
        supplier(
            f"V{number}",
            f"Medical Partner {chr(65 + number // 26)}{chr(65 + number % 26)}",
            tax_id=f"1336686{number:02}",
        )
    wanted = supplier("V99", "Northgate Medical", tax_id="987654321")
    run("supplier")
    # A list that has seen many slips of the word, all of them nearer to the next slip than the word itself.
    slips = [f"medicl{letter}" for letter in "abcdefghijkmnopqrstuvwxyz"]
    wordlist.learn(SUPPLIER, slips)
    with wordlist.connection.cursor() as cursor:
        cursor.execute("ANALYZE matching_prepared")
    assert asked(name="Northgat Mediclal").found[0].record == golden_of(wanted)


def test_what_a_word_may_mean_is_bounded(run: Run) -> None:
    wordlist.learn(SUPPLIER, [f"north{number:04}" for number in range(500)])
    groups, _ = wordlist.meant(SUPPLIER, ["north", "n"])
    assert 0 < len(groups["north"]) <= 2 * wordlist.TRIED
    assert "n" not in groups


@pytest.mark.parametrize("domain", [domain.name for domain in DOMAINS])
def test_every_domain_can_be_searched_by_what_it_is_called(run: Run, domain: str) -> None:
    declared = BY_NAME[domain]
    record = source("erp", domain, "K1", **{declared.title: "Northgate 4711"})
    run(domain)
    found = asked(domain=domain, **{declared.title: "Northgate 4711"})
    assert golden_of(record) in {one.record for one in found.found} or not declared.matching.names


def test_a_reference_is_understood_by_code_id_and_key(run: Run) -> None:
    maker = supplier("V1", "Acme")
    run("supplier")
    code, pk = made(maker).code, str(made(maker).pk)
    item = BY_NAME["item"]
    for given_as in (code, pk, {"record": pk}, {"system": "erp", "key": "V1"}):
        read = read_given(item, {"manufacturer": given_as, "manufacturer_part_number": "A-1"})
        assert read.values["manufacturer"] == {"record": pk}
    unknown = read_given(item, {"manufacturer": "Nobody Inc"})
    assert unknown.values["manufacturer"]["key"] == "Nobody Inc"


def test_values_are_read_as_a_feed_reads_them_and_what_cannot_be_read_is_told() -> None:
    read = read_given(SUPPLIER, {"name": " Acme  Inc ", "tax_id": "13-3668640", "duns": "12"}, RENO)
    assert read.values["name"] == "Acme Inc"
    assert read.parts["addresses"][0]["postcode"] == "89501"
    assert [place for place, _ in (*read.unread, *read.doubted)] == ["attributes.duns"]
    nameless = read_given(SUPPLIER, {"tax_id": "13-3668640"})
    assert broken(SUPPLIER, nameless, Severity.REFUSE) == [("attributes.name", "A supplier needs a name.")]


def test_every_fault_of_the_shape_is_named_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        read_given(
            SUPPLIER,
            {"nmae": "x", "name": ["a"], "phone": "x" * 5000},
            {"adresses": [], "names": {}, "addresses": ["x", {"street": "y"}]},
        )
    assert {place for place, _ in refused.value.problems} == {
        "attributes.nmae", "attributes.name", "attributes.phone", "parts.adresses", "parts.names",
        "parts.addresses[0]", "parts.addresses[1].street",
    }  # fmt: skip
    for wrong in ("text", ["x"], 5):
        with pytest.raises(Invalid):
            read_given(SUPPLIER, wrong, wrong)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(max_size=300), phone=st.text(max_size=30), street=st.text(max_size=60))
def test_whatever_is_typed_is_answered(hub: dict[str, GoldenRecord], name: str, phone: str, street: str) -> None:
    clean = [text.replace("\x00", "") for text in (name, phone, street)]
    found = asked(name=clean[0], phone=clean[1], parts={"addresses": [{"line1": clean[2]}]})
    bits = [one.score.bits for one in found.found]
    assert bits == sorted(bits, reverse=True)
    assert len({one.record for one in found.found}) == len(found.found) <= 10
