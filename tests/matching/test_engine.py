"""The engine without a database: columns, candidates, words, weights, and whole records from texts to odds."""

from itertools import combinations

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matching.comparisons import slip_shares
from matching.engine import goods, organisations
from matching.engine.candidates import Pairs, keys_of, sharing, united
from matching.engine.columns import Column, Numbers, Shares, compare
from matching.engine.evidence import identifiers
from matching.engine.learning import learn
from matching.engine.spelling import Spelling
from matching.engine.words import Words

STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NAMES_OF_WORDS = ("medical", "medicl", "med", "mdcl", "acme", "acm", "surgical", "surg", "zenith")
TEXTS = st.lists(st.lists(st.sampled_from("abcdef"), max_size=3), min_size=1, max_size=12)


def numbers(*given: int) -> Numbers:
    return np.array(given, dtype=np.int64)


@STEADY
@given(TEXTS)
def test_the_best_of_all_texts_counts_and_silence_says_nothing(lists: list[list[str]]) -> None:
    column = Column.of(lists)
    left, right = (numbers(*side) for side in zip(*combinations(range(len(lists) + 1), 2), strict=True))
    left, right = left % len(lists), right % len(lists)

    def nearness(one: Numbers, other: Numbers) -> Shares:
        return np.array(
            [1 - abs(ord(column.texts[a]) - ord(column.texts[b])) / 10 for a, b in zip(one, other, strict=True)],
            dtype=np.float32,
        )

    found = compare(column, left, right, nearness)
    for a, b, share in zip(left, right, found, strict=True):
        every = [1 - abs(ord(x) - ord(y)) / 10 for x in lists[a] for y in lists[b]]
        assert np.isnan(share) if not every else np.isclose(share, max(every))


@STEADY
@given(TEXTS, st.integers(2, 6))
def test_each_pair_that_shares_a_key_is_found_once(lists: list[list[str]], cap: int) -> None:
    column = Column.of(lists)
    pairs, over, most = sharing(*keys_of([column], 0), cap)
    bearers = {text: {n for n, texts in enumerate(lists) if text in texts} for text in "abcdef"}
    expected = {pair for who in bearers.values() if len(who) <= cap for pair in combinations(sorted(who), 2)}
    found = united([pairs, pairs], len(lists))
    assert list(zip(found.left.tolist(), found.right.tolist(), strict=True)) == sorted(expected)
    assert (over, most) == (
        sum(len(who) > cap for who in bearers.values()),
        max((len(who) for who in bearers.values() if len(who) > cap), default=0),
    )


