"""Merge any group, change things, unmerge: database, API and receivers are as if nobody had ever merged, but for
history."""

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.clients import create_client
from api.scopes import SCOPES
from mdm.domains import BY_NAME
from mdm.mastering import differences
from mdm.mastering.write import read_stored, stored_snapshot
from mdm.models import ChangeEvent, GoldenRecord, Link, Pin, SourceRecord
from mdm.spec import Domain
from tests.factories import check_walls
from tests.mdm.stories import Step, Story, tell_again
from tests.mdm.worlds import World, make_world

VERBS = ("merge", "merge", "unmerge", "resend", "edit", "take_out", "retire", "arrive", "row", "withdraw", "unpin")
NUMBERS = st.integers(0, 255)
STEPS = st.lists(st.tuples(st.sampled_from(VERBS), NUMBERS, NUMBERS, NUMBERS), min_size=1, max_size=12)
# When, by whom, why, in which version and by which road something came to be: that is history.
HISTORY = frozenset({
    "id", "verb", "version", "previous_version", "previous_state", "occurred_at", "updated_at", "created_at",
    "actor", "actor_kind", "channel", "approved_by", "reason", "correlation_id", "decision_id", "outward", "changed",
    "digest", "since", "since_version", "seen_at", "method", "by", "score", "targets",
})  # fmt: skip
UNORDERED = frozenset({"crosswalk", "others", "sources"})


class Told(Exception):
    """Ends a telling without keeping anything of it."""


class Look:
    """A world as database, API and receivers hold it, with places instead of ids."""

    def __init__(self, world: World, client: Client) -> None:
        self.world, self.client = world, client
        edits = SourceRecord.objects.in_bulk(world.edits)
        self.places = {pk: f"source {n}" for n, pk in enumerate(world.sources)}
        self.places |= {pk: f"edit {n}" for n, pk in enumerate(world.edits)}
        self.names = {str(pk): f"record {n}" for n, pk in enumerate(world.records)}
        self.names |= {edits[pk].key: f"edit {n}" for n, pk in enumerate(world.edits)}

    def everything(self) -> dict[str, Any]:
        """Of each record what is stored, what the API answers and what a receiver heard last; then the sources."""
        records = GoldenRecord.objects.in_bulk(self.world.records)
        found = {f"record {n}": self.plain(self._record(records[pk])) for n, pk in enumerate(self.world.records)}
        return found | {"sources": self.plain(self._sources())}

    def _record(self, record: GoldenRecord) -> dict[str, Any]:
        domain = BY_NAME[record.domain]
        stored = read_stored(domain, [record.pk])
        snapshot = stored_snapshot(domain, stored, record.pk)
        rows: dict[str, Any] = {name: of.get(record.pk, {}) for name, of in stored.parts.items()}
        return {
            "record": {"state": record.state, "held_by": record.held_by, "suspected": record.suspected},
            "merged_into": str(record.merged_into_id),
            "names": [record.code, record.title, record.search_text, record.identifiers],
            "values": snapshot.values,
            "extension": snapshot.extension,
            "provenance": snapshot.provenance,
            "parts": snapshot.parts,
            "rows": {
                name: {key: self.places[row.source_record_id] for key, row in rows[name].items()} for name in rows
            },
            "api": self._answer(domain, record),
            "receivers": self._heard(record),
        }

    def _answer(self, domain: Domain, record: GoldenRecord) -> Any:
        answer = self.client.get(f"/api/v1/{domain.slug}/{record.pk}")
        assert answer.status_code == 200, answer.content
        return answer.json()

    def _heard(self, record: GoldenRecord) -> Any:
        """What was said of it last, where anybody hears of it; titles of others are as they were when it was said."""
        events = ChangeEvent.objects.filter(record=record).order_by("-version")
        body = json.loads((events.filter(outward=True).first() or events[0]).body)
        return _without_titles(body) | {"title": body["title"]}

    def _sources(self) -> dict[str, Any]:
        held = dict(Link.objects.filter(ended_at=None).values_list("source_record_id", "record_id"))
        said = SourceRecord.objects.in_bulk([*self.world.sources, *self.world.edits])
        pins = Pin.objects.filter(edit__in=self.world.edits).order_by("edit_id", "attribute")
        return {
            "crosswalk": {place: [said[pk].state, str(held.get(pk))] for pk, place in self.places.items()},
            "pins": [[self.places[pin.edit_id], pin.attribute, pin.ended_at is None] for pin in pins],
            "left over": sorted(held.keys() - self.places.keys()),
        }

    def plain(self, node: Any, inside: str = "") -> Any:
        """Without history; ids by place."""
        if isinstance(node, dict):
            named = {key: value for key, value in node.items() if key not in HISTORY}
            return {
                self.plain(key): self.places[value] if key == "source_record" else self.plain(value, key)
                for key, value in named.items()
            }
        if isinstance(node, list):
            found = [self.plain(one) for one in node]
            return sorted(found, key=json.dumps) if inside in UNORDERED else found
        return _ID.sub(lambda it: self.names.get(it[0].lower(), it[0]), node) if isinstance(node, str) else node


_ID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def _without_titles(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_titles(value) for key, value in node.items() if key != "title"}
    return [_without_titles(one) for one in node] if isinstance(node, list) else node


def forgive(unmerged: dict[str, Any], twin: dict[str, Any]) -> None:
    """A record once in use is not held back again: whether it was while it stood for others as well is history."""
    for name, record in twin.items():
        if name != "sources" and record["record"]["held_by"] and record["record"]["state"] == "active":
            for place in ("record", "api", "receivers"):
                assert unmerged[name][place]["state"] in ("active", "pending")
                unmerged[name][place]["state"] = "active"


def tell_both(domain: Domain, seed: int, suspected: int, steps: Sequence[Step]) -> list[dict[str, Any]]:
    """The world after everything was taken back, and the one in which nobody ever merged."""
    world = make_world(domain, seed, suspected)
    client = Client(headers={"Authorization": f"Bearer {create_client(name='reader', scopes=SCOPES)[1]}"})
    merged, twin = world.twin(), world.twin()
    story = Story(merged)
    seen: list[dict[str, Any]] = []
    with suppress(Told), transaction.atomic():
        story.tell(steps)
        check_walls()
        assert list(differences()) == []
        seen.append(Look(merged, client).everything())
        raise Told
    with suppress(Told), transaction.atomic():
        tell_again(twin, story.deeds)
        seen.append(Look(twin, client).everything())
        raise Told
    forgive(*seen)
    return seen


@pytest.mark.django_db
@pytest.mark.parametrize("name", list(BY_NAME))
@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(seed=st.integers(0, 99), suspected=st.integers(0, 15), steps=STEPS)
def test_what_is_unmerged_is_as_if_it_had_never_been_merged(
    name: str, seed: int, suspected: int, steps: list[Step]
) -> None:
    with suppress(Told), transaction.atomic():
        unmerged, twin = tell_both(BY_NAME[name], seed, suspected, steps)
        assert unmerged == twin
        raise Told
