"""The ledger: what was committed, what the log says, what each target was told and what it holds must be one story.

Pure: it judges facts gathered elsewhere (bench/chaos/gather.py), so that every kind of violation can be made by hand
in a test. A violation names its invariant:

I1 committed is delivered    I2 delivered was committed    I3 versions of a record arrive in order
I4 one body under one id     I5 the feed is 1..n           I6 what a target holds is what the hub holds
I7 the log verifies          I8 what is parked says who has to act
N  messages of a lane are numbered without gaps            D  a record comes after those it refers to
V  every signature verifies
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

GENESIS = "0" * 64
GIVEN_UP = frozenset(("skipped", "superseded", "parked"))


@dataclass(frozen=True)
class Event:
    """A row of the log."""

    uid: str
    seq: int
    record: str
    version: int
    domain: str
    outward: bool
    correlation: str = ""
    content: str = ""  # hash of what anybody outside may know of it
    body: str = ""
    hash: str = ""


@dataclass(frozen=True)
class Owed:
    """A delivery as the hub has it."""

    uid: str
    record: str
    version: int
    state: str
    number: int | None = None
    code: str = ""
    owner: str = ""
    digest: str = ""  # SHA-256 of the frozen body


@dataclass
class Lane:
    """One endpoint: what it wants, what the hub owes and believes it holds, and the calls it got."""

    code: str
    domains: tuple[str, ...] = ()
    latest: bool = False
    started: int = 0  # the number its cursor began behind
    owed: Sequence[Owed] = ()
    holdings: Mapping[str, int] = field(default_factory=dict)
    calls: Sequence[Mapping[str, Any]] = ()
    numbered: bool = False  # whether its messages carry the lane's number
    signed: bool = True

    def taken(self) -> Iterator[Mapping[str, Any]]:
        """Calls the target answered with 200, pings aside."""
        return (call for call in self.calls if call["c"] == 200 and call["rec"])


Found = Iterator[str]


def judge(events: Sequence[Event], lanes: Sequence[Lane], acts: Iterable[Mapping[str, Any]] = ()) -> list[str]:
    """Every violation in words."""
    found = [*log_is_whole(events), *acts_and_events(events, acts)]
    for lane in lanes:
        for rule in (delivered, known, in_order, one_body, same_state, parked_has_owner, dense, dependents, verified):
            found += [f"{lane.code}: {words}" for words in rule(events, lane)]
    return found


def log_is_whole(events: Sequence[Event]) -> Found:
    """I5: numbers are 1..n, versions of a record rise by one in that order; I7: each hash follows from the last."""
    last, previous = 0, GENESIS
    versions: dict[str, int] = {}
    for event in sorted(events, key=lambda one: one.seq):
        if event.seq != last + 1:
            yield f"I5 the log goes from {last} to {event.seq}"
        before = versions.get(event.record, 0)
        if event.version != before + 1:
            yield f"I5 event {event.seq} is version {event.version} of {event.record}, after {before}"
        if event.body:
            wanted = hashlib.sha256(f"{previous}|{event.seq}|".encode() + event.body.encode()).hexdigest()
            if event.hash != wanted:
                yield f"I7 the hash of event {event.seq} does not follow from its body and the hash before"
        last, previous = event.seq, event.hash
        versions[event.record] = event.version


def acts_and_events(events: Sequence[Event], acts: Iterable[Mapping[str, Any]]) -> Found:
    """I1, I2 at the source: an act that was committed left its events, one rolled back left none."""
    uids, correlations = {event.uid for event in events}, {event.correlation for event in events}
    for act in acts:
        if act["end"] == "FAILED":
            yield f"a writer failed: {act['what']}"
            continue
        ids, known = ([act["act"]], correlations) if "act" in act else (act.get("uids", ()), uids)
        there = [one for one in ids if one in known]
        if act["end"] == "committed" and len(there) != len(ids):
            yield f"I1 {act['what']} was committed and {len(ids) - len(there)} of its events are not in the log"
        if act["end"] in ("rolled back", "refused") and there:
            yield f"I2 {act['what']} was {act['end']} and {len(there)} of its events are in the log"
        if act["end"] == "unknown" and there and len(there) != len(ids):
            yield f"I1 {act['what']} is half in the log: {len(there)} of {len(ids)}"


def delivered(events: Sequence[Event], lane: Lane) -> Found:
    """I1: every event the endpoint wants was taken by it, or the hub says why not."""
    taken = {call["id"] for call in lane.taken() if not call.get("fake")}
    newest: dict[str, int] = defaultdict(int)
    for call in lane.taken():
        newest[call["rec"]] = max(newest[call["rec"]], call["v"])
    states = {owed.uid: owed for owed in lane.owed}
    for event in events:
        wanted = event.outward and (not lane.domains or event.domain in lane.domains) and event.seq > lane.started
        if not wanted or event.uid in taken:
            continue
        owed = states.get(event.uid)
        if owed is None:
            yield f"I1 event {event.seq} was never owed"
        elif owed.state not in GIVEN_UP:
            yield f"I1 event {event.seq} (version {event.version}) is {owed.state} here and was never taken there"
        elif owed.state == "superseded" and not (lane.latest and newest[event.record] > event.version):
            yield f"I1 event {event.seq} was superseded by nothing that arrived"


def known(events: Sequence[Event], lane: Lane) -> Found:
    """I2: every message is an event of the log, with its record and version."""
    facts = {event.uid: (event.record, event.version) for event in events}
    for call in lane.calls:
        if not call["rec"] or call.get("left"):
            continue
        if call["id"] not in facts:
            yield f"I2 message {call['id']} is no event of the log"
        elif (call["rec"], call["v"]) != facts[call["id"]]:
            yield f"I2 message {call['id']} tells of version {call['v']} of {call['rec']}, not of {facts[call['id']]}"


def in_order(events: Sequence[Event], lane: Lane) -> Found:
    """I3: leaving out repetitions and what people asked for again, versions of a record only rise."""
    seen: set[str] = set()
    newest: dict[str, int] = {}
    for call in lane.taken():
        if call["id"] in seen or call.get("replay"):
            seen.add(call["id"])
            continue
        seen.add(call["id"])
        if call["v"] <= newest.get(call["rec"], 0):
            yield f"I3 version {call['v']} of {call['rec']} came after version {newest[call['rec']]}"
        newest[call["rec"]] = max(call["v"], newest.get(call["rec"], 0))


def one_body(events: Sequence[Event], lane: Lane) -> Found:
    """I4: under one id always the same bytes, and they are those the hub keeps."""
    hashes: dict[str, set[str]] = defaultdict(set)
    for call in lane.calls:
        if call["rec"]:
            hashes[call["id"]].add(call["h"])
    kept = {owed.uid: owed.digest for owed in lane.owed if owed.digest}
    for uid, different in hashes.items():
        if len(different) > 1:
            yield f"I4 message {uid} was sent with {len(different)} bodies"
        elif uid in kept and kept[uid] not in different:
            yield f"I4 message {uid} was sent with another body than the hub keeps"


def same_state(events: Sequence[Event], lane: Lane) -> Found:
    """I6: the target's newest version and content of each record are those the hub believes it holds, and the hub's."""
    held: dict[str, tuple[int, str]] = {}
    for call in lane.taken():
        if not call.get("fake") and call["v"] >= held.get(call["rec"], (0, ""))[0]:
            held[call["rec"]] = (call["v"], call["content"])
    content = {(event.record, event.version): event.content for event in events}
    settled = {owed.record for owed in lane.owed if owed.state in ("waiting", "in_flight", "parked")}
    for record, (version, what) in held.items():
        believed = lane.holdings.get(record)
        if believed != version and record not in settled:
            yield f"I6 {record}: the hub believes version {believed}, the target has {version}"
        if (hub := content.get((record, version))) and hub != what:
            yield f"I6 {record}: version {version} there is not what the hub wrote"
    for record, version in lane.holdings.items():
        if record not in held:
            yield f"I6 {record}: the hub believes version {version}, the target has nothing"


def parked_has_owner(events: Sequence[Event], lane: Lane) -> Found:
    """I8: each parked delivery has a code, and the code a queue of people."""
    for owed in lane.owed:
        if owed.state == "parked" and not (owed.code and owed.owner):
            yield f"I8 version {owed.version} of {owed.record} is parked with code {owed.code!r}, for {owed.owner!r}"


def dense(events: Sequence[Event], lane: Lane) -> Found:
    """N: numbers given are 1..n, each once; a number that never arrived belongs to what the hub gave up.

    A superseded version lends its number to the one that takes its place, whether it was tried or not.
    """
    if not lane.numbered:
        return
    borne = {owed.number for owed in lane.owed if owed.number}
    given = Counter(owed.number for owed in lane.owed if owed.number and owed.state != "superseded")
    lent = {owed.uid for owed in lane.owed if owed.state == "superseded"}
    for number in range(1, max(borne, default=0) + 1):
        if number not in borne or given[number] > 1:
            yield f"N number {number} was given {given[number]} times"
    arrived: dict[int, set[str]] = defaultdict(set)
    for call in lane.calls:
        if call.get("n"):
            arrived[call["n"]].add(call["id"])
    for number, ids in arrived.items():
        if len(ids - lent) > 1:
            yield f"N number {number} arrived under {len(ids)} ids"
    for owed in lane.owed:
        if owed.number and owed.number not in arrived and owed.state == "delivered":
            yield f"N number {owed.number} is delivered and never arrived"


def dependents(events: Sequence[Event], lane: Lane) -> Found:
    """D: what a record refers to is there before it, unless the target refused it or does not want its domain."""
    there: set[str] = set()
    domains = {event.record: event.domain for event in events}
    parked = {owed.record for owed in lane.owed if owed.state == "parked"}
    for call in lane.taken():
        for named in call.get("refs", ()):
            wanted = named in domains and (not lane.domains or domains[named] in lane.domains)
            if wanted and named not in there and named not in parked and named != call["rec"]:
                yield f"D {call['rec']} came before {named}, which it refers to"
        there.add(call["rec"])


def verified(events: Sequence[Event], lane: Lane) -> Found:
    """V: no call came with a signature that does not verify, or without one."""
    bad = sum(1 for call in lane.calls if call["ok"] is False or (lane.signed and call["ok"] is None))
    if bad:
        yield f"V {bad} of {len(lane.calls)} calls did not verify"


def feed(lines: Iterable[Mapping[str, Any]], events: Sequence[Event], *, complete: bool = True) -> Found:
    """I5 for one reader of the feed: it saw 1..n, in order, each once, and each is the event of the log."""
    facts = {event.seq: (event.uid, event.record, event.version) for event in events}
    last = 0
    for line in lines:
        if "s" not in line:
            continue
        if line["s"] != last + 1:
            yield f"I5 the reader saw {line['s']} after {last}"
        if facts.get(line["s"]) != (line["id"], line["rec"], line["v"]):
            yield f"I5 the reader saw another event under {line['s']}"
        last = line["s"]
    if complete and last != len(events):
        yield f"I5 the reader saw {last} of {len(events)} events"
