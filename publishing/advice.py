"""What to do about each business code: whose task it is, and the way out in words."""

from dataclasses import dataclass
from enum import StrEnum


class Owner(StrEnum):
    """Whose task a refusal is: of who knows the record, of who knows the interface, of who runs the servers."""

    STEWARD = "steward"
    INTEGRATOR = "integrator"
    OPERATOR = "operator"


@dataclass(frozen=True)
class Advice:
    """A code in words: its name, whose task it is, and what helps."""

    code: str
    name: str
    owner: Owner
    way_out: str


def _table(*rows: tuple[str, str, Owner, str]) -> dict[str, Advice]:
    return {code: Advice(code, name, owner, way_out) for code, name, owner, way_out in rows}


S, I, O = Owner.STEWARD, Owner.INTEGRATOR, Owner.OPERATOR  # noqa: E741 - the columns of the table below
BY_CODE = _table(
    ("REJECTED_VALIDATION", "Content rejected", S,
     "Mend the value the target names: the new version is sent by itself. Release sends this one again."),
    ("REJECTED_UNKNOWN_REFERENCE", "Names something unknown there", S,
     "See that the record it names is held there, then release."),
    ("REJECTED_NOT_FOUND", "Unknown to the target", I,
     "Check address, path and method of the endpoint; where the record was removed there, send it anew."),
    ("CONFLICT_NEWER", "The target holds something newer", S,
     "Compare with the target (drift). Send again if the hub is right, skip if the target is."),
    ("REJECTED_TOO_LARGE", "Too large", I,
     "Shorten the mapping, or let the target take larger messages; then release."),
    ("REJECTED_FORMAT", "Format not read", I, "Check kind, method and mapping of the endpoint, then release."),
    ("NO_TRANSLATION", "A code without a word there", I,
     "Give the code its word under Mapping, then release."),
    ("NOT_RENDERED", "Cannot be written", I,
     "The record does not fit the mapping: mend the mapping or the record, then release."),
    ("NOT_MAPPED", "Does not fit the mapping", I, "Mend the mapping, or the record it names, then release."),
    ("UNFIT", "Does not fit the mapping", I, "Mend the mapping, or the record it names, then release."),
    ("METHOD_REJECTED", "Method not taken", I, "Change the method of the endpoint."),
    ("AUTH_REJECTED", "Sign-in refused", I, "Give the endpoint a token or password the target accepts."),
    ("TARGET_REDIRECTED", "Sent elsewhere", I, "Give the endpoint the address it really answers at."),
    ("NO_CHALLENGE", "Did not prove itself", I, "The receiver has to answer with the challenge it was sent."),
    ("GONE", "Gone for good", I, "Ask the owner of the target; resume once it is back."),
    ("RATE_LIMITED", "Asked to slow down", I, "Lower the pace of the endpoint."),
    ("TARGET_DOWN", "Target down", O, "Wait, or tell the target's operators: it is tried again by itself."),
    ("TIMEOUT_UNKNOWN", "No answer in time", O, "It is tried again by itself; raise the time the target is given."),
    ("TARGET_UNREACHABLE", "Not reachable", O, "Check name, port and firewall between the two."),
    ("ANSWER_BROKEN", "Connection broke", O, "It is tried again by itself."),
    ("OUTCOME_UNKNOWN", "Sender stopped", O, "It was sent again with the same id; nothing is to be done."),
    ("CERT_INVALID", "Certificate not valid", O, "Renew the target's certificate, or name its authority."),
    ("BLOCKED_BY_POLICY", "Address not allowed", O, "An operator may allow the network (ASSAY_ALLOWED_NETWORKS)."),
    ("SECRET_UNREADABLE", "Secret cannot be opened", O, "Restore the sealing key, or give the endpoint a new secret."),
    ("HOST_KEY_CHANGED", "Another server key", O,
     "Ask its owner whether the key was changed; if so, fetch and confirm the new one. Nothing was sent."),
    ("FOLDER_MISSING", "Folder not there", O, "Create the folder or name another one; the file follows by itself."),
    ("FOLDER_NOT_WRITABLE", "Folder not writable", O, "Let the account write there; the file follows by itself."),
    ("NO_ROOM", "No room for the file", O, "Make room there; the file follows by itself."),
    ("FILE_NOT_PUT", "File not put there", O, "It is tried again by itself, with the same number."),
    ("OWN_FAULT", "Fault in Assay", O, "The log of the publishing worker says what happened; then release."),
)  # fmt: skip
UNKNOWN = "Look at the answer of the target, mend what it names, then release."


def advice_for(code: str) -> Advice:
    """What to do about a code; for one the table does not know, the way that always helps."""
    return BY_CODE.get(code) or Advice(code, code.replace("_", " ").capitalize(), Owner.INTEGRATOR, UNKNOWN)


def owner_of(code: str) -> Owner:
    """Whose task a refusal of this code is."""
    return advice_for(code).owner


def codes_of(owner: str) -> list[str]:
    """Every code that is the task of this owner."""
    return [code for code, advice in BY_CODE.items() if advice.owner == owner]
