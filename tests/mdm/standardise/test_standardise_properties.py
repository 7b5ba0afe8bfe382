"""What holds for every word and any text."""

import json

import phonenumbers
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from mdm.standardise import STANDARDISERS, Answer, Doubt, Style, Unreadable, standardise

# A busy machine must not fail a test: nothing here is judged by time.
STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

LIKELY = st.text(
    alphabet="0123456789-/. ,()+$%ABCEFNRSTUXYabcemgxl:#@\u00e9\u00df\u0130\u200e\u2022\u0661\"'", max_size=24
)
STYLES = st.sampled_from(
    [
        Style(),
        Style(date_formats=("DD-MON-YY", "MM/DD/YYYY", "YYYYMMDD", "EXCEL")),
        Style(blanks=("NA", "-999"), casing="upper"),
        Style(country="GB", casing="lower"),
    ]
)
WORDS = st.sampled_from(sorted(STANDARDISERS))


def read(word: str, raw: str, style: Style) -> Answer:
    """As `standardise`, with a refusal (which must tell a way out, and is the only error allowed) taken for a doubt."""
    try:
        return standardise(word, raw, style)
    except Unreadable as refusal:
        return Doubt(refusal.message if refusal.way_out else "")


@STEADY
@given(word=WORDS, raw=st.text(max_size=40) | LIKELY, style=STYLES)
@example(word="decimal", raw="1E999", style=Style())
@example(word="decimal", raw="\u0661\u0662", style=Style())
@example(word="account_tail", raw="\u2022\u2022\u2022\u20221234", style=Style())
def test_reading_twice_changes_nothing(word: str, raw: str, style: Style) -> None:
    answer = read(word, raw, style)
    if isinstance(answer, Doubt):
        assert answer.message
        return
    assert json.loads(json.dumps(answer)) == answer
    if answer is not None:
        assert answer != ""
        again = standardise(word, str(answer), style)
        # A value may spell the feed's word for blank only where case alone tells them apart.
        assert again == answer or (again is None and style.blanks)


@STEADY
@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9))
def test_decimals_survive_either_mark(number: object) -> None:
    written = f"{number:f}"
    assert standardise("decimal", written) == standardise("decimal", written.replace(".", ","), Style(decimal=","))


@STEADY
@example("7582000000")
@given(st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{6}", fullmatch=True))
def test_the_fast_road_of_phones_agrees_with_the_library(digits: str) -> None:
    number = phonenumbers.parse(digits, "US")
    expected = f"+1{digits}" if phonenumbers.is_valid_number(number) else None
    answer = standardise("phone", digits)
    assert (None if isinstance(answer, Doubt) else answer) == expected


@STEADY
@given(st.integers(min_value=0, max_value=10**13 - 1))
def test_a_wrong_check_digit_is_never_a_gtin(payload: int) -> None:
    body = f"{payload:013d}"
    good = [d for d in "0123456789" if isinstance(standardise("gtin", body + d), str)]
    assert len(good) == (0 if payload == 0 else 1)
