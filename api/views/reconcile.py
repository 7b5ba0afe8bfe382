"""Reconciling: a target says what it holds, and hears what of it differs."""

import re
from collections.abc import Mapping
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.scopes import DRIFT_WRITE
from api.views.base import ApiView, client_of, only
from api.views.bounded import BoundedJson
from api.views.receipts import LARGEST, Problems, endpoint_of
from mdm.domains import BY_NAME
from mdm.errors import Invalid
from publishing.comparing import keepable
from publishing.differences import Found
from publishing.models import Compared, DriftCheck, Endpoint
from publishing.outcomes import clean
from publishing.reconciling import TOLD_AT_MOST, Heard, Theirs, begin, check_of, tell

BUCKET = re.compile(r"[0-9a-f]{3}\Z")
DIGEST = re.compile(r"[0-9a-f]{64}\Z")
FIRST = ("by", "domains", "buckets")
SECOND = ("check", "records", "buckets")
RECORD = ("id", "version", "digest", "fields", "local_id")
SHOWN = 1000


class ReconcileView(ApiView):
    """Begin a check with the digests of buckets, or go on with one by telling records."""

    scope = DRIFT_WRITE
    parser_classes = (BoundedJson,)

    def post(self, request: Request) -> Response:
        only(request.query_params, ())
        client = client_of(request)
        endpoint = endpoint_of(client)
        if not isinstance(request.data, Mapping):
            raise Invalid("This is no step of a check.", "Send an object.", [("", "Send an object.")])
        if "check" in request.data:
            return Response(_told(endpoint, request.data))
        return Response(_begun(endpoint, client.name, request.data), status=201)


def _begun(endpoint: Endpoint, by: str, given: Mapping[str, Any]) -> dict[str, Any]:
    problems: Problems = [(str(name), f"There is no field {name} in step 1.") for name in given if name not in FIRST]
    compares = given.get("by", Compared.CONTENT)
    if compares not in Compared.values:
        problems.append(("by", f"Compare by {' or '.join(Compared.values)}."))
    domains = given.get("domains") or []
    if not isinstance(domains, list) or any(name not in BY_NAME for name in domains):
        problems.append(("domains", f"A list of some of {', '.join(BY_NAME)}."))
    buckets = given.get("buckets")
    named = _digests(buckets, problems) if buckets is not None else None
    _refuse(problems)
    begun = begin(endpoint=endpoint, by=by, compares=Compared(compares), domains=domains, buckets=named)
    return {
        **_check(begun.check),
        "compared": begun.check.compared,
        "differing": [f"{number:03x}" for number in begun.differing],
        "expected_empty": [f"{number:03x}" for number in begun.expected_empty],
        "on_their_way": begun.check.left_out,
    }


def _digests(buckets: Any, problems: Problems) -> dict[int, str]:
    if not isinstance(buckets, Mapping):
        problems.append(("buckets", "An object of bucket and digest."))
        return {}
    wrong = [
        str(name)[:20]
        for name, digest in buckets.items()
        if not BUCKET.match(str(name)) or not (digest == "" or DIGEST.match(str(digest)))
    ]
    if wrong:
        words = "A bucket is three hex digits in lower case, its digest 64 of them."
        problems += [(f"buckets.{name}", words) for name in wrong[:20]]
        return {}
    return {int(name, 16): digest for name, digest in buckets.items()}


def _told(endpoint: Endpoint, given: Mapping[str, Any]) -> dict[str, Any]:
    problems: Problems = [(str(name), f"There is no field {name} in step 2.") for name in given if name not in SECOND]
    number = given.get("check")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**63:
        problems.append(("check", "The number step 1 answered with."))
    records = given.get("records", [])
    if not isinstance(records, list) or len(records) > TOLD_AT_MOST:
        problems.append(("records", f"A list of at most {TOLD_AT_MOST:,} records."))
        records = []
    told = [_record(one, f"records[{place}]", problems) for place, one in enumerate(records)]
    buckets = _complete(given.get("buckets", []), problems)
    _refuse(problems)
    heard = tell(check=check_of(endpoint, int(str(number))), records=told, buckets=buckets)
    return _heard(heard)


def _record(raw: Any, place: str, problems: Problems) -> Theirs:
    if not isinstance(raw, Mapping):
        problems.append((place, "A record is an object with id or local_id."))
        return Theirs("")
    problems += [(f"{place}.{name}", "There is no such field.") for name in raw if name not in RECORD]
    names = {name: clean(str(raw.get(name) or "")).strip() for name in ("id", "local_id", "digest")}
    if not names["id"] and not names["local_id"]:
        problems.append((place, "Give its id, or the id of your own you told Assay."))
    if len(names["id"]) > 200 or len(names["local_id"]) > 120:
        problems.append((place, "An id has at most 200 characters, one of your own 120."))
    version, fields, digest = raw.get("version"), raw.get("fields"), names["digest"].lower()
    if version is not None and (
        isinstance(version, bool) or not isinstance(version, int) or not 0 <= version <= LARGEST
    ):
        problems.append((f"{place}.version", "A whole number."))
        version = None
    if digest and not DIGEST.match(digest):
        problems.append((f"{place}.digest", "64 hex digits."))
    if fields is not None and not isinstance(fields, Mapping):
        problems.append((f"{place}.fields", "An object of fields."))
        fields = None
    return Theirs(names["id"], version, digest, keepable(fields), names["local_id"])


def _complete(buckets: Any, problems: Problems) -> list[int] | None:
    """The buckets told completely; None for all."""
    if buckets == "all":
        return None
    if not isinstance(buckets, list) or any(not BUCKET.match(str(name)) for name in buckets):
        problems.append(("buckets", 'A list of buckets, each three hex digits in lower case, or "all".'))
        return []
    return [int(name, 16) for name in buckets]


def _refuse(problems: Problems) -> None:
    if problems:
        raise Invalid("This cannot be compared.", "Correct what is named and send it again.", problems[:100])


def _heard(heard: Heard) -> dict[str, Any]:
    return {
        **_check(heard.check),
        "found": len(heard.found),
        "differences": [_shown(found) for found in heard.found[:SHOWN]],
        "ask_fields_of": list(heard.ask[:SHOWN]),
        "on_their_way": list(heard.left_out[:SHOWN]),
        "unknown_fields": list(heard.unknown_fields[:100]),
        "remaining": [f"{number:03x}" for number in heard.check.open_buckets],
    }


def _check(check: DriftCheck) -> dict[str, Any]:
    return {"check": check.pk, "state": check.state, "by": check.compares}


def _shown(found: Found) -> dict[str, Any]:
    return {
        "kind": found.kind,
        "record": found.record_id,
        "their_id": found.their_id,
        "field": found.field,
        "ours": found.ours,
        "theirs": found.theirs,
        "our_version": found.our_version,
        "their_version": found.their_version,
    }
