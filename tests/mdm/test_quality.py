"""Rules of quality, and what a column of the database can hold."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mdm.domains import DOMAINS
from mdm.quality import CHECKS, Limit, failed, misfit, part_of, rounded, unlisted
from mdm.spec import Severity, Validation


def rule(check: str, *attributes: str, severity: Severity = Severity.REFUSE) -> Validation:
    return Validation(check=check, attributes=attributes, severity=severity, message="no")


@pytest.mark.parametrize(
    ("check", "attributes", "good", "bad"),
    [
        ("required", ("a", "b"), {"a": 0, "b": "x"}, {"a": "x", "b": ""}),
        ("required", ("a",), {"a": False}, {}),
        ("at_least_one", ("a", "b"), {"b": "x"}, {"a": "", "b": None}),
        ("not_a_placeholder", ("a",), {"a": "AAA INSURANCE"}, {"a": " do not use "}),
        ("not_a_placeholder", ("a",), {"a": "AAA"}, {"a": "0000"}),
        ("not_a_placeholder", ("a",), {}, {"a": "***"}),
        ("dates_in_order", ("a", "b"), {"a": "2026-01-01", "b": "2026-01-01"}, {"a": "2026-01-02", "b": "2026-01-01"}),
        ("dates_in_order", ("a", "b"), {"b": "2026-01-01"}, {"a": "2026-01-02", "b": "2025-12-31"}),
        ("not_negative", ("a",), {"a": "0"}, {"a": "-0.01"}),
        ("positive", ("a",), {"a": "0.01"}, {"a": "0"}),
    ],
)
def test_each_rule_holds_and_fails(
    check: str, attributes: tuple[str, ...], good: dict[str, object], bad: dict[str, object]
) -> None:
    asked = rule(check, *attributes)
    assert failed([asked], good) == ()
    assert failed([asked], bad) == (asked,)


def test_rules_are_told_in_order_and_by_severity() -> None:
    rules = [rule("required", "a"), rule("required", "b", severity=Severity.HOLD), rule("required", "c")]
    assert failed(rules, {"c": "x"}) == (rules[0], rules[1])
    assert failed(rules, {"c": "x"}, Severity.HOLD) == (rules[1],)


def test_a_rule_about_a_part_is_asked_of_every_row() -> None:
    asked = rule("positive", "packs.quantity")
    assert failed([asked], {"quantity": "-1"}) == ()
    assert failed([asked], {}, parts={"packs": [{"quantity": "1"}, {}]}) == ()
    assert failed([asked], {}, parts={"packs": [{"quantity": "1"}, {"quantity": "0"}]}) == (asked,)


def test_every_declared_rule_is_known_and_names_what_exists() -> None:
    for domain in DOMAINS:
        parts = {part.name: {attribute.name for attribute in part.attributes} for part in domain.parts}
        own = {attribute.name for attribute in domain.attributes}
        for declared in domain.validations:
            assert declared.check in CHECKS
            names = {name.rpartition(".")[2] for name in declared.attributes}
            assert names <= (parts[part_of(declared)] if part_of(declared) else own), declared


def test_what_a_column_cannot_hold_is_said_in_words() -> None:
    assert misfit("abc", Limit(characters=3)) == ""
    assert "4 characters" in misfit("abcd", Limit(characters=3))
    assert "out of range" in misfit(2**31, Limit(lowest=-(2**31), highest=2**31 - 1))
    assert misfit(-(2**31), Limit(lowest=-(2**31), highest=2**31 - 1)) == ""
    assert misfit("99.999", Limit(whole_digits=2)) == ""
    assert "too large" in misfit("-100", Limit(whole_digits=2))


def test_only_a_list_that_is_loaded_knows_codes() -> None:
    assert not unlisted("EUR", Limit())
    assert not unlisted("EUR", Limit(codes=frozenset()))
    assert not unlisted("EUR", Limit(codes=frozenset({"EUR"})))
    assert unlisted("EUR", Limit(codes=frozenset({"USD"})))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**9), max_value=10**9))
def test_rounding_moves_a_decimal_by_half_a_place_at_most(number: Decimal) -> None:
    text = format(number, "f")
    kept = Decimal(rounded(text, Limit(places=4)))
    assert abs(kept - number) <= Decimal("0.00005")
    assert kept == kept.quantize(Decimal("0.0001"))
    assert rounded(text, Limit()) == text
