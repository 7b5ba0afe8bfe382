"""What a receiver does with a message, apart from HTTP: prove who sent it, then take it."""

import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from demo.receivers.fields import in_hub_fields
from demo.receivers.ledger import Ledger, Taken

MODES = {
    "up": "Takes everything",
    "slow": "Answers after three seconds",
    "rejecting": "Refuses every record",
    "doubting": "Takes everything, and refuses it in a receipt a moment later",
    "down": "Answers 503",
}
SLOW_SECONDS = 3.0
RECEIPT_SECONDS = 2.0


@dataclass(frozen=True)
class Character:
    """What makes one receiver different from another."""

    code: str
    name: str
    line: str
    colour: str
    prefixes: Mapping[str, str]
    refusal: str
    later: tuple[str, ...] = ()  # domains it numbers in a nightly run of its own: their ids come in receipts


CHARACTERS = (
    Character(
        code="erp", name="Ledgerline ERP", line="Vendor, material and cost center master. Assay pushes to it by REST.",
        colour="#2563b8",
        prefixes={"supplier": "V", "item": "M", "facility": "PL", "cost_center": "CC", "contract": "OA"},
        refusal="Period-end close is running: company code 1000 takes no master data changes.", later=("contract",),
    ),
    Character(
        code="procurement", name="BuyWell Procurement", line="Catalogue and contracts. It is told by signed webhooks.",
        colour="#0d7d6c",
        prefixes={"supplier": "SUPP", "item": "CAT", "facility": "SHIP", "cost_center": "BUD", "contract": "AGR"},
        refusal="The catalogue is frozen: a buyer has to open it before records can change.",
    ),
    Character(
        code="billing", name="Claimworks Billing", line="Charges and payers. It is told by signed webhooks.",
        colour="#8a3fb0",
        prefixes={"supplier": "PAY", "item": "CHG", "facility": "SITE", "cost_center": "DEP", "contract": "FEE"},
        refusal="The charge master is locked until the price review is signed.",
    ),
)  # fmt: skip


class Unproven(Exception):
    """The sender did not prove who it is; the message says how."""


@dataclass(frozen=True)
class Answer:
    """What the receiver says, and what its page shows about the call."""

    code: int
    body: dict[str, Any]
    subject: str = ""
    verified: str = ""
    note: str = ""


class Receiver:
    """One listening system: its secrets are read anew for each call, so rotating them needs no restart."""

    def __init__(self, character: Character, folder: Path) -> None:
        self.character = character
        self.secrets_file = folder / f"{character.code}.json"
        self.ledger = Ledger(folder / f"{character.code}.sqlite3")

    def prove(self, headers: Mapping[str, str], body: bytes) -> str:
        """How the sender proved itself. Raises Unproven."""
        known = self._secrets()
        if bearer := known.get("bearer"):
            given = headers.get("authorization", "").removeprefix("Bearer ")
            if not hmac.compare_digest(given.encode(), bearer.encode()):
                raise Unproven("token is not ours")
            return "token is ours"
        reasons = []
        for secret in known.get("secrets", []):
            try:
                Webhook(secret).verify(body, dict(headers), json_parse=False)
            except WebhookVerificationError as error:
                reasons.append(str(error))
            except (ValueError, UnicodeDecodeError):
                reasons.append("signature cannot be read")
            else:
                return "signature is valid"
        raise Unproven(reasons[0].lower() if reasons else "no secret is known here yet")

    def _secrets(self) -> dict[str, Any]:
        try:
            known = json.loads(self.secrets_file.read_text())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def take(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Verify, then act as switched: take the message once, or refuse it with a reason."""
        mode = self.ledger.mode()
        if mode == "down":
            return Answer(503, {"title": "Down for maintenance"}, note="switched down")
        if mode == "slow":
            time.sleep(SLOW_SECONDS)
        try:
            verified = self.prove(headers, body)
        except Unproven as error:
            return Answer(401, {"title": "Not signed by a sender we know"}, verified=str(error), note="turned away")
        try:
            message = json.loads(body)
            given: dict[str, Any] = message["data"] if "specversion" in message else message
            if message.get("type") == "assay.ping.v1":
                return Answer(200, {"challenge": given["challenge"]}, "ping", verified, "answered")
            record = in_hub_fields(given)
            subject = f"{record['code']} v{record['version']}"
            message_id = str(message.get("id") if "specversion" in message else headers["idempotency-key"])
            if headers.get("webhook-test"):
                return Answer(200, {"id": ""}, subject, verified, "a test: read and forgotten")
            if mode == "rejecting":
                return Answer(422, self._refusal(), subject, verified, "refused")
            prefix = self.character.prefixes.get(record["domain"], "X")
            replayed = "webhook-replay" in headers
            taken = self.ledger.take(message_id=message_id, record=record, prefix=prefix, body=given, replayed=replayed)
        except (ValueError, KeyError, TypeError, AttributeError):
            problem = {"type": "about:blank", "title": "Not a message this system reads", "code": "unreadable"}
            return Answer(400, problem, verified=verified, note="unreadable")
        return self._answered(mode, message_id, record, taken, Answer(200, {"id": taken.local_id}, subject, verified))

    def _answered(self, mode: str, message_id: str, record: dict[str, Any], taken: Taken, answer: Answer) -> Answer:
        """At once with the own id, or with nothing yet and a receipt later."""
        later = record["domain"] in self.character.later
        if mode != "doubting" and not later:
            return replace(answer, note=taken.note)
        accepted = mode != "doubting"
        receipt = {"event_id": message_id, "accepted": accepted, "local_id": taken.local_id if accepted else ""}
        if not accepted:
            receipt |= {"code": "LOCKED", "reason": self.character.refusal}
        number = self.ledger.next_receipt()
        self.ledger.owe_receipt({"key": f"{self.character.code}-{number}", **receipt}, RECEIPT_SECONDS)
        return replace(answer, code=202, body={}, note=f"{taken.note}, receipt follows")

    def _refusal(self) -> dict[str, Any]:
        return {"type": "about:blank", "title": "Record refused", "status": 422, "code": "locked",
                "detail": self.character.refusal}  # fmt: skip
