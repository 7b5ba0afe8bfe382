"""The ERP's own names for what the hub calls otherwise: it is sent its own fields and knows the record by these."""

from collections.abc import Mapping
from typing import Any

COMMON = {"id": "HubId", "version": "HubVersion", "state": "HubState", "merged_into": "ReplacedBy"}
OWN: Mapping[str, Mapping[str, str]] = {
    "supplier": {**COMMON, "code": "VendorNumber", "title": "Name1"},
    "item": {**COMMON, "code": "MaterialNumber", "title": "Description"},
}


def in_hub_fields(body: dict[str, Any]) -> dict[str, Any]:
    """What identifies the record, by the hub's names. Raises KeyError where something of it is missing."""
    for domain, own in OWN.items():
        if own["code"] in body:
            named = {name: body.get(theirs) for name, theirs in own.items()}
            return {**named, "domain": domain, "title": named["title"] or named["code"], "id": body[own["id"]]}
    return body
