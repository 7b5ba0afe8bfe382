"""Every answer and every failure leads to one business code, with whose task it is and what helps."""

import pytest

from publishing import outcomes
from publishing.advice import BY_CODE, Owner
from publishing.outcomes import Fate, Outcome, of_http
from publishing.sending import BY_FAILURE

KNOWN = {value.code: value for value in vars(outcomes).values() if isinstance(value, Outcome)} | {
    outcome.code: outcome for outcome in outcomes.BY_HTTP_CODE.values()
}
STEWARD, INTEGRATOR, OPERATOR = Owner.STEWARD, Owner.INTEGRATOR, Owner.OPERATOR
NOBODY = {"ACCEPTED", "UNSENT", "NOT_HELD", "LEFT_OUT"}


@pytest.mark.parametrize(
    ("code", "body", "name", "fate", "owner"),
    [
        (302, "", "TARGET_REDIRECTED", Fate.FAILED, INTEGRATOR),
        (400, "", "REJECTED_VALIDATION", Fate.REFUSED, STEWARD),
        (401, "", "AUTH_REJECTED", Fate.FAILED, INTEGRATOR),
        (403, "", "AUTH_REJECTED", Fate.FAILED, INTEGRATOR),
        (404, "", "REJECTED_NOT_FOUND", Fate.REFUSED, INTEGRATOR),
        (405, "", "METHOD_REJECTED", Fate.FAILED, INTEGRATOR),
        (407, "", "AUTH_REJECTED", Fate.FAILED, INTEGRATOR),
        (408, "", "TIMEOUT_UNKNOWN", Fate.FAILED, OPERATOR),
        (409, "", "CONFLICT_NEWER", Fate.REFUSED, STEWARD),
        (410, "", "GONE", Fate.GONE, INTEGRATOR),
        (412, "", "CONFLICT_NEWER", Fate.REFUSED, STEWARD),
        (413, "", "REJECTED_TOO_LARGE", Fate.REFUSED, INTEGRATOR),
        (415, "", "REJECTED_FORMAT", Fate.REFUSED, INTEGRATOR),
        (418, "", "REJECTED_VALIDATION", Fate.REFUSED, STEWARD),
        (421, "", "TARGET_DOWN", Fate.FAILED, OPERATOR),
        (422, "", "REJECTED_VALIDATION", Fate.REFUSED, STEWARD),
        (422, '{"type": "urn:unknown-reference"}', "REJECTED_UNKNOWN_REFERENCE", Fate.REFUSED, STEWARD),
        (425, "", "TARGET_DOWN", Fate.FAILED, OPERATOR),
        (429, "", "RATE_LIMITED", Fate.FAILED, INTEGRATOR),
        (500, "", "TARGET_DOWN", Fate.FAILED, OPERATOR),
        (502, "", "TARGET_DOWN", Fate.FAILED, OPERATOR),
        (503, "", "TARGET_DOWN", Fate.FAILED, OPERATOR),
        (504, "", "TARGET_DOWN", Fate.FAILED, OPERATOR),
    ],
)
def test_each_answer_has_one_code_and_one_owner(code: int, body: str, name: str, fate: Fate, owner: Owner) -> None:
    outcome = of_http(code, body)
    assert (outcome.code, outcome.fate, outcome.owner) == (name, fate, owner)


@pytest.mark.parametrize(
    ("failure", "name", "owner"),
    [
        ("blocked", "BLOCKED_BY_POLICY", OPERATOR),
        ("certificate", "CERT_INVALID", OPERATOR),
        ("unreachable", "TARGET_UNREACHABLE", OPERATOR),
        ("timeout", "TIMEOUT_UNKNOWN", OPERATOR),
        ("broken", "ANSWER_BROKEN", OPERATOR),
    ],
)
def test_each_failure_to_get_an_answer_has_one_too(failure: str, name: str, owner: Owner) -> None:
    assert (BY_FAILURE[failure].code, BY_FAILURE[failure].owner) == (name, owner)


def test_no_code_is_without_owner_and_way_out() -> None:
    assert set(KNOWN) - NOBODY <= set(BY_CODE)
    for code in set(KNOWN) - NOBODY:
        assert KNOWN[code].way_out == BY_CODE[code].way_out != ""


def test_a_code_the_target_lacks_a_word_for_is_the_integrators() -> None:
    assert (outcomes.NO_TRANSLATION.code, outcomes.NO_TRANSLATION.owner) == ("NO_TRANSLATION", INTEGRATOR)
