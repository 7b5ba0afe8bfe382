"""The interface document: complete, valid, a committed snapshot, and true of what is really answered."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema

from api.views.documentation import interface_document
from mdm.domains import DOMAINS
from mdm.filters import filters_for
from mdm.mastering import contribute, merge
from tests.factories import golden, hospital, publish, source, supplier, why

SNAPSHOT = Path(__file__).parent / "openapi.json"
RENEW = (
    "The interface document changed. Look at the difference, then renew the snapshot: "
    "python -m tests.api.renew_snapshot"
)


def as_text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def closed(node: Any) -> Any:
    """The schema with nothing allowed that it does not name, so that an unannounced field is noticed."""
    if isinstance(node, list):
        return [closed(entry) for entry in node]
    if not isinstance(node, dict):
        return node
    named = {"additionalProperties": False} if "properties" in node else {}
    return {key: closed(value) for key, value in node.items()} | named


def schema_of(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}", "components": closed(document["components"])}


def test_the_document_is_valid_and_made_without_complaint() -> None:
    GENERATOR_STATS.reset()
    document = interface_document()
    validate_schema(document)
    assert document["openapi"].startswith("3.1")
    assert (dict(GENERATOR_STATS._warn_cache), dict(GENERATOR_STATS._error_cache)) == ({}, {})


def test_the_document_is_the_committed_one() -> None:
    assert as_text(interface_document()) == SNAPSHOT.read_text(), RENEW


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_every_filter_is_in_the_document(domain: Any) -> None:
    parameters = interface_document()["paths"][f"/api/v1/{domain.slug}/"]["get"]["parameters"]
    named = {parameter["name"] for parameter in parameters}
    assert named == set(filters_for(domain.name).base_filters) | {"cursor", "limit", "order", "fields"}


def test_every_answer_names_the_problems_it_may_have() -> None:
    for path, operations in interface_document()["paths"].items():
        for method, operation in operations.items():
            assert {"401", "403", "500"} <= operation["responses"].keys(), (path, method)
            assert operation["security"] == [{"token": []}], (path, method)


@pytest.mark.django_db
def test_what_is_answered_is_what_the_document_says(api: Client) -> None:
    document = interface_document()
    account = {"bank": "B", "country": "US", "account_tail": "••••4821"}
    acme = golden(source("erp", "supplier", "V1", name="Acme", parts={"bank_accounts": [account]}))
    lost = supplier("V2", "ACME")
    contribute(record_id=acme.pk, values={"name": "Acme Medical"}, expected=1, cause=why())
    merge(winner_id=acme.pk, loser_ids=[lost.pk], expected={}, cause=why())
    site = hospital("H1", "Reno General", beds=30, valid_from="2020-01-01")
    maker = {"system": "erp", "domain": "supplier", "key": "V1"}
    item = golden(source("erp", "item", "I1", description="Screw", implant=True, manufacturer=maker))
    line = {"number": "1", "price": "12.5", "item": {"system": "erp", "domain": "item", "key": "I1"}}
    deal = golden(source("erp", "contract", "C1", number="C1", supplier=maker, parts={"lines": [line]}))
    publish()
    answers = {
        "SupplierPage": "/suppliers/?state=all",
        "ItemPage": "/items/?fields=implant",
        "FacilityPage": "/facilities/",
        "CostCenterPage": "/cost-centers/",
        "ContractPage": "/contracts/",
        "Supplier": f"/suppliers/{lost.code}",
        "Item": f"/items/{item.pk}",
        "Facility": f"/facilities/{site.pk}?as_of_version=1",
        "Contract": f"/contracts/{deal.pk}",
        "Changes": "/changes",
        "Lookup": "/lookup?system=erp&key=V2",
    }
    for name, path in answers.items():
        body = api.get(f"/api/v1{path}").json()
        assert body.get("items") != [] or name == "CostCenterPage", path
        jsonschema.validate(body, schema_of(document, name))
    refused = api.get("/api/v1/suppliers/", {"nmae": 1}).json()
    jsonschema.validate(refused, schema_of(document, "Problem"))


@pytest.mark.django_db
def test_clients_and_people_signed_in_read_it_and_nobody_else(client_with: Any) -> None:
    assert client_with("item:read").get("/api/v1/schema").json() == json.loads(SNAPSHOT.read_text())
    person = Client()
    person.force_login(get_user_model().objects.create_user("ann"))
    assert person.get("/api/v1/schema").status_code == 200
    assert person.get("/api/v1/suppliers/").status_code == 401
    page = person.get("/api/v1/docs/")
    assert page.status_code == 200
    assert b"swagger-ui-bundle.js" in page.content
    policy = page["Content-Security-Policy"]
    assert "script-src 'self';" in f"{policy};"
    stranger = Client().get("/api/v1/docs/")
    assert (stranger.status_code, stranger["Location"]) == (302, "/sign-in/?next=/api/v1/docs/")
