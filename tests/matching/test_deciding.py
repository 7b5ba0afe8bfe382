"""Which newcomers are one thing, and which golden record they are."""

from uuid import UUID, uuid4

from matching.asking import group, suspected
from matching.deciding import Decisions, decide
from matching.known import Known, Scored, ordered
from matching.scoring import shares
from mdm.domains import BY_NAME

SUPPLIER = BY_NAME["supplier"].matching
FACILITY = BY_NAME["facility"].matching
ERP, AP, BILLING = 1, 2, 3
G1, G2 = UUID(int=1), UUID(int=2)


def known(
    number: int, system: int = ERP, golden: UUID | None = None, *, stub: bool = False, probe: bool = False, **texts: str
) -> Known:
    return Known(number, system, {name: (text,) for name, text in texts.items()}, golden, stub, probe)


def decided(*records: Known, domain: str = "supplier", apart: set[tuple[int, int]] | None = None) -> Decisions:
    scored = Scored(BY_NAME[domain].matching, {r.id: r for r in records}, shares({}), apart or set())
    return decide(scored, {ordered(a.id, b.id) for a in records for b in records if a.id != b.id})


def groups(decisions: Decisions) -> dict[tuple[int, ...], UUID | None]:
    return {tuple(sorted(joined.records)): joined.golden for joined in decisions.joined}


def test_newcomers_of_one_name_become_one_golden_record() -> None:
    found = decided(known(1, core="acme"), known(2, AP, core="acme"), known(3, AP, core="zenith"))
    assert groups(found) == {(1, 2): None, (3,): None}
    assert not found.resemblances


def test_a_newcomer_joins_the_golden_record_it_agrees_with() -> None:
    found = decided(known(1, golden=G1, core="acme", tax="1"), known(2, AP, core="acme", tax="1"))
    assert groups(found) == {(2,): G1}
    other, score = found.joined[0].evidence[2]
    assert other == 1
    assert score.probability >= SUPPLIER.auto


def test_a_linked_stub_that_resembles_others_does_not_keep_the_decision_going_round() -> None:
    found = decided(
        known(1, golden=G1, core="acme", tax="1", probe=True),
        known(2, AP, golden=G1, core="acme", stub=True),
        known(3, AP, core="acme", tax="1"),
    )
    assert groups(found) == {(3,): G1}


def test_a_hard_identifier_that_differs_forbids_the_link_but_asks() -> None:
    found = decided(
        known(1, golden=G1, core="acme", tax="1", phone="15551234567"),
        known(2, AP, core="acme", tax="2", phone="15551234567"),
    )
    assert groups(found) == {(2,): None}
    assert [(r.left, r.right) for r in found.resemblances] in ([(G1, 0)], [(0, G1)])
    assert found.resemblances[0].pairs[0][2].vetoes == ("Tax id",)


def test_a_record_a_person_merged_may_hold_two_hard_identifiers() -> None:
    found = decided(
        known(1, golden=G1, core="acme", tax="1"),
        known(2, golden=G1, core="zenith", tax="2"),
        known(3, AP, core="acme", tax="1"),
        known(4, AP, core="acme", tax="3"),
    )
    assert groups(found) == {(3,): G1, (4,): None}


def test_two_golden_records_as_good_as_each_other_are_a_question() -> None:
    found = decided(
        known(1, golden=G1, core="acme", city="reno"),
        known(2, golden=G2, core="acme", city="waco"),
        known(3, AP, core="acme"),
    )
    assert groups(found) == {(3,): None}
    assert {frozenset((r.left, r.right)) for r in found.resemblances} == {frozenset((G1, 0)), frozenset((G2, 0))}


def test_what_a_person_ruled_out_is_neither_linked_nor_asked() -> None:
    found = decided(known(1, golden=G1, core="acme"), known(2, AP, core="acme"), apart={(1, 2)})
    assert groups(found) == {(2,): None}
    assert not found.resemblances


def test_one_verdict_bars_the_whole_golden_record() -> None:
    """Record 3 was ruled out against one member; the other member must not bring it in."""
    found = decided(
        known(1, golden=G1, core="acme", tax="1"),
        known(2, AP, golden=G1, core="acme", tax="1"),
        known(3, BILLING, core="acme", tax="1"),
        apart={(1, 3)},
    )
    assert groups(found) == {(3,): None}
    assert not found.resemblances


