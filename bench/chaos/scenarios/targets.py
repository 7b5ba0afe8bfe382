"""What targets do to us in ordinary life: refuse one record, change their secret, ask for everything again.

Poisoned record (P7), 410, redirect and Retry-After (P10, P12, P13), rotation of secrets under traffic (P16), a replay
whose worker is killed in the middle (P19), retries of many lanes that fail together (P11).
"""

import random
import signal
import time
from collections import Counter
from datetime import timedelta
from itertools import pairwise

from django.utils import timezone

from bench.chaos import gather, golden
from bench.chaos.report import Row
from bench.chaos.scenarios import Stage
from bench.chaos.site import Site
from mdm.cause import HUB
from publishing import outcomes
from publishing.breaker import backoff
from publishing.endpoints import rotate_secret
from publishing.models import Delivery, DeliveryState, Endpoint, ReplayKind
from publishing.replaying import start_replay
from publishing.sending import Result
from publishing.verbs import release

RATE = 10
LANES_FAILING = 500


def run(stage: Stage) -> list[Row]:
    """One site, one act after another, writers at work all the time."""
    with stage.site("targets") as site:
        records = [str(pk) for pk in golden.prepare(200, 20)]
        poisoned = records[3]
        hurried = {"retry_seconds": (1, 1), "backoff_seconds": (1, 2, 4), "timeout_seconds": 5}
        for code in ("refuses-one", "rotates", "replays"):
            site.webhook(code, **hurried)
        for code in ("gone", "moved", "later"):
            site.webhook(code, **hurried)
        site.start_receiver(
            {
                "refuses-one": {"refused": [poisoned]}, "gone": {"kind": "410"},
                "moved": {"kind": "302", "location": f"http://127.0.0.1:{site.receiver_port}/elsewhere"},
                "later": {"kind": "429", "retry_after": 7},
            }
        )  # fmt: skip
        site.start("sequencer", "publisher", "beat")
        words = ["golden", "--diary", str(site.folder / "wrote-1.jsonl"), "--threads", "2", "--rate", str(RATE)]
        site.crew.rig("writer", "writers", *words, "--seed", str(stage.seed))
        site.wait(lambda: site.diary.exists() and len(site.received()) > 600, 60)
        rows = [_rotate(site), _poison(site, poisoned)]
        site.crew.kill("writer", signal.SIGTERM)
        rows += [*_answers(site), _replay(stage, site), _jitter(stage)]
        rows.append(Row("I1-I8 ledger of these targets", f"{len(site.received()):,} calls", "all of the above", "",
                        gather.whole(site, golden=stage.quick, without=("gone", "moved", "later"))))  # fmt: skip
        return rows


def _rotate(site: Site) -> Row:
    """The receiver goes on verifying with what it knows, and changes over some time after each rotation."""
    endpoint = Endpoint.objects.get(code="rotates")
    for _ in range(3):
        fresh = rotate_secret(endpoint=endpoint, by=HUB, overlap=timedelta(minutes=10))
        time.sleep(2.5)  # traffic under both secrets, the receiver knows the old one alone
        site.tell_receiver("secrets", {"rotates": [fresh]})
        time.sleep(1.5)
    calls = [call for call in site.received() if call["e"] == "rotates" and call["rec"]]
    bad = [f"a call at {call['t']:.1f} did not verify" for call in calls if not call["ok"]]
    return Row("P16 rotation without a failed verification", f"{len(calls):,} calls verified", "3 rotations", "", bad)


def _poison(site: Site, record: str) -> Row:
    """Only the refused record is parked; mended and released it is delivered, in order."""
    rows = Delivery.objects.filter(endpoint__code="refuses-one", state=DeliveryState.PARKED)
    parked = site.wait(rows.exists, 40)
    found = [] if parked else ["the refused record was not parked within 40 s"]
    others = set(rows.exclude(record_id=record).values_list("record_id", flat=True))
    found += [f"{other} was parked, nobody refused it" for other in others]
    newest = max((c["t"] for c in site.received() if c["e"] == "refuses-one" and c["c"] == 200), default=0.0)
    if time.time() - newest > 5:
        found.append(f"nothing else was delivered for {time.time() - newest:.0f} s")
    waiting = rows.count()
    site.tell_receiver("faults", {"refuses-one": {"kind": "ok"}})
    release(deliveries=list(rows.values_list("pk", flat=True)), by=HUB, reason="mended")
    done = site.wait(
        lambda: any(c["rec"] == record and c["c"] == 200 for c in site.received() if c["e"] == "refuses-one"), 30
    )
    found += [] if done else ["the released record was not delivered within 30 s"]
    return Row("P7 a poisoned record blocks no other", f"{waiting} parked", "422 for 1 of 200 records", "", found)


