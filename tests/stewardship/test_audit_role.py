"""The auditor reads everything and changes nothing: every address of the product is tried."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from mdm.models import GoldenRecord
from mdm.people import AUDITOR, VIEWER
from tests.factories import supplier
from tests.stewardship.pages import client_of, traces
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db

# Signing in and out is everybody's; the API knows no people, only clients with tokens.
EXEMPT = ("sign-in/", "sign-out/", "api/")
NAMED_GROUP = re.compile(r"\(\?P<(\w+)>([^)]*)\)")
WRITES = ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "COPY")


def addresses(record: GoldenRecord) -> Iterator[str]:
    """Every address of the pages, blanks filled in with something that fits."""
    fitting: dict[str, Any] = {"slug": "suppliers", "name": record.code, "code": "none", "tab": "sources"}
    for route, pattern in _leaves(get_resolver(), ""):
        values = {
            name: fitting.get(name, str(uuid4()) if "UUID" in type(kind).__name__ else "1")
            for name, kind in pattern.pattern.converters.items()
        }
        address = route.replace("^", "").replace("$", "")
        for name, kind in pattern.pattern.converters.items():
            for written in (f"<{_word(kind)}:{name}>", f"<{name}>"):
                address = address.replace(written, str(values[name]))
        if not address.startswith(EXEMPT):
            yield "/" + NAMED_GROUP.sub(lambda group: group[2].partition("|")[0] if "|" in group[2] else "1", address)


def _word(kind: Any) -> str:
    words = {"UUIDConverter": "uuid", "IntConverter": "int", "SlugConverter": "slug", "PathConverter": "path"}
    return words.get(type(kind).__name__, "str")


def _leaves(within: URLResolver, before: str) -> Iterator[tuple[str, URLPattern]]:
    for one in within.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from _leaves(one, route)
        else:
            yield route, one


def test_every_post_of_the_product_is_refused_for_the_auditor() -> None:
    record = supplier("V1", "Acme")
    ann = client_of(someone("Ann Auditor", AUDITOR))
    before, refused = traces(), 0
    for address in addresses(record):
        with CaptureQueriesContext(connection) as caught:
            answer = ann.post(address, {"reason": "because", "rows": "1", "new": "x", "document": "x"})
        # What is sent without waiting for its answer has no text here; the traces tell.
        assert [query["sql"] for query in caught if (query["sql"] or "").startswith(WRITES)] == [], address
        refused += answer.status_code in (403, 405)
        # A page that only reads may answer a POST as it answers a GET; whatever acts must refuse.
        assert answer.status_code in (403, 405, ann.get(address).status_code), address
    assert refused > 30
    assert traces() == before


@pytest.mark.parametrize(
    "address",
    [
        "/imports/send/",
        "/quarantine/dismiss/",
        "/quarantine/1/mend/",
        "/feeds/change/",
        "/feeds/vendors/dry-run/",
        "/audit/verify/",
    ],
)
def test_what_acts_on_files_and_log_answers_403(address: str) -> None:
    ann: Client = client_of(someone("Ann Auditor", AUDITOR))
    assert ann.post(address).status_code == 403


def test_the_side_bar_leads_to_the_audit_only_those_who_may_read_it() -> None:
    ann, vera = (client_of(someone(name, role)) for name, role in (("Ann Auditor", AUDITOR), ("Vera", VIEWER)))
    assert 'href="/audit/"' in ann.get("/search/").content.decode()
    assert 'href="/audit/"' not in vera.get("/search/").content.decode()
