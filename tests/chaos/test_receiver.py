"""The receiver of the chaos rig writes down what it was called with, verifies it, and misbehaves as told."""

import http.client
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from bench.chaos import crew

SECRET = "whsec_c2lnbmluZy1jYW5hcnktZm9yLXRlc3RzLW9ubHktMzI="


class Running:
    """A receiver as a program of its own."""

    def __init__(self, folder: Path) -> None:
        self.port, self.diary, self.config = crew.free_port(), folder / "diary", folder / "config"
        self.config.write_text(json.dumps({"secrets": {"erp": [SECRET]}}))
        self.child: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        words = [str(self.port), str(self.diary), str(self.config)]
        self.child = subprocess.Popen([sys.executable, "-m", "bench.chaos.receiver", *words], stdout=subprocess.DEVNULL)
        crew.wait_for_port(self.port)

    def kill(self) -> None:
        if self.child:
            self.child.kill()
            self.child.wait()

    def say(self, path: str, document: Any, headers: dict[str, str] | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        connection.request("POST", path, json.dumps(document), headers or {})
        answer = connection.getresponse()
        raw = answer.read()
        connection.close()
        return answer.status, json.loads(raw) if raw else None

    def tell(self, uid: str, version: int, *, secret: str = SECRET) -> int:
        """A signed message about record r1."""
        message = {"specversion": "1.0", "subject": "r1", "recordversion": version, "data": {"attributes": {"n": 1}}}
        body, now = json.dumps(message), datetime.now(UTC)
        headers = {"webhook-id": uid, "webhook-timestamp": str(int(now.timestamp()))}
        headers["webhook-signature"] = Webhook(secret).sign(uid, now, body)
        return self.say("/erp", message, headers)[0]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.diary.read_text().splitlines()]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    made = Running(tmp_path)
    yield made
    made.kill()


def test_calls_are_written_down_with_their_verdict(running: Running) -> None:
    assert running.tell("a", 1) == 200
    assert running.tell("b", 2, secret="whsec_" + "QUFB" * 8) == 200
    first, second = running.lines()
    assert (first["e"], first["id"], first["rec"], first["v"], first["ok"]) == ("erp", "a", "r1", 1, True)
    assert second["ok"] is False


def test_what_was_taken_outlives_a_kill(running: Running) -> None:
    running.tell("a", 1)
    running.kill()
    running.start()
    running.tell("a", 1)
    assert running.say("/_rig/state", {})[1] == {"calls": 1, "taken": 1, "held": {"erp": 1}}


@pytest.mark.parametrize(
    ("fault", "code"), [({"kind": "500"}, 500), ({"kind": "410"}, 410), ({"refused": ["r1"]}, 422), ({}, 200)]
)
def test_faults_are_set_while_it_runs(running: Running, fault: dict[str, Any], code: int) -> None:
    running.say("/_rig/faults", {"erp": fault})
    assert running.tell("a", 1) == code
    assert running.lines()[0]["c"] == code


def test_a_call_dropped_with_a_false_answer_has_no_effect(running: Running) -> None:
    running.say("/_rig/faults", {"erp": {"kind": "drop"}})
    assert running.tell("a", 1) == 200
    assert running.say("/_rig/state", {})[1]["taken"] == 0
