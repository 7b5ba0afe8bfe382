"""Receipts of a receiver on their way to the hub: some systems know only later what became of a message."""

import json
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from demo.receivers.receiver import Receiver

EVERY_SECONDS = 1.0
FINAL = ("taken", "known", "refused")


class Teller(threading.Thread):
    """Sends the receipts of one receiver that are due; what the hub does not answer is sent again."""

    def __init__(self, receiver: Receiver, folder: Path) -> None:
        super().__init__(name=f"receipts-{receiver.character.code}", daemon=True)
        self.receiver = receiver
        self.hub_file = folder / f"{receiver.character.code}.hub.json"
        self.ended = threading.Event()

    def run(self) -> None:
        while not self.ended.wait(EVERY_SECONDS):
            self.tell()

    def tell(self) -> int:
        """One round; returns how many receipts the hub has answered for good."""
        due = self.receiver.ledger.receipts_due()
        hub = self._hub() if due else {}
        if not hub:
            return 0
        answered = 0
        for item in _posted(f"{hub['url']}/api/v1/receipts", str(hub["token"]), due):
            if item["state"] in FINAL:
                self.receiver.ledger.receipt_told(item["key"])
                answered += 1
        if answered:
            self.receiver.ledger.note(
                what="receipts to the hub", subject=f"{answered} receipts", verified="our token", code=200, note="told"
            )
        return answered

    def _hub(self) -> dict[str, Any]:
        try:
            known = json.loads(self.hub_file.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) and known.get("url") and known.get("token") else {}


def _posted(url: str, token: str, receipts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The hub's answer to each; none where it cannot be reached now."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=json.dumps(receipts).encode(), headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - the hub's own address
            items: list[dict[str, Any]] = json.load(answer)["items"]
    except (OSError, ValueError, KeyError, urllib.error.URLError):
        return []
    return items
