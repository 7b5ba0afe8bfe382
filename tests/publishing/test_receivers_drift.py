"""The demo's receivers say what they hold, are healed where somebody altered them, and send receipts later."""

import json
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api.clients import create_client
from api.scopes import RECEIPT_WRITE
from demo.receivers.receiver import CHARACTERS, Receiver
from demo.receivers.server import serve
from demo.receivers.telling import Teller
from mdm.cause import HUB
from publishing import asking
from publishing.demo import ensure_demo_endpoints
from publishing.drift import send_again
from publishing.models import Difference, DriftCheck, Endpoint, Holding
from tests.publishing.making import OWNER, run, suppliers
from tests.publishing.test_receivers import endpoints, get, servers, switch

__all__ = ["endpoints", "servers"]


def asked(endpoint: Endpoint) -> DriftCheck:
    check = asking.ask(endpoint=endpoint, by=HUB)
    asking.run(check.pk)
    check.refresh_from_db()
    assert check.error == ""
    return check


def alter(port: int) -> list[str]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/alter", data=b"") as answer:
        altered: list[str] = json.load(answer)["altered"]
    return altered


@pytest.mark.django_db
@pytest.mark.parametrize("place", [0, 1])  # its own fields by push, the hub's by webhook
def test_what_is_altered_behind_the_hubs_back_is_found_and_healed(
    servers: list[Any], endpoints: list[Endpoint], place: int
) -> None:
    suppliers(8)
    endpoint, server = endpoints[place], servers[place]
    run(endpoint)
    assert asked(endpoint).differing == 0
    altered = alter(server.server_port)
    assert len(altered) == 3
    check = asked(endpoint)
    assert (check.compared, check.differing) == (8, 3)
    found = Difference.objects.filter(state="open")
    assert {str(row.record_id) for row in found} == set(altered)
    assert {row.field for row in found} == ({"Name1"} if place == 0 else {"attributes.name"})
    send_again(differences=list(found.values_list("pk", flat=True)), by=OWNER)
    run(endpoint)
    assert asked(endpoint).differing == 0
    assert set(Difference.objects.values_list("state", flat=True)) == {"gone"}
    assert "changed here" not in get(server, f"/records/{altered[0]}")


@pytest.fixture
def doubter(tmp_path: Path, settings: Any) -> Iterator[Any]:
    """A receiver that tells its ids of suppliers later."""
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    character = replace(CHARACTERS[0], later=("supplier",))
    server = serve(Receiver(character, tmp_path / "receivers"), 0)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.django_db(transaction=True)
def test_receipts_come_later_and_survive_a_hub_that_is_away(
    doubter: Any, live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("demo.receivers.receiver.RECEIPT_SECONDS", -1.0)
    suppliers(2)
    erp = ensure_demo_endpoints(ports=[doubter.server_port, 8998, 8999], folder=tmp_path)[0]
    run(erp)
    assert set(Holding.objects.values_list("local_id", flat=True)) == {""}
    teller = Teller(doubter.receiver, tmp_path / "receivers")
    assert teller.tell() == 0
    _, token = create_client(name="erp", scopes=[RECEIPT_WRITE], endpoint="erp")
    teller.hub_file.write_text(json.dumps({"url": str(live_server), "token": token}))
    assert teller.tell() == 2
    assert set(Holding.objects.values_list("local_id", flat=True)) == {"V-000001", "V-000002"}
    assert teller.tell() == 0
    switch(doubter, "doubting")
    suppliers_again = [holding.record for holding in Holding.objects.select_related("record")]
    from_now = Endpoint.objects.get(code="erp").deliveries.filter(record=suppliers_again[0])
    from_now.update(state="waiting", settled_at=None, replayed=True)
    run(erp)
    assert teller.tell() == 1
    parked = from_now.get()
    assert (parked.state, "Period-end close" in parked.outcome) == ("parked", True)