def test_a_place_alone_is_never_linked_however_well_it_agrees() -> None:
    place = {"street": "1|main st", "postcode": "89501", "city": "reno"}
    found = decided(known(1, golden=G1, **place), known(2, AP, **place))
    assert groups(found) == {(2,): None}


def test_two_rows_of_a_facility_list_are_only_proposed() -> None:
    same = {"name": "holy cross hospital", "street": "1397|weimer rd", "postcode": "87571", "city": "taos"}
    found = decided(known(1, **same), known(2, **same), domain="facility")
    assert groups(found) == {(1,): None, (2,): None}
    assert len(found.resemblances) == 1


def test_departments_at_one_door_are_not_linked() -> None:
    door = {"street": "16251|sylvester rd sw", "postcode": "98166", "phone": "12062449970"}
    found = decided(
        known(1, name="highline medical center", golden=G1, **door),
        known(2, BILLING, name="regional hospital respiratory complex care", **(door | {"phone": "12062484604"})),
        domain="facility",
    )
    assert groups(found) == {(2,): None}


def test_a_stub_joins_the_one_that_bears_its_name_even_of_its_own_source() -> None:
    found = decided(
        known(1, golden=G1, name="banner lassen medical center", street="1800|spring ridge dr", city="susanville"),
        known(2, stub=True, name="banner lassen medical center"),
        known(3, BILLING, stub=True, name="banner lassen medical center"),
        domain="facility",
    )
    assert groups(found) == {(2, 3): G1}


def test_a_stub_joins_a_newcomer_decided_with_it() -> None:
    found = decided(
        known(1, name="banner lassen medical center"), known(2, stub=True, name="banner lassen medical center"),
        domain="facility",
    )  # fmt: skip
    assert groups(found) == {(1, 2): None}


def test_a_stub_of_a_commonplace_name_is_a_question() -> None:
    found = decided(
        known(1, golden=G1, name="good samaritan hospital", city="puyallup"),
        known(2, golden=G2, name="good samaritan hospital", city="corvallis"),
        known(3, BILLING, stub=True, name="good samaritan hospital"),
        domain="facility",
    )
    assert groups(found) == {(3,): None}
    assert len(found.resemblances) == 2


def test_stubs_of_a_name_nobody_bears_are_one_new_record() -> None:
    found = decided(
        known(1, stub=True, name="oshpd 106270744"), known(2, BILLING, stub=True, name="oshpd 106270744"),
        known(3, stub=True, name="oshpd 106320859"),
        domain="facility",
    )  # fmt: skip
    assert groups(found) == {(1, 2): None, (3,): None}


def test_a_record_that_arrives_after_its_stub_joins_it() -> None:
    found = decided(
        known(1, golden=G1, stub=True, core="amgen usa"), known(2, AP, core="amgen usa", tax="1", phone="18055551234")
    )
    assert groups(found) == {(2,): G1}


def test_equal_descriptions_never_make_one_item() -> None:
    found = decided(
        known(1, golden=G1, text="1 mg tablet warfarin"), known(2, AP, text="1 mg tablet warfarin"), domain="item"
    )
    assert groups(found) == {(2,): None}
    assert len(found.resemblances) == 1
    both = decided(
        known(1, golden=G1, text="1 mg tablet warfarin", ndc="1"), known(2, AP, text="1 mg tablet warfarin", ndc="2"),
        domain="item",
    )  # fmt: skip
    assert not both.resemblances


def test_a_changed_record_asks_about_another_golden_record_but_stays() -> None:
    found = decided(
        known(1, golden=G1, core="acme", tax="1"), known(2, AP, golden=G2, probe=True, core="acme", tax="1")
    )
    assert not found.joined
    assert {found.resemblances[0].left, found.resemblances[0].right} == {G1, G2}
    quiet = decided(known(1, golden=G1, core="acme", tax="1"), known(2, AP, golden=G2, core="acme", tax="1"))
    assert not quiet.resemblances


def test_a_question_of_newcomers_leaves_one_of_them_in_use() -> None:
    same = {"name": "holy cross hospital", "street": "1397|weimer rd", "postcode": "87571", "city": "taos"}
    found = decided(known(1, **same), known(2, **same), domain="facility")
    assert suspected(found, group(found)) == {1}


def test_questions_stay_small() -> None:
    goldens = [known(n, golden=uuid4(), core="acme", city=f"town{n}") for n in range(1, 12)]
    found = decided(*goldens, known(99, AP, core="acme"))
    questions = group(found)
    assert questions
    assert max(len(question.sides) for question in questions) <= 6
