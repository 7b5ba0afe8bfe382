"""What an answer means: one business code for each, and who has to act on it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from publishing.advice import Owner, advice_for, owner_of


class Fate(StrEnum):
    """What follows from an outcome: for this delivery, for its lane, for its endpoint."""

    ACCEPTED = "accepted"  # settled
    REFUSED = "refused"  # the target speaks and does not want this record: the delivery waits, then parks
    FAILED = "failed"  # the target cannot be served now: the lane rests
    GONE = "gone"  # the target asks never to be called again
    UNSENT = "unsent"  # nothing was sent: back to waiting


@dataclass(frozen=True)
class Outcome:
    """A code of the table below, what follows, and the words for a person.

    Whose task it is and what helps stands in ``publishing.advice``, by code.
    """

    code: str
    fate: Fate
    words: str

    @property
    def owner(self) -> Owner:
        """Who has to act on it."""
        return owner_of(self.code)

    @property
    def way_out(self) -> str:
        """What helps, in words."""
        return advice_for(self.code).way_out


ACCEPTED = Outcome("ACCEPTED", Fate.ACCEPTED, "The target took it.")
UNSENT = Outcome("UNSENT", Fate.UNSENT, "Not sent: the lane came to rest before its turn.")
GONE = Outcome("GONE", Fate.GONE, "The target says it is gone for good.")
REDIRECTED = Outcome("TARGET_REDIRECTED", Fate.FAILED, "The target sends us elsewhere; redirects are never followed.")
DOWN = Outcome("TARGET_DOWN", Fate.FAILED, "The target is down or out of order.")
TIMEOUT = Outcome("TIMEOUT_UNKNOWN", Fate.FAILED, "No answer in time: the target may or may not have taken it.")
UNREACHABLE = Outcome("TARGET_UNREACHABLE", Fate.FAILED, "The target cannot be reached.")
BROKEN = Outcome("ANSWER_BROKEN", Fate.FAILED, "The connection broke before the target had answered.")
CERTIFICATE = Outcome("CERT_INVALID", Fate.FAILED, "The certificate of the target is not valid.")
BLOCKED = Outcome("BLOCKED_BY_POLICY", Fate.FAILED, "The address of the target may not be called.")
SECRET = Outcome("SECRET_UNREADABLE", Fate.FAILED, "The secret of this endpoint cannot be opened.")
LOST = Outcome("OUTCOME_UNKNOWN", Fate.FAILED, "The sender stopped before the answer: sent again with the same id.")
NOT_HELD = Outcome("NOT_HELD", Fate.UNSENT, "The target never held this record, so there is nothing to withdraw.")
UNREADABLE = Outcome("NOT_RENDERED", Fate.UNSENT, "The event cannot be written in the form this endpoint is sent.")
NO_TRANSLATION = Outcome("NO_TRANSLATION", Fate.UNSENT, "A code has no word at the target.")
LEFT_OUT = Outcome("LEFT_OUT", Fate.UNSENT, "Left out when the endpoint was resumed.")
NOT_LISTENING = Outcome("NO_CHALLENGE", Fate.FAILED, "The target answered, but not with the challenge it was sent.")
OWN_FAULT = Outcome("OWN_FAULT", Fate.FAILED, "Assay itself failed while sending; its log says how.")

RATE_LIMITED = Outcome("RATE_LIMITED", Fate.FAILED, "The target asks us to slow down.")
AUTH = Outcome("AUTH_REJECTED", Fate.FAILED, "The target does not accept our sign-in.")
BY_HTTP_CODE = {
    401: AUTH,
    403: AUTH,
    407: AUTH,
    405: Outcome("METHOD_REJECTED", Fate.FAILED, "The target does not take this method at this address."),
    408: TIMEOUT,
    421: DOWN,
    425: DOWN,
    429: RATE_LIMITED,
    410: GONE,
    404: Outcome("REJECTED_NOT_FOUND", Fate.REFUSED, "The target knows no such record or address."),
    409: Outcome("CONFLICT_NEWER", Fate.REFUSED, "The target holds something newer or conflicting."),
    412: Outcome("CONFLICT_NEWER", Fate.REFUSED, "The target holds something newer or conflicting."),
    413: Outcome("REJECTED_TOO_LARGE", Fate.REFUSED, "The record is too large for the target."),
    415: Outcome("REJECTED_FORMAT", Fate.REFUSED, "The target does not read this format."),
}
VALIDATION = Outcome("REJECTED_VALIDATION", Fate.REFUSED, "The target rejects the content of the record.")
UNKNOWN_REFERENCE = Outcome(
    "REJECTED_UNKNOWN_REFERENCE", Fate.REFUSED, "The record refers to something the target does not know."
)
REFUSALS = {
    outcome.code: outcome
    for outcome in (*BY_HTTP_CODE.values(), VALIDATION, UNKNOWN_REFERENCE)
    if outcome.fate is Fate.REFUSED
}
# Answers by which a target may have taken the message without our knowing.
MAYBE_TAKEN = frozenset((TIMEOUT.code, LOST.code, BROKEN.code, DOWN.code))
LONGEST_REST = timedelta(hours=24)
DETAIL_LENGTH = 300


def of_http(http_code: int, answer: str) -> Outcome:
    """The outcome of an answer; a problem document (RFC 9457) may say more precisely what was wrong.

    A 2xx whose JSON says ``accepted: false`` is a refusal by a target that refuses in its own words, not in HTTP's.
    """
    if 200 <= http_code < 300:
        said = _document(answer)
        return of_refusal(str(said.get("code", ""))) if said.get("accepted") is False else ACCEPTED
    if 300 <= http_code < 400:
        return REDIRECTED
    if http_code in BY_HTTP_CODE:
        return BY_HTTP_CODE[http_code]
    if http_code >= 500:
        return DOWN
    problem = _document(answer)
    return of_refusal(f"{problem.get('code', '')} {problem.get('type', '')}")


def of_refusal(code: str) -> Outcome:
    """The outcome a target's own code of a refusal comes nearest to: one of ours by name, else by what it is about."""
    if (ours := REFUSALS.get(code.strip().upper())) is not None:
        return ours
    return UNKNOWN_REFERENCE if "reference" in code.lower() else VALIDATION


