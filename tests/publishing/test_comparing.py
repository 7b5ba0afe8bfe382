"""Comparing fields: what is the same to a person is the same here, and nothing else."""

import hashlib

from publishing.comparing import bucket_digest, compare_fields

GIVEN = {
    "id": "r1",
    "code": "SUP-1",
    "attributes": {"name": "Acme", "postcode": "01234", "limit": "12.50", "parent": {"code": "SUP-9", "title": "Hold"}},
    "parts": {"bank_accounts": [{"iban": "••••"}], "lines": [{"number": "1", "price": "2.5"}, {"number": "2"}]},
    "extension": {},
}


def differing(theirs: dict[str, object], known: tuple[str, ...] = ()) -> dict[str, tuple[object, object]]:
    return {one.field: (one.ours, one.theirs) for one in compare_fields(GIVEN, theirs, known).differing}


def test_equal_values_in_another_spelling_are_equal() -> None:
    assert differing({"attributes": {"name": " Acme ", "limit": 12.5, "parent": {"code": "SUP-9"}}}) == {}
    assert differing({"name": "Acme", "attributes.limit": "12.500", "note": ""}, ("attributes.note",)) == {}
    assert differing({"parts": {"lines": [{"number": "2"}, {"number": 1, "price": 2.5, "unit": None}]}}) == {}


def test_an_altered_value_is_named_with_both_sides() -> None:
    assert differing({"name": "Acme Inc"}) == {"attributes.name": ("Acme", "Acme Inc")}
    assert differing({"attributes": {"postcode": 1234}}) == {"attributes.postcode": ("01234", 1234)}
    assert differing({"attributes": {"parent": None}})["attributes.parent"][1] is None
    assert "parts.lines" in differing({"lines": [{"number": "1"}]})
    assert differing({"phone": "5"}, ("attributes.phone",)) == {"attributes.phone": (None, "5")}


def test_what_was_given_as_dots_is_the_targets_own() -> None:
    assert differing({"parts": {"bank_accounts": [{"iban": "DE02"}]}}) == {}


def test_fields_nobody_gave_are_named_and_not_judged() -> None:
    compared = compare_fields(GIVEN, {"colour": "red", "name": "Acme"})
    assert (compared.unknown, compared.differing, compared.complete) == (("colour",), (), False)
    assert compare_fields(GIVEN, GIVEN).complete


def test_the_digest_of_a_bucket_is_the_one_of_its_sorted_lines() -> None:
    expected = hashlib.sha256(b"a:1:x\nb:2:\n").hexdigest()
    assert bucket_digest([("b", 2, ""), ("a", 1, "x")]) == expected
