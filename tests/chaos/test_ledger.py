"""The ledger of the chaos rig finds each kind of violation, and none where all is well."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bench.chaos import ledger
from bench.chaos.ledger import Event, Lane, Owed, judge
from bench.chaos.scenarios.lanes import too_early

Change = Callable[[list[Event], Lane], None]


def events() -> list[Event]:
    """Two suppliers of two versions each, and a contract that names the second one; chained."""
    story = [("s1", 1), ("s2", 1), ("s1", 2), ("c1", 1), ("s2", 2)]
    made, previous = [], ledger.GENESIS
    for seq, (record, version) in enumerate(story, start=1):
        body = f"{record} {version}"
        previous = hashlib.sha256(f"{previous}|{seq}|{body}".encode()).hexdigest()
        domain = "contract" if record.startswith("c") else "supplier"
        made.append(
            Event(f"u{seq}", seq, record, version, domain, True, f"a{seq}", f"{record}v{version}", body, previous)
        )
    return made


def call(event: Event, **given: Any) -> dict[str, Any]:
    """The call that carries an event, taken and verified."""
    made = {
        "id": event.uid, "rec": event.record, "v": event.version, "n": event.seq, "h": f"h{event.seq}", "c": 200,
        "ok": True, "content": event.content, "refs": ["s2"] if event.record == "c1" else [], "replay": "",
    }  # fmt: skip
    return made | given


def lane(log: list[Event]) -> Lane:
    """Everything delivered once, in order."""
    owed = [Owed(e.uid, e.record, e.version, "delivered", e.seq, "ACCEPTED", "", f"h{e.seq}") for e in log]
    held = {event.record: event.version for event in log}
    return Lane("erp", owed=owed, holdings=held, calls=[call(event) for event in log], numbered=True)


def test_a_true_story_has_no_violation() -> None:
    log = events()
    acts = [{"what": "edit", "end": "committed", "act": "a1"}, {"what": "edit", "end": "rolled back", "act": "a9"}]
    assert judge(log, [lane(log)], acts) == []


def lose(log: list[Event], told: Lane) -> None:
    told.calls = [one for one in told.calls if one["id"] != "u5"]


def swap(log: list[Event], told: Lane) -> None:
    told.calls = [told.calls[place] for place in (2, 1, 0, 3, 4)]


def invent(log: list[Event], told: Lane) -> None:
    told.calls = [*told.calls, call(replace(log[0], uid="u77"))]


def change_body(log: list[Event], told: Lane) -> None:
    told.calls = [*told.calls, call(log[4], h="other")]


def change_frozen_body(log: list[Event], told: Lane) -> None:
    told.owed = [replace(told.owed[0], digest="other"), *told.owed[1:]]


def forget_holding(log: list[Event], told: Lane) -> None:
    told.holdings = {"s1": 2, "s2": 1, "c1": 1}


def change_content(log: list[Event], told: Lane) -> None:
    told.calls = [*told.calls[:4], call(log[4], content="something else")]


def park(log: list[Event], told: Lane) -> None:
    told.owed = [*told.owed[:4], replace(told.owed[4], state="parked", code="NEW_CODE")]
    told.calls = told.calls[:4]


def number_twice(log: list[Event], told: Lane) -> None:
    told.owed = [*told.owed[:4], replace(told.owed[4], number=4)]


def leave_gap(log: list[Event], told: Lane) -> None:
    told.owed = [*told.owed[:4], replace(told.owed[4], number=6)]


def contract_first(log: list[Event], told: Lane) -> None:
    told.calls = [told.calls[place] for place in (3, 0, 1, 2, 4)]


def break_signature(log: list[Event], told: Lane) -> None:
    told.calls = [*told.calls[:4], call(log[4], ok=False)]


def supersede_by_nothing(log: list[Event], told: Lane) -> None:
    told.owed = [*told.owed[:4], replace(told.owed[4], state="superseded")]
    told.calls, told.latest = told.calls[:4], True


def drop_number(log: list[Event], told: Lane) -> None:
    log[:] = [event for event in log if event.seq != 3]


def alter_event(log: list[Event], told: Lane) -> None:
    log[1] = replace(log[1], body="altered")


@pytest.mark.parametrize(
    ("change", "invariant"),
    [
        (lose, "I1"), (supersede_by_nothing, "I1"), (invent, "I2"), (swap, "I3"), (change_body, "I4"),
        (change_frozen_body, "I4"), (drop_number, "I5"), (forget_holding, "I6"), (change_content, "I6"),
        (alter_event, "I7"), (park, "I8"), (number_twice, "N "), (leave_gap, "N "), (contract_first, "D "),
        (break_signature, "V "),
    ],
)  # fmt: skip
def test_each_violation_is_found(change: Change, invariant: str) -> None:
    log = events()
    told = lane(log)
    change(log, told)
    assert any(words.removeprefix("erp: ").startswith(invariant) for words in judge(log, [told]))


@pytest.mark.parametrize(
    "act",
    [
        {"what": "edit", "end": "committed", "act": "a99"},
        {"what": "edit", "end": "rolled back", "act": "a1"},
        {"what": "fast", "end": "unknown", "uids": ["u1", "u99"]},
        {"what": "edit", "end": "FAILED"},
    ],
)
def test_what_writers_wrote_down_is_compared_with_the_log(act: dict[str, Any]) -> None:
    assert judge(events(), [], [act]) != []


def test_repetitions_and_replays_are_no_disorder() -> None:
    log = events()
    told = lane(log)
    told.calls = [*told.calls, call(log[0]), call(log[1], replay="7")]
    assert judge(log, [told]) == []


def test_a_superseded_version_lends_its_number_once() -> None:
    log = events()
    told = lane(log)
    older, heir = replace(told.owed[3], state="superseded", number=5), told.owed[4]
    told.numbered, told.owed = True, [older, heir]
    told.calls = [call(log[3], n=5), call(log[4], n=5)]
    assert not [words for words in ledger.dense(log, told) if "number 5" in words]
    told.owed = [replace(older, state="delivered"), heir]
    assert [words for words in ledger.dense(log, told) if "number 5" in words]


def test_a_parked_record_with_an_owner_is_no_violation() -> None:
    log = events()
    told = lane(log)
    park(log, told)
    told.owed = [*told.owed[:4], replace(told.owed[4], owner="steward")]
    told.holdings = {"s1": 2, "s2": 1, "c1": 1}
    assert judge(log, [told]) == []


@pytest.mark.parametrize("change", ["gap", "twice", "other", "short"])
def test_a_reader_that_misses_anything_is_found(change: str) -> None:
    log = events()
    lines = [{"s": one.seq, "id": one.uid, "rec": one.record, "v": one.version} for one in log]
    assert list(ledger.feed(lines, log)) == []
    if change == "gap":
        del lines[2]
    elif change == "twice":
        lines.insert(2, lines[1])
    elif change == "other":
        lines[2] = lines[2] | {"id": "u9"}
    else:
        del lines[4]
    assert list(ledger.feed(lines, log)) != []


def test_a_dead_target_called_too_early_is_found() -> None:
    on_time = [(0.0, 1.0, "DOWN"), (0.1, 1.0, "DOWN"), (6.2, 1.0, "DOWN"), (37.3, 1.0, "DOWN")]
    assert too_early("erp", on_time) == []
    assert too_early("erp", [*on_time[:3], (20.0, 1.0, "DOWN")]) != []