def left_out(by: str, reason: str) -> str:
    """Why an event was left out: who chose to go on from now, and why."""
    return f"Left out when {by} resumed the endpoint: {reason}"[:500]


def in_words(outcome: Outcome, http_code: int | None, answer: str = "", cause: str = "") -> str:
    """One sentence for a person: what happened, the HTTP code, and what the target itself says."""
    if outcome.fate is Fate.ACCEPTED:
        return ""
    said = detail(answer) or cause
    code = f" (HTTP {http_code})" if http_code else ""
    return (outcome.words.removesuffix(".") + code + (f": {said}" if said else "."))[:500]


def detail(answer: str) -> str:
    """What the target gives as reason: `detail`, `reason`, `message` or `title` of its answer, and its `errors`."""
    document = _document(answer)
    words = ("detail", "reason", "message", "title", "error")
    said = [str(document[name]) for name in words if document.get(name)][:1]
    errors = document.get("errors")
    if isinstance(errors, list):
        said += [_one_error(error) for error in errors]
    return clean(" ".join(" ".join(said).split()))[:DETAIL_LENGTH]


def _one_error(error: Any) -> str:
    named = (error.get("detail") or error.get("message")) if isinstance(error, dict) else None
    return str(named or error)


def local_id(answer: str) -> str:
    """The target's own id of the record: text or number `local_id`, else `id`, of a JSON answer; blank without."""
    document = _document(answer)
    for found in (document.get("local_id"), document.get("id")):
        if isinstance(found, str | int) and not isinstance(found, bool) and found != "":
            return clean(str(found))[:120]
    return ""


def clean(text: str) -> str:
    """Text as PostgreSQL can keep it: no NUL and no half of a surrogate pair, both of which JSON can spell."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


def rest_asked(retry_after: str, now: datetime) -> timedelta | None:
    """How long the target asks to be left alone (`Retry-After`, seconds or HTTP date), at most a day."""
    text = retry_after.strip()
    if text.isascii() and text.isdigit():
        return min(timedelta(seconds=min(int(text[:9]), 10**6)), LONGEST_REST)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max(moment - now, timedelta(0)), LONGEST_REST)


def _document(answer: str) -> dict[str, Any]:
    try:
        document = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}
