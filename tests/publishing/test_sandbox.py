"""The consumer's test kit: the reference receiver passes it, and each bad habit is found by name."""

import importlib.util
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from api.clients import create_client
from mdm.domains import BY_NAME
from mdm.models import ChangeEvent, GoldenRecord
from publishing.http import Caller
from publishing.sandbox.calling import Line
from publishing.sandbox.course import Course, Mark
from tests.publishing.making import SIGNING, Answer, Call, Target, rename, suppliers

REFERENCE = settings.BASE_DIR / "docs" / "receiver" / "receiver.py"


@pytest.fixture
def reference(tmp_path: Path) -> Iterator[str]:
    """The reference receiver as its own program; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(REFERENCE), "--port", str(port), "--secret", SIGNING]
    program = subprocess.Popen([*command, "--file", str(tmp_path / "held.sqlite3")], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        program.terminate()
        program.wait(10)


def verdicts(url: str, states: str = "", domain: str = "supplier") -> dict[str, Mark]:
    """What each station says of the receiver."""
    with Caller(allowed=("127.0.0.0/8",)) as caller:
        course = Course(Line(caller, url, SIGNING, states), BY_NAME[domain])
        return {verdict.station: verdict.mark for verdict in course.run()}


@pytest.mark.parametrize("domain", list(BY_NAME))
def test_the_reference_receiver_gets_everything_right(reference: str, domain: str) -> None:
    found = verdicts(f"{reference}/webhooks", f"{reference}/records/{{id}}", domain)
    assert set(found.values()) == {Mark.RIGHT}
    assert len(found) == 19


def test_the_reference_receiver_is_short_enough_to_copy() -> None:
    assert len(REFERENCE.read_text().splitlines()) <= 150


class Forgetful:
    """A receiver with the usual faults: verifies nothing, forgets ids, takes whatever comes last."""

    def __init__(self) -> None:
        self.held: dict[str, dict[str, Any]] = {}

    def __call__(self, call: Call) -> Answer:
        if call.method == "GET":
            held = self.held.get(call.path.rpartition("/")[2])
            return Answer(200 if held else 404, body=json.dumps(held or {}).encode())
        message = call.json
        if message["type"] == "assay.ping.v1":
            return Answer(body=json.dumps({"challenge": message["data"]["challenge"]}).encode())
        if not message["type"].endswith(".v1"):
            return Answer(400, body=b"{}")
        record = message["data"]
        before = self.held.get(record["id"], {})
        self.held[record["id"]] = {
            "version": record["version"], "state": "active", "effects": before.get("effects", 0) + 1,
            "merged_into": None,
        }  # fmt: skip
        return Answer(body=json.dumps({"id": f"X{len(self.held)}{time.monotonic()}"}).encode())


def test_each_bad_habit_is_found() -> None:
    with Target(Forgetful()) as target:
        found = verdicts(f"{target.url}/webhooks", f"{target.url}/records/{{id}}")
    wrong = {station for station, mark in found.items() if mark is Mark.WRONG}
    assert wrong == {
        "update", "duplicate", "out of order", "retire", "merge", "replay", "unknown type", "tampered body",
        "tampered id", "old message", "foreign secret",
    }  # fmt: skip


def test_who_takes_no_replay_again_is_told_what_cannot_be_mended(tmp_path: Path) -> None:
    """As the reference receiver, but for the one habit: an id or a version seen before is never taken again."""
    store = reference_module().Store(str(tmp_path / "held.sqlite3"))

    def never_again(call: Call) -> Answer:
        if call.method == "GET":
            return Answer(body=json.dumps(store.shown(call.path.rpartition("/")[2]) or {}).encode())
        if call.json["type"] == "assay.ping.v1":
            return Answer(body=json.dumps({"challenge": call.json["data"]["challenge"]}).encode())
        return Answer(body=json.dumps({"id": store.take(call.json)}).encode())

    with Target(never_again) as target:
        found = verdicts(f"{target.url}/webhooks", f"{target.url}/records/{{id}}")
    assert (found["replay"], found["mended by replay"]) == (Mark.RIGHT, Mark.WRONG)


def test_without_a_look_at_what_is_held_answers_alone_are_judged(reference: str) -> None:
    assert set(verdicts(f"{reference}/webhooks").values()) == {Mark.RIGHT}


def test_a_receiver_that_is_down_is_said_once() -> None:
    found = verdicts("http://127.0.0.1:9")
    assert list(found.values()) == [Mark.WRONG]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(lambda _call: Answer(302, {"location": "http://127.0.0.1:9/"}), 302, id="redirect"),
        pytest.param(lambda _call: Answer(500), 500, id="out of order"),
        pytest.param(lambda _call: Answer(body=b"not json"), 200, id="no json"),
    ],
)
def test_a_strange_receiver_gets_the_ping_wrong(make: Callable[[Call], Answer], code: int) -> None:
    with Target(make) as target:
        assert verdicts(target.url)["ping"] is Mark.WRONG


def test_the_command_reports_and_says_by_its_exit_how_it_went(reference: str) -> None:
    out = StringIO()
    call_command(
        "sandbox_stream", f"{reference}/webhooks", secret=SIGNING, states=f"{reference}/records/{{id}}", stdout=out
    )
    assert out.getvalue().endswith("19 right, 0 wrong, of 19\n")
    with Target(Answer(401)) as target, pytest.raises(SystemExit) as ended:
        call_command("sandbox_stream", target.url, secret=SIGNING, json=True, stdout=(told := StringIO()))
    assert (ended.value.code, json.loads(told.getvalue())["wrong"] > 5) == (1, True)


@pytest.mark.parametrize("secret", ["abc", "whsec_", "whsec_!!", "whsec_QUJ"])
def test_what_is_no_secret_is_refused(secret: str) -> None:
    with pytest.raises(CommandError, match="whsec_ and base64"):
        call_command("sandbox_stream", "http://127.0.0.1:8099/", secret=secret)


def test_an_address_of_states_without_a_place_for_the_id_is_refused() -> None:
    with pytest.raises(CommandError, match=r"lacks \{id\}"):
        call_command("sandbox_stream", "http://127.0.0.1:8099/", secret=SIGNING, states="http://127.0.0.1:8099/records")


@pytest.mark.parametrize("url", ["ftp://x/", "http://user:pw@x/", "http://127.0.0.1:5432/", "nonsense"])
def test_addresses_that_cannot_be_called_are_refused(url: str) -> None:
    with pytest.raises(CommandError):
        call_command("sandbox_stream", url, secret=SIGNING)


def reference_module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("reference_receiver", REFERENCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.django_db(transaction=True)
def test_the_reference_receiver_heals_a_gap_from_the_feed(live_server: Any, tmp_path: Path) -> None:
    """A message was answered by somebody in between and never came: the next one shows it, the feed has it."""
    first, second = suppliers(2)
    rename(first, "Renamed Unheard")
    rename(second, "Renamed Heard")
    _, token = create_client(name="reader", scopes=["feed:read", "supplier:read"])
    module = reference_module()
    store = module.Store(str(tmp_path / "held.sqlite3"))
    events = list(ChangeEvent.objects.order_by("seq"))
    for number, event in enumerate(events, start=1):
        if "Unheard" not in event.body:
            store.take(_message(event, number))
    assert store.shown(str(first.pk))["version"] == 1
    [(_, before, after)] = store.missing(older_than=-1)
    module.heal(store, live_server.url, token, before, after)
    assert store.shown(str(first.pk))["version"] == GoldenRecord.objects.get(pk=first.pk).version == 2


def test_the_reference_receiver_mends_by_a_replay_what_was_altered(tmp_path: Path) -> None:
    store = reference_module().Store(str(tmp_path / "held.sqlite3"))
    data = {"id": "r1", "version": 3, "state": "active", "merged_into": None, "title": "Acme"}
    message = {"id": "m1", "type": "assay.supplier.changed.v1", "sequence": "7", "epoch": "one", "data": data}
    store.take(message)
    store.db.execute("UPDATE record SET body = 'altered', state = 'retired'")
    store.take(message)
    assert store.shown("r1")["state"] == "retired"  # the same id without the mark has no second effect
    store.take(message, replayed=True)
    assert json.loads(store.db.execute("SELECT body FROM record").fetchone()[0]) == data
    store.take(message, replayed=True)
    assert (store.shown("r1")["state"], store.shown("r1")["effects"]) == ("active", 2)
    store.take({**message, "data": data | {"version": 2, "state": "retired"}}, replayed=True)
    assert store.shown("r1")["version"] == 3


def _message(event: ChangeEvent, number: int) -> dict[str, Any]:
    body = json.loads(event.body)
    return {
        "id": body["id"],
        "type": "assay.supplier.changed.v1",
        "sequence": str(event.seq),
        "epoch": "one",
        "lanenumber": number,
        "data": {**body, "id": body["record"]},
    }
