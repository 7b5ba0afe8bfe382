"""`dataschema` of a message leads to a schema that this very message satisfies."""

import json
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from jsonschema import Draft202012Validator

from mdm.mastering import merge, retire
from mdm.models import ChangeEvent, EventVerb
from publishing import payloads
from publishing.models import Endpoint, EndpointKind
from tests.api.problems import problem
from tests.factories import hospital, publish, supplier, why

pytestmark = pytest.mark.django_db


def messages() -> list[dict[str, Any]]:
    hook = Endpoint(code="hook", name="Hook", kind=EndpointKind.WEBHOOK)
    frame = {"seq": 7, "epoch": uuid4(), "number": 1}
    bodies = [payloads.read(event.body) for event in ChangeEvent.objects.filter(seq__isnull=False).order_by("seq")]
    texts = [payloads.render(hook, body, **frame) for body in bodies]
    texts.append(payloads.render_left(hook, bodies[0], **frame))
    return [json.loads(text) for text in texts]


def test_every_message_satisfies_the_schema_it_names(client: Client) -> None:
    one, two, three = (supplier(f"K{number}", f"Company {number}", phone="+1 415 555 0100") for number in range(3))
    hospital("H1", "General Hospital")
    merge(winner_id=one.pk, loser_ids=[two.pk], expected={one.pk: 1, two.pk: 1}, cause=why("the same"))
    retire(record_id=three.pk, expected=1, cause=why("gone"))
    publish()
    told = messages()
    assert {message["type"] for message in told} >= {
        "assay.supplier.created.v1", "assay.supplier.merged.v1", "assay.supplier.retired.v1", "assay.supplier.left.v1",
    }  # fmt: skip
    for message in told:
        place = message["dataschema"][message["dataschema"].index("/api/") :]
        answer = client.get(place)
        assert answer.status_code == 200
        schema = answer.json()
        Draft202012Validator.check_schema(schema)
        assert list(Draft202012Validator(schema).iter_errors(message)) == []
        broken = message | {"type": "assay.item.created.v1", "sequence": "7"}
        assert len(list(Draft202012Validator(schema).iter_errors(broken))) == 2


def test_the_list_names_every_type_and_an_unknown_one_is_told(client: Client) -> None:
    items = client.get("/api/v1/message-schemas").json()["items"]
    assert len(items) == 5 * (len(EventVerb) + 1)
    assert client.get(items[0]["href"][items[0]["href"].index("/api/") :]).json()["$id"] == items[0]["href"]
    problem(client.get("/api/v1/message-schemas/assay.planet.created.v1"), 404, "not-found")
