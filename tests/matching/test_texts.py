"""Texts in few bytes: the same sequence as a list of them."""

from hypothesis import given
from hypothesis import strategies as st

from matching.engine.texts import AT_ONCE, Texts


@given(st.lists(st.text(max_size=5), max_size=5), st.integers(0, 3))
def test_texts_are_what_was_put_in(some: list[str], times: int) -> None:
    many = some * (times * AT_ONCE // 3)
    whole = [text.replace("\0", "\u2400") for text in many + some]
    texts = Texts(many)
    texts.extend(some)
    held = [text.replace("\0", "\u2400") for text in texts]
    assert held == whole
    assert len(texts) == len(whole)
    assert texts.longest == max(map(len, whole), default=0)
    assert [text.replace("\0", "\u2400") for text in texts[-3:]] == whole[-3:]
    assert all(texts[at].replace("\0", "\u2400") == whole[at] for at in range(0, len(whole), 700))