def test_a_key_shared_by_many_is_affordable_in_a_small_file_only() -> None:
    column = Column.of([["common"]] * 50)
    records, keys = keys_of([column], 0)
    assert len(sharing(records, keys, 20)[0]) == 0
    assert len(sharing(records, keys, 20, budget=50 * 49 // 2)[0]) == 50 * 49 // 2


def test_rare_words_weigh_more_and_may_be_misspelt_or_cut_short() -> None:
    texts = ["medtronic surgical", "medtronik surgical", "acme surgical", "acme surg", "beta surgical"]
    words = Words(texts, np.ones(len(texts), dtype=np.int64))
    both, _ = words.shares(numbers(0, 0, 2, 2), numbers(1, 2, 3, 4))
    misspelt, another, cut, neighbour = both
    assert misspelt > 0.8
    assert cut > 0.8
    assert another < 0.4
    assert neighbour < 0.4


def test_like_spelling_finds_what_shares_no_word() -> None:
    texts = ["boehringer ingelheim", "bohringer ingelheimer", "kaiser", "stryker"]
    near = Spelling(texts).nearest(2, least=0.2)
    assert {(0, 1), (1, 0)} == set(zip(near.left.tolist(), near.right.tolist(), strict=True))


def test_weights_learnt_from_unlabelled_pairs_part_same_from_different() -> None:
    random = np.random.default_rng(7)
    same = random.random(20_000) < 0.1
    evidence = {
        name: np.where(same, random.beta(8, 2, len(same)), random.beta(2, 6, len(same))).astype(np.float32)
        for name in ("name", "address", "phone")
    }
    evidence["phone"][random.random(len(same)) < 0.5] = np.nan
    begin = sum(np.nan_to_num(6 * (shares - 0.6)) for shares in evidence.values())
    model = learn(evidence, np.asarray(begin, dtype=np.float64))
    found = model.odds(evidence) > 0
    assert (found & same).sum() / found.sum() > 0.95
    assert (found & same).sum() / same.sum() > 0.85
    for weight in model.weights.values():
        assert (np.diff(weight.odds) >= -1e-9).all(), "more alike is never worth less"


def test_records_of_a_supplier_file_from_texts_to_odds() -> None:
    prepared = organisations.prepare(
        {
            "name": ["Acme Medical Supply, Inc.", "ACME MED SUPPLY", "Zenith Dental LLC", "Zenit Dental", "Beta Corp"],
            "street": ["12 Main Street", "12 Main St.", "9 Oak Ave", "9 Oak Avenue Suite 4", "1 Elm Rd"],
            "postcode": ["94103", "94103-1234", "60601", "60601", "10001"],
            "tax_id": ["", "", "12-3456780", "99-1234567", "NA"],
        }
    )
    pairs, report = prepared.pairs()
    found = dict(zip(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True), range(len(pairs)), strict=True))
    odds = prepared.first_odds(prepared.evidence(pairs))
    assert odds[found[0, 1]] > 2
    assert odds[found[2, 3]] < odds[found[0, 1]], "another tax id speaks against it"
    assert any("are compared" in sentence for sentence in report.sentences())


def test_siblings_of_an_item_rank_below_its_twin() -> None:
    prepared = goods.prepare(
        {
            "description": ["Foley catheter silicone 16FR 5cc", "CATHETER FOLEY SILICONE 16 FR 5CC",
                            "Foley catheter silicone 18FR 5cc"],
            "manufacturer": ["Bard", "C.R. Bard Inc", "Bard"],
            "manufacturer_part_number": ["0165SI16", "165SI16", "0165SI18"],
        }
    )  # fmt: skip
    pairs, _ = prepared.pairs()
    odds = dict(
        zip(
            zip(pairs.left.tolist(), pairs.right.tolist(), strict=True),
            prepared.first_odds(prepared.evidence(pairs)),
            strict=True,
        )
    )
    assert odds[0, 1] > odds.get((0, 2), -99)
    assert odds[0, 1] > 0


def test_empty_and_hostile_values_are_bounded() -> None:
    names = ["", "a", "x" * 40_000, "\u05d0\u05d1\u05d2", "\u682a\u5f0f\u4f1a\u793e", *["same name"] * 300]
    prepared = organisations.prepare({"name": names, "city": ["one"] * len(names)})
    pairs, report = prepared.pairs()
    assert len(pairs) <= 300 * 299 // 2 + 10
    assert np.isfinite(prepared.first_odds(prepared.evidence(pairs))).all()
    assert report.records == len(names)


@STEADY
@given(st.lists(st.lists(st.sampled_from(NAMES_OF_WORDS), max_size=4).map(" ".join), min_size=2, max_size=8))
def test_words_looked_up_in_either_way_tell_the_same(texts: list[str]) -> None:
    words = Words(texts, np.ones(len(texts), dtype=np.int64))
    one, other = np.triu_indices(len(texts))
    by_word = words._word_by_word(one, other)
    assert np.allclose(by_word[0], words._by_reach(one, other))
    assert np.allclose(by_word[1], words._by_reach(other, one))


@STEADY
@given(st.lists(st.text("abc", min_size=4, max_size=7), min_size=1, max_size=12, unique=True))
def test_words_one_letter_apart_are_suspects(words: list[str]) -> None:
    found = Words(words, np.ones(len(words), dtype=np.int64))._suspects()
    pairs = set(zip(found.left.tolist(), found.right.tolist(), strict=True))
    for (a, one), (b, other) in combinations(enumerate(words), 2):
        without = [{word, *(word[:at] + word[at + 1 :] for at in range(len(word)))} for word in (one, other)]
        assert (a, b) in pairs or not without[0] & without[1]


@STEADY
@given(st.lists(st.text("12", min_size=1, max_size=9), min_size=2, max_size=8, unique=True))
def test_a_slip_is_seen_wherever_it_is(codes: list[str]) -> None:
    column = Column.of([code] for code in codes)
    left, right = np.triu_indices(len(codes), 1)
    expected = slip_shares(column.taken(left), column.taken(right))
    assert (identifiers(column)(Pairs(left, right)) == expected).all()


@STEADY
@given(st.lists(st.lists(st.sampled_from("abcdef"), max_size=3), min_size=1, max_size=8))
def test_what_is_made_of_texts_belongs_to_their_records(lists: list[list[str]]) -> None:
    column = Column.of(lists)
    made = column.made(Column.of([text, text.upper(), "x"] for text in column.texts))
    for record, texts in enumerate(lists):
        found = made.taken(made.codes[made.starts[record] : made.starts[record + 1]])
        assert len(found) == len(set(found))
        assert set(found) == {form for text in texts for form in (text, text.upper(), "x")}
    single = Column.single(["".join(texts) for texts in lists], str.upper)
    assert [single.taken(single.first[[n]]) if single.counts[n] else [""] for n in range(len(lists))] == [
        ["".join(texts).upper()] for texts in lists
    ]
