"""Facts for the ledger, from the database and the diaries of one scenario."""

import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson

from bench.chaos import ledger
from bench.chaos.receiver import content_of
from bench.chaos.site import Site, lines_of
from mdm.masking import published_body
from ops.place import PROJECT_DIR
from publishing import outcomes
from publishing.models import Mode
from publishing.payloads import representation

EVENTS = (
    "SELECT uid::text, coalesce(seq, 0), record_id::text, version, domain, outward, correlation_id::text, body, hash "
    "FROM mdm_changeevent ORDER BY seq"
)
OWED = (
    "SELECT e.code, v.uid::text, d.record_id::text, d.version, d.state, d.number, d.outcome_code, "
    "CASE WHEN d.body = '' THEN '' ELSE encode(sha256(convert_to(d.body, 'UTF8')), 'hex') END "
    "FROM publishing_delivery d JOIN publishing_endpoint e ON e.id = d.endpoint_id "
    "JOIN mdm_changeevent v ON v.id = d.event_id"
)
HELD = (
    "SELECT e.code, h.record_id::text, h.version FROM publishing_holding h "
    "JOIN publishing_endpoint e ON e.id = h.endpoint_id"
)


def events(site: Site, *, content: bool = True) -> list[ledger.Event]:
    """The log as it stands."""
    return [
        ledger.Event(uid, seq, record, version, domain, outward, correlation,
                     _content(body) if content and outward else "", body, hash_)
        for uid, seq, record, version, domain, outward, correlation, body, hash_ in site.ask(EVENTS)
    ]  # fmt: skip


def _content(body: str) -> str:
    """What anybody outside may know of the event, hashed as the receiver does it."""
    told = orjson.loads(orjson.dumps(representation(published_body(orjson.loads(body)))))
    return content_of(told)


def owners() -> dict[str, str]:
    """{code: the queue of people who have to act}."""
    known = [one for one in vars(outcomes).values() if isinstance(one, outcomes.Outcome)]
    known += list(outcomes.BY_HTTP_CODE.values())
    return {one.code: str(getattr(one, "owner", "")) for one in known}


def lanes(site: Site, *, numbered: bool = True) -> list[ledger.Lane]:
    """Every endpoint with its deliveries, holdings and calls."""
    owner = owners()
    owed: dict[str, list[ledger.Owed]] = defaultdict(list)
    for code, uid, record, version, state, number, outcome, digest in site.ask(OWED):
        owed[code].append(
            ledger.Owed(uid, record, version, state, number, outcome, owner.get(outcome, ""), digest)
        )  # fmt: skip
    held: dict[str, dict[str, int]] = defaultdict(dict)
    for code, record, version in site.ask(HELD):
        held[code][record] = version
    calls: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for call in site.received():
        if call["type"] not in ("assay.ping.v1", "probe"):
            calls[call["e"]].append(call | {"left": ".left." in call["type"]})
    rows = site.ask("SELECT code, kind, domains, mode FROM publishing_endpoint ORDER BY code")
    return [
        ledger.Lane(
            code=code, domains=tuple(domains), latest=mode == Mode.LATEST_STATE, owed=owed[code], holdings=held[code],
            calls=calls[code], numbered=numbered, signed=kind == "webhook",
        )
        for code, kind, domains, mode in rows
    ]  # fmt: skip


def acts(site: Site) -> Iterator[dict[str, Any]]:
    """Everything writers wrote down."""
    for file in sorted(site.folder.glob("wrote-*.jsonl")):
        yield from lines_of(file)


def verify_log(site: Site, *, golden: bool = True) -> list[str]:
    """I7 by the product itself, and that golden records are what their sources make them.

    Without ``golden`` the chain alone: fast writers write events of which there are no versions.
    """
    found = []
    for words in (["verify_log"], ["rebuild_golden", "--check"]) if golden else (["verify_log", "--chain-only"],):
        done = subprocess.run(
            [sys.executable, str(PROJECT_DIR / "manage.py"), *words], env=site.crew.environment, cwd=PROJECT_DIR,
            capture_output=True, text=True, check=False, timeout=600,
        )  # fmt: skip
        if done.returncode:
            found.append(f"I7 manage.py {' '.join(words)}: {(done.stdout + done.stderr).strip()[-300:]}")
    return found


def whole(site: Site, *, golden: bool = True, without: Sequence[str] = ()) -> list[str]:
    """The full ledger of a scenario; ``without`` names endpoints that were never meant to be served."""
    log = events(site)
    found = ledger.judge(log, [lane for lane in lanes(site) if lane.code not in without], acts(site))
    return found + verify_log(site, golden=golden)