def _answers(site: Site) -> list[Row]:
    """410 is called once and disabled; a redirect is not followed; Retry-After is kept."""
    calls = site.received()
    gone = Counter(call["e"] for call in calls)["gone"]
    state = Endpoint.objects.get(code="gone").state
    stopped = [] if state == "disabled" and gone <= 4 else [f"410: {gone} calls, the endpoint is {state}"]
    elsewhere = Counter(call["e"] for call in calls)["elsewhere"]
    times = sorted(call["t"] for call in calls if call["e"] == "later")
    probes = [moment for earlier, moment in zip([0.0, *times], times, strict=False) if moment - earlier > 1]
    pauses = [later - earlier for earlier, later in pairwise(probes)]
    early = [f"called again {pause:.1f} s after Retry-After: 7" for pause in pauses if pause < 6.9]
    return [
        Row("P13 410 stops the endpoint at once", f"{gone} calls", "410", state, stopped),
        Row("P12 redirects are not followed", f"{Counter(c['e'] for c in calls)['moved']} calls", "302",
            f"{elsewhere} calls elsewhere", [f"{elsewhere} calls followed the redirect"] if elsewhere else []),
        Row("P10 Retry-After is kept", f"{len(pauses)} pauses", "429, Retry-After 7",
            f"shortest {min(pauses, default=0):.1f} s", early),
    ]  # fmt: skip


def _replay(stage: Stage, site: Site) -> Row:
    """Everything told so far again; the worker is killed twice on the way, and each message comes once more."""
    site.wait(lambda: _at_rest(site, "replays"), 60)
    if not stage.quick:
        words = ["fast", "--diary", str(site.folder / "wrote-2.jsonl"), "--threads", "8", "--pause", "0.001"]
        site.crew.rig("writer", "writers", *words, "--changes", "20000", "--seed", str(stage.seed)).wait()
        site.wait(lambda: _at_rest(site, "replays"), 300, every=1)
    told = {c["id"]: c["h"] for c in site.received() if c["e"] == "replays" and c["c"] == 200 and c["rec"]}
    endpoint = Endpoint.objects.get(code="replays")
    job = start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, by=HUB, reason="chaos")
    for _ in range(2):
        time.sleep(1.5)
        site.crew.again("publisher", signal.SIGKILL)
    done = site.wait(lambda: _replayed(site, str(job.pk)) >= len(told), len(told) / 40 + 60, every=0.5)
    site.wait(lambda: _at_rest(site, "replays"), 30)
    again = [c for c in site.received() if c["e"] == "replays" and c["replay"] and c["c"] == 200]
    once = Counter(call["id"] for call in again)
    found = [] if done else [f"{len(once)} of {len(told)} came again"]
    found += [f"{uid} came again with another body" for uid in {c["id"] for c in again if told.get(c["id"]) != c["h"]}]
    marks = Counter(call["replay"] for call in again)
    twice = sum(1 for count in once.values() if count > 1)
    if set(marks) - {str(job.pk)}:
        found.append(f"replay marks are {dict(marks)}, the job is {job.pk}")
    if twice > 100:
        found.append(f"{twice} messages came more than once again: more than two kills can explain")
    return Row("P19 a replay outlives its worker", f"{len(told):,} messages", "worker killed twice",
               f"{len(once):,} came once more, {twice} twice", found)  # fmt: skip


def _replayed(site: Site, mark: str) -> int:
    return len({c["id"] for c in site.received() if c["e"] == "replays" and c["replay"] == mark and c["c"] == 200})


def _at_rest(site: Site, code: str) -> bool:
    return not site.number(
        "SELECT count(*) FROM publishing_lane l JOIN publishing_endpoint e ON e.id = l.endpoint_id WHERE e.code = %s "
        "AND (l.cursor_low < (SELECT count(*) FROM mdm_changeevent) OR EXISTS (SELECT FROM publishing_delivery d "
        "WHERE d.endpoint_id = e.id AND d.state IN ('waiting', 'in_flight')))", code
    )  # fmt: skip


def _jitter(stage: Stage) -> Row:
    """The next calls of lanes that time out together, by the function that plans them: spread, never in step."""
    random.seed(stage.seed)
    endpoint = Endpoint.objects.get(code="later")
    endpoint.backoff_seconds = [5, 30, 120, 600, 1800, 3600]
    result = Result(outcomes.TIMEOUT, "http://127.0.0.1/", "POST")
    now = timezone.now()
    waits = [(now + backoff(endpoint, 1, result) - now).total_seconds() for _ in range(LANES_FAILING)]
    most = max(Counter(int(wait) for wait in waits).values()) / LANES_FAILING
    found = [] if most <= 0.08 else [f"{most:.0%} of the retries fall into one second"]
    if min(waits) < 48:
        found.append(f"a lane is tried again {min(waits):.0f} s after a timeout, 60 less jitter are due")
    return Row("P11 lanes that fail together part again", f"{LANES_FAILING} lanes", "timeout",
               f"busiest second {most:.1%}, {min(waits):.0f} to {max(waits):.0f} s", found)  # fmt: skip
