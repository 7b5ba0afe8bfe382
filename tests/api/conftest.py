"""Clients of the API: one that may read everything, and a way to make others."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from api.clients import create_client
from api.models import ApiClient
from api.scopes import SCOPES
from api.waiting import LISTENER

Make = Callable[..., Client]


def bearer(token: str) -> Client:
    """A test client that sends the token; server errors are answered, not raised."""
    return Client(headers={"Authorization": f"Bearer {token}"}, raise_request_exception=False)


@pytest.fixture(autouse=True)
def _nobody_goes_on_listening() -> Iterator[None]:
    """A listener would hold a connection to a database that is to be dropped."""
    yield
    LISTENER.leave()


@pytest.fixture
def client_with(db: None) -> Make:
    """``client_with("supplier:read", name="erp")``: a client with these scopes, its use noted just now."""

    def make(*scopes: str, name: str = "erp") -> Client:
        made, token = create_client(name=name, scopes=scopes)
        ApiClient.objects.filter(pk=made.pk).update(last_used_at=timezone.now())
        return bearer(token)

    return make


@pytest.fixture
def api(client_with: Make) -> Client:
    """A client that may do everything."""
    return client_with(*SCOPES, name="full")


@pytest.fixture
def get(api: Client) -> Callable[..., Any]:
    """``get("/suppliers/", limit=2)``: the JSON of a successful answer."""

    def read(path: str, **params: Any) -> Any:
        answer = api.get(f"/api/v1{path}", params)
        assert answer.status_code == 200, answer.content
        return answer.json()

    return read
