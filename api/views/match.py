"""Search before create: the golden records that values of a record not created yet may mean."""

from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.present import href
from api.scopes import read_scope
from api.views.base import AllAtOnce, ApiView, client_of, only, require_scope
from api.views.bounded import BoundedJson
from matching.rules import in_force
from matching.searching import MOST_SHOWN, Alike, Searched, evidence, search
from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.intake.given import Given, read_given
from mdm.spec import Domain

FIELDS = ("domain", "attributes", "parts", "limit")
SHOWN = 10


class MatchView(ApiView):
    """Which golden records do these values mean? Likest first, each with why. Writes nothing."""

    parser_classes = (BoundedJson,)

    def post(self, request: Request) -> Response:
        only(request.query_params, ())
        domain, given, limit = _asked(request)
        found = search(domain, given.values, given.parts, limit)
        return Response(_answer(in_force(domain), given, found))


def _asked(request: Request) -> tuple[Domain, Given, int]:
    """What the body asks; Invalid with all its faults, PermissionDenied for a domain the token may not read."""
    body = request.data
    if not isinstance(body, Mapping):
        raise Invalid("This is nothing to search for.", "Send an object.", [("", "Send an object.")])
    domain = BY_NAME.get(str(body.get("domain", "")))
    if domain is not None:
        require_scope(client_of(request), read_scope(domain))
    checks = AllAtOnce()
    checks.of(lambda: _known_fields(body), None)
    limit = checks.of(lambda: _limit(body.get("limit", SHOWN)), SHOWN)
    given = checks.of(lambda: _given(domain, body), None)
    checks.end()
    if domain is None or given is None:
        raise AssertionError("a refusal ends before this")
    return domain, given, limit


def _known_fields(body: Mapping[str, Any]) -> None:
    unknown = [name.encode("utf-8", "replace").decode()[:100] for name in body if name not in FIELDS]
    if unknown:
        known = f"Known are: {', '.join(FIELDS)}."
        raise _refusal([(name, f"There is no field {name}. {known}") for name in unknown[:100]])


def _limit(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_SHOWN:
        raise _refusal([("limit", f"A whole number from 1 to {MOST_SHOWN}.")])
    return value


def _given(domain: Domain | None, body: Mapping[str, Any]) -> Given:
    if domain is None:
        raise _refusal([("domain", f"One of {', '.join(BY_NAME)}.")])
    if not body.get("attributes") and not body.get("parts"):
        raise _refusal([("attributes", "Give at least one value, a name for example.")])
    return read_given(domain, body.get("attributes"), body.get("parts"))


def _refusal(problems: list[tuple[str, str]]) -> Invalid:
    return Invalid("This cannot be searched for.", "Correct what is named and send it again.", problems)


def _answer(domain: Domain, given: Given, found: Searched) -> dict[str, Any]:
    left_out = [(place, f"{text} It was not compared.") for place, text in given.unread]
    left_out += [*given.doubted, *found.left_out]
    return {
        "domain": domain.name,
        "band": found.band,
        "compared": found.compared,
        "items": [_item(found.domain, one) for one in found.found],
        "left_out": [{"pointer": place, "detail": text} for place, text in left_out],
    }


def _item(domain: Domain, one: Alike) -> dict[str, Any]:
    return {
        "id": one.record,
        "code": one.code,
        "domain": domain.name,
        "state": one.state,
        "version": one.version,
        "title": one.title,
        "href": href(domain.name, one.record),
        "probability": round(one.score.probability, 4),
        "band": one.band,
        "sentence": one.sentence,
        "points": round(one.score.bits, 2),
        "before_any_evidence": domain.matching.prior,
        "evidence": evidence(domain, one.score),
        "vetoes": list(one.score.vetoes),
        "closest": {"system": one.system, "key": one.key},
    }
