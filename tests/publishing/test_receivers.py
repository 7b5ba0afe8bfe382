"""The demo's receivers verify, take once, keep order, redirect, and fail as they are switched."""

import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.receivers.receiver import CHARACTERS, Receiver
from demo.receivers.server import Server, serve
from mdm.mastering import merge
from publishing.demo import ensure_demo_endpoints
from publishing.models import Endpoint, Holding
from tests.factories import publish, why
from tests.publishing.making import rename, run, states, suppliers

pytestmark = pytest.mark.django_db


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[list[Server]]:
    made = [serve(Receiver(character, tmp_path / "receivers"), 0) for character in CHARACTERS]
    for server in made:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield made
    for server in made:
        server.shutdown()
        server.server_close()


@pytest.fixture
def endpoints(servers: list[Server], tmp_path: Path) -> list[Endpoint]:
    return ensure_demo_endpoints(ports=[server.server_port for server in servers], folder=tmp_path)


def get(server: Server, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}") as answer:
        text: str = answer.read().decode()
    return text


def switch(server: Server, mode: str) -> None:
    url = f"http://127.0.0.1:{server.server_port}/switch"
    with urllib.request.urlopen(url, data=f"mode={mode}".encode()) as answer:
        assert json.load(answer)["mode"] == mode


def test_a_record_arrives_with_an_id_of_the_receivers_own(servers: list[Server], endpoints: list[Endpoint]) -> None:
    [record] = suppliers(1)
    erp, procurement, billing = endpoints
    for endpoint in endpoints:
        run(endpoint)
    assert Holding.objects.get(endpoint=erp).local_id == "V-000001"
    assert Holding.objects.get(endpoint=procurement).local_id == "SUPP-000001"
    assert states(billing) == []
    held = json.loads(get(servers[0], f"/records/{record.pk}"))
    assert (held["local_id"], held["title"]) == ("V-000001", record.title)
    page = get(servers[0], "/?q=company")
    assert record.title in page
    assert "token is ours" in page
    assert "signature is valid" in get(servers[1], "/")


def test_a_merged_record_is_a_redirect(servers: list[Server], endpoints: list[Endpoint]) -> None:
    winner, loser = suppliers(2)
    erp = endpoints[0]
    run(erp)
    expected = {winner.pk: 1, loser.pk: 1}
    merge(winner_id=winner.pk, loser_ids=[loser.pk], expected=expected, cause=why("the same"))
    publish()
    run(erp)
    held = json.loads(get(servers[0], f"/records/{loser.pk}"))
    assert (held["state"], held["merged_into"]) == ("merged", str(winner.pk))
    assert 'class="redirect"' in get(servers[0], "/")


def test_the_same_message_twice_has_one_effect_and_an_old_version_none(servers: list[Server]) -> None:
    ledger = servers[0].receiver.ledger
    record = {"id": "r1", "domain": "supplier", "code": "SUP-1", "title": "One", "version": 1, "state": "active",
              "merged_into": None}  # fmt: skip
    assert ledger.take(message_id="a", record=record, prefix="V").note == "new"
    assert ledger.take(message_id="a", record=record | {"title": "Other"}, prefix="V").note == "seen before"
    assert ledger.take(message_id="c", record=record | {"version": 3, "title": "Three"}, prefix="V").note == "changed"
    assert ledger.take(message_id="b", record=record | {"version": 2}, prefix="V").note == "older than version 3"
    held = ledger.record("r1")
    assert held is not None
    assert (held["title"], held["local_id"]) == ("Three", "V-000001")


def test_down_and_rejecting_are_felt_and_pass(servers: list[Server], endpoints: list[Endpoint]) -> None:
    [record] = suppliers(1)
    erp, procurement, _ = endpoints
    switch(servers[0], "down")
    switch(servers[1], "rejecting")
    run(erp)
    run(procurement)
    erp.lane.refresh_from_db()
    assert erp.lane.last_failure_code == "TARGET_DOWN"
    refused = procurement.deliveries.get()
    assert refused.outcome_code == "REJECTED_VALIDATION"
    assert "catalogue is frozen" in refused.outcome
    switch(servers[0], "up")
    erp.lane.__class__.objects.update(next_probe_at=None)
    rename(record, "Renamed Ltd")
    run(erp)
    assert json.loads(get(servers[0], f"/records/{record.code}"))["title"] == "Renamed Ltd"


def test_strangers_are_turned_away(servers: list[Server], endpoints: list[Endpoint]) -> None:
    body = json.dumps({"id": "x", "version": 1}).encode()
    for server in servers:
        url = f"http://127.0.0.1:{server.server_port}/suppliers/x"
        request = urllib.request.Request(url, data=body, method="PUT")
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(request)  # noqa: S310 - loopback
        assert refused.value.code == 401
        refused.value.close()
        assert server.receiver.ledger.totals()["messages"] == 0


def test_setting_up_twice_changes_nothing(endpoints: list[Endpoint], servers: list[Server], tmp_path: Path) -> None:
    before = (tmp_path / "receivers" / "erp.json").read_text()
    ensure_demo_endpoints(ports=[server.server_port for server in servers], folder=tmp_path)
    assert (tmp_path / "receivers" / "erp.json").read_text() == before
    assert Endpoint.objects.count() == 3
    assert (tmp_path / "receivers" / "erp.json").stat().st_mode & 0o077 == 0
