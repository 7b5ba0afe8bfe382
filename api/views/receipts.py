"""Receipts in: what a target says later about messages it was sent."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from api.models import ApiClient
from api.scopes import RECEIPT_WRITE
from api.views.base import ApiView, client_of, only
from api.views.bounded import BoundedJson
from mdm.errors import Invalid, MdmError
from publishing.models import Endpoint
from publishing.outcomes import clean
from publishing.receipts import MOST, Given, Taken, Taking, take_all

Problems = list[tuple[str, str]]
KNOWN = ("key", "event_id", "record", "version", "accepted", "code", "reason", "local_id")
LENGTHS = {"key": 120, "record": 40, "code": 120, "reason": 500, "local_id": 120}
LARGEST = 2**31 - 1


class SpeaksForNobody(MdmError):
    """The token was not made for an endpoint."""

    code = "permission-denied"
    http = 403


class ReceiptsView(ApiView):
    """Take one receipt or many; each is answered for itself."""

    scope = RECEIPT_WRITE
    parser_classes = (BoundedJson,)

    def post(self, request: Request) -> Response:
        only(request.query_params, ())
        client = client_of(request)
        endpoint = endpoint_of(client)
        raw = _listed(request.data)
        read = [_read(one) for one in raw]
        good = [given for given, problems in read if given is not None and not problems]
        answers = iter(take_all(endpoint=endpoint, receipts=good, by=client.name))
        items = [
            _item(Taken(given.key if given else "", Taking.REFUSED, tuple(problems)) if problems else next(answers))
            for given, problems in read
        ]
        return Response({"items": items, "counts": _counts(items)})


def endpoint_of(client: ApiClient) -> Endpoint:
    """The target the client speaks for. Raises SpeaksForNobody where it speaks for none."""
    if client.endpoint is None:
        raise SpeaksForNobody(
            "This token speaks for no endpoint.",
            "Ask an administrator for a token made with `manage.py create_client NAME --endpoint CODE`.",
        )
    return client.endpoint


def _listed(document: Any) -> list[Any]:
    """One receipt, a list of them, or {"receipts": [...]}."""
    raw = document.get("receipts", [document] if document else []) if isinstance(document, Mapping) else document
    if not isinstance(raw, list) or not raw:
        problem = ("receipts", "Give one receipt, or a list of at least one.")
        raise Invalid("There is no receipt here.", "Send one receipt or a list of them.", [problem])
    if len(raw) > MOST:
        problem = ("receipts", f"At most {MOST} at a time; these are {len(raw)}.")
        raise Invalid("These are too many receipts.", f"Send at most {MOST} at a time.", [problem])
    return raw


def _read(raw: Any) -> tuple[Given | None, Problems]:
    """The receipt as it is meant, and everything that is wrong with the way it is written."""
    if not isinstance(raw, Mapping):
        return None, [("", "A receipt is an object with key and accepted.")]
    problems: Problems = [(str(name), f"There is no field {name}.") for name in raw if name not in KNOWN]
    texts = {name: _text(raw.get(name), name, problems) for name in LENGTHS}
    if not texts["key"]:
        problems.append(("key", "Give each receipt a key of your own; the same key again changes nothing."))
    if not isinstance(raw.get("accepted"), bool):
        problems.append(("accepted", "Say true or false."))
    event_id = _uuid(raw.get("event_id"), problems)
    version = _version(raw.get("version"), problems)
    if raw.get("event_id") is None and (not texts["record"] or raw.get("version") is None):
        problems.append(("event_id", "Name the event, or a record and its version."))
    given = Given(accepted=raw.get("accepted") is True, event_id=event_id, version=version, **texts)
    return given, problems


def _text(value: Any, name: str, problems: Problems) -> str:
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int):
        problems.append((name, "Give a text."))
        return ""
    text = clean(str(value)).strip()
    if len(text) > LENGTHS[name] and name != "reason":
        problems.append((name, f"At most {LENGTHS[name]} characters."))
    return text[: LENGTHS[name]]


def _uuid(value: Any, problems: Problems) -> UUID | None:
    if value is None:
        return None
    try:
        return UUID(str(value))
    except ValueError:
        problems.append(("event_id", f"{str(value)[:60]} is no id of an event."))
        return None


def _version(value: Any, problems: Problems) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= LARGEST:
        problems.append(("version", "A version is a whole number from 1 on."))
        return None
    return value


def _item(taken: Taken) -> dict[str, Any]:
    return {
        "key": taken.key,
        "state": str(taken.state),
        "retryable": taken.state == Taking.LATER,
        "problems": [{"pointer": name, "code": str(taken.state), "detail": text} for name, text in taken.problems],
    }


def _counts(items: list[dict[str, Any]]) -> dict[str, int]:
    return {str(state): sum(item["state"] == state for item in items) for state in Taking}
