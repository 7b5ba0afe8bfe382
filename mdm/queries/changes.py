"""The ``changed`` list of versions and events, worded for people and masked."""

from collections.abc import Mapping, Sequence
from typing import Any

from mdm.masking import masked_changes
from mdm.mastering.compose import EXTENSION_PREFIX
from mdm.queries.shapes import Change
from mdm.spec import Domain


def changes_of(domain: Domain, changed: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Changes in the order written. Parts carry the rows removed as before and the rows added as after."""
    labels = {attribute.name: attribute.label for attribute in domain.attributes}
    parts = {part.name: part.label for part in domain.parts}
    return [
        Change(
            attribute=entry["part"],
            label=parts.get(entry["part"], entry["part"]),
            before=entry.get("removed", []),
            after=entry.get("added", []),
            source="",
            rule="",
            is_part=True,
        )
        if "part" in entry
        else Change(
            attribute=entry["attribute"],
            label=labels.get(entry["attribute"], entry["attribute"].removeprefix(EXTENSION_PREFIX)),
            before=entry.get("before"),
            after=entry.get("after"),
            source=entry.get("source", ""),
            rule=entry.get("rule", ""),
        )
        for entry in masked_changes(domain.name, changed)
    ]
