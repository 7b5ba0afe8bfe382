"""One source alone survives as it would among others that say nothing."""

from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mdm.domains import DOMAINS
from mdm.spec import Domain
from mdm.survivorship import PIN_RANK, STEWARDED, Offer, Survivor, survive

MARCH = datetime(2026, 3, 1, tzinfo=UTC)
SAYINGS = st.one_of(st.none(), st.just(""), st.text("ABC ", min_size=1, max_size=4), st.integers(0, 2))
SAID = st.sampled_from(DOMAINS).flatmap(
    lambda domain: st.tuples(
        st.just(domain), st.fixed_dictionaries({}, optional={a.name: SAYINGS for a in domain.attributes})
    )
)


def offer(values: dict[str, Any], *, rank: int = 5, record: int = 1) -> Offer:
    return Offer(record, f"system {record}", f"key {record}", rank, MARCH, values, {})


def told(found: dict[str, Survivor]) -> dict[str, tuple[Any, int, str]]:
    return {name: (one.value, one.offer.source_record, one.rule) for name, one in found.items()}


@given(SAID)
def test_a_source_alone_says_what_it_says_beside_a_silent_one(said: tuple[Domain, dict[str, Any]]) -> None:
    domain, values = said
    alone = survive(domain.attributes, [offer(values)])
    beside = survive(domain.attributes, [offer(values), offer({}, rank=9, record=2)])
    assert told(alone) == told(beside)


def test_an_approved_edit_alone_may_say_that_there_is_no_value() -> None:
    domain = DOMAINS[0]
    name = domain.attributes[0].name
    found = survive(domain.attributes, [offer({name: None}, rank=PIN_RANK)])
    assert told(found) == {name: (None, 1, STEWARDED)}
