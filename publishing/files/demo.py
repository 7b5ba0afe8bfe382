"""The demo's legacy target: an old inventory system that reads a semicolon file of items each night."""

from pathlib import Path
from typing import Any

from django.conf import settings

from mdm.cause import HUB
from publishing.files.targets import Drop, create_file_endpoint
from publishing.history import change_state
from publishing.models import Endpoint, EndpointKind, EndpointState, Mode
from publishing.proposing import Proposal

CODE = "inventory"
ITEMS: list[dict[str, Any]] = [
    {"to": "ITEM_NO", "from": "code"},
    {"to": "DESCRIPTION", "from": "attributes.description", "longest": 60, "too_long": "cut"},
    {"to": "MAKER", "from": "attributes.manufacturer.title", "longest": 40, "too_long": "cut"},
    {"to": "MAKER_PART", "from": "attributes.manufacturer_part_number"},
    {"to": "GTIN", "from": "attributes.gtin"},
    {"to": "UNIT", "from": "attributes.base_uom"},
    {"to": "HAZARDOUS", "from": "attributes.hazardous", "words": {"true": "Y", "false": "N"}},
    {"to": "ACTIVE", "from": "state", "words": {"active": "Y"}, "default": "N"},
    {"to": "PACKS", "each": "parts.packs", "fields": [
        {"to": "UNIT", "from": "uom"}, {"to": "QUANTITY", "from": "quantity"}, {"to": "GTIN", "from": "gtin"},
    ]},
]  # fmt: skip
PACKS: list[dict[str, Any]] = [
    {"field": "record.ITEM_NO", "name": "ITEM_NO"},
    {"field": "UNIT", "name": "UNIT"},
    {"field": "QUANTITY", "name": "QUANTITY", "kind": "decimal", "total": True},
    {"field": "GTIN", "name": "GTIN"},
]


def ensure_demo_files() -> Endpoint | None:
    """The endpoint inventory exists and runs: what changed of the items, each night, into a folder of the outbox.

    None where the operator lists no folder for files. Repeating it changes nothing but makes the folder again.
    """
    if not settings.FILE_FOLDERS:
        return None
    (Path(settings.FILE_FOLDERS[0]) / CODE).mkdir(parents=True, exist_ok=True)
    found = Endpoint.objects.filter(code=CODE).first()
    if found is not None:
        return found
    proposal = Proposal(
        code=CODE, name="Storeroom Inventory", kind=EndpointKind.FILE, url="", domains=("item",),
        mode=Mode.LATEST_STATE, mapping={"item": ITEMS}, backoff_seconds=(5, 30, 60),
    )  # fmt: skip
    drop = Drop(
        folder=CODE, schedule="02:30", layout={"delimiter": ";", "columns": {"item.PACKS": PACKS}},
        file_name="{domain}-{number}.csv",
    )  # fmt: skip
    endpoint = create_file_endpoint(proposal=proposal, drop=drop, by=HUB)
    change_state(endpoint, EndpointState.ACTIVE, "", HUB)
    return endpoint
