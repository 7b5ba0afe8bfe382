"""The demo: a hospital group's files, its people, what they have decided so far and what still waits for them.

Here because only this room may use all others. Every step may be repeated and then changes nothing.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import file_digest
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone

from api.clients import create_client, revoke_client
from api.models import ApiClient
from api.scopes import DRIFT_WRITE, FEED_READ, RECEIPT_WRITE
from matching.models import CandidateKind, CandidateState, MatchCandidate
from mdm.cause import HUB, Cause
from mdm.code_lists import load_code_lists
from mdm.domains import BY_NAME
from mdm.errors import MdmError
from mdm.intake.feeds import load_folder
from mdm.intake.importing import files_of, import_file
from mdm.intake.sources import load_sources
from mdm.mastering import activate
from mdm.models import Batch, BatchState, GoldenRecord, GoldenState
from mdm.people import GROUPS
from publishing.demo import ensure_demo_endpoints, tell
from publishing.files.demo import ensure_demo_files
from publishing.models import Endpoint
from stewardship.models import ChangeRequest, Decision
from stewardship.requests import approve, propose
from stewardship.workflow import merge_candidate, reject_candidate, skip_candidate

FOLDER = settings.BASE_DIR / "demo"
# Domain -> how many of its likeliest questions are about records in use at the receivers already.
IN_USE = {"supplier": 10, "facility": 6, "item": 4, "contract": 1}
MERGES = {"supplier": 3, "facility": 2, "item": 2, "cost_center": 2}
REASONS = {
    "supplier": "Same name and address; checked by telephone",
    "facility": "One hospital under two names; asked its office",
    "item": "Same drug, strength and form in two catalogues",
    "cost_center": "One department, listed twice",
}
LEAVE = 3  # questions of a domain that stay open at least


@dataclass(frozen=True)
class Wish:
    """A change somebody proposes in the demo: to the first record of the domain whose title contains a word."""

    domain: str
    title: str
    values: Mapping[str, Any]
    reason: str
    approved: bool = False


WISHES = (
    Wish("supplier", "", {"payment_terms": "N45"}, "Agreed with the supplier in this year's review", approved=True),
    Wish("supplier", "", {"payment_terms": "N30", "currency": "USD"}, "Terms of the new framework agreement"),
    Wish("facility", "MEDICAL CENTER", {"beds": 184}, "Licence of the state, second quarter"),
    Wish("item", "TABLET", {"hazardous": True}, "Listed by the pharmacy committee: handle with gloves"),
    Wish("cost_center", "PHARM", {"responsible": "M. Alvarez"}, "New head of the department"),
    Wish("contract", "", {"name": "Pharmaceuticals, schedule 65 I B"}, "So that buyers find it by name"),
)


def load_basis() -> None:
    """Code lists, source systems, added attributes, feeds, the endpoints of the three receivers and
    their tokens, and the inventory that reads files."""
    load_code_lists()
    load_sources(FOLDER / "sources.toml")
    load_folder(folder=FOLDER / "feeds", by="load_demo")
    for endpoint in ensure_demo_endpoints(ports=settings.RECEIVER_PORTS, folder=settings.DATA_DIR):
        ensure_token(endpoint, settings.DATA_DIR / "receivers" / f"{endpoint.code}.hub.json")
    ensure_demo_files()


def ensure_token(endpoint: Endpoint, file: Path) -> None:
    """The receiver may send receipts and say what it holds. A lost token is replaced by a new one."""
    name = f"{endpoint.name} (receiver)"
    client = ApiClient.objects.filter(name=name, revoked_at__isnull=True).first()
    if client is not None and file.exists():
        return
    if client is not None:
        revoke_client(name=name)
    _, token = create_client(name=name, scopes=[RECEIPT_WRITE, DRIFT_WRITE, FEED_READ], endpoint=endpoint.code)
    tell(file, {"url": settings.PUBLIC_URL, "token": token})


def ensure_people(file: Path = FOLDER / "logins.toml") -> list[User]:
    """The people of the demo in their groups, and every group there is. Passwords people changed stay changed."""
    groups = {name: Group.objects.get_or_create(name=name)[0] for name in GROUPS}
    people = []
    for login in tomllib.loads(file.read_text(encoding="utf-8"))["login"]:
        user = User.objects.filter(username=login["user"]).first()
        if user is None:
            first, _space, last = login["name"].partition(" ")
            user = User.objects.create_user(
                username=login["user"], password=login["password"], first_name=first, last_name=last
            )
        user.groups.add(groups[login["group"]])
        people.append(user)
    return people


def import_files() -> Iterator[Batch]:
    """Every file of the demo that this hub has not read yet, in order; a second start leaves no trace."""
    for feed, file in files_of(FOLDER / "files"):
        with file.open("rb") as opened:
            sha256 = file_digest(opened, "sha256").hexdigest()
        known = Batch.objects.filter(feed=feed, feed_version=feed.version, sha256=sha256)
        if not known.exclude(state=BatchState.FAILED).filter(finished_at__isnull=False).exists():
            yield import_file(feed=feed, file=file, by="load_demo")


def decide() -> list[str]:
    """What the people of the demo did before the visitor came, in words; nothing where somebody decided already."""
    if Decision.objects.exists() or ChangeRequest.objects.exists():
        return []
    steward, owner = User.objects.get(username="steward"), User.objects.get(username="owner")
    done = []
    for domain, wanted in IN_USE.items():
        _publish_before_asking(domain, wanted)
    for domain, wanted in MERGES.items():
        merged = _merge_best(domain, wanted, steward)
        if merged:
            done.append(f"{BY_NAME[domain].plural}: {merged} merged by {steward.get_full_name()}")
    done += _turn_down("supplier", steward)
    done += [text for number, wish in enumerate(WISHES) if (text := _wish(wish, number, steward, owner))]
    return done


def _open(domain: str) -> list[MatchCandidate]:
    candidates = MatchCandidate.objects.filter(domain=domain, state=CandidateState.OPEN, kind=CandidateKind.RESEMBLANCE)
    return list(candidates.order_by("-score", "pk"))


def _versions(candidate: MatchCandidate) -> dict[Any, int]:
    return dict(candidate.records.order_by("pk").values_list("pk", "version"))


def _publish_before_asking(domain: str, wanted: int) -> None:
    """Duplicates found late: the records of the likeliest questions are in use, so that merging one redirects it."""
    asked = [record.pk for candidate in _open(domain)[:wanted] for record in candidate.records.all()]
    activate(record_ids=asked, cause=Cause(by=HUB, reason="In use before it was known to be a duplicate"))


def _merge_best(domain: str, wanted: int, user: User) -> int:
    """Merge the likeliest questions of a domain as a steward would, leaving some for the visitor."""
    waiting = _open(domain)
    merged = 0
    for candidate in waiting[: max(0, min(wanted, len(waiting) - LEAVE))]:
        shown = _versions(candidate)
        active = candidate.records.filter(state=GoldenState.ACTIVE).order_by("pk").first()
        winner = active.pk if active else next(iter(shown))
        try:
            with transaction.atomic():
                merge_candidate(
                    candidate_id=candidate.pk,
                    winner_id=winner,
                    record_ids=list(shown),
                    shown=shown,
                    user=user,
                    reason=REASONS[domain],
                )
        except MdmError:  # a worker was quicker, or a rule speaks against it: leave it to people
            continue
        merged += 1
    return merged


def _turn_down(domain: str, user: User) -> list[str]:
    """One question answered with no, one put off."""
    waiting = _open(domain)
    if len(waiting) < LEAVE + 2:
        return []
    no, later = waiting[-1], waiting[-2]
    reject_candidate(
        candidate_id=no.pk, shown=_versions(no), user=user, reason="Parent and subsidiary, paid separately"
    )
    skip_candidate(
        candidate_id=later.pk, until=timezone.now() + timedelta(days=7), user=user, reason="Asked the supplier"
    )
    return [f"{BY_NAME[domain].plural}: one ruled out, one put off by {user.get_full_name()}"]


def _wish(wish: Wish, number: int, steward: User, owner: User) -> str:
    records = GoldenRecord.objects.filter(domain=wish.domain, state=GoldenState.ACTIVE, title__icontains=wish.title)
    # Another record for each wish, unless the domain is too small.
    record = records.order_by("code")[number : number + 1].first() or records.order_by("code").first()
    if record is None:
        return ""
    request = propose(
        record_id=record.pk, values=wish.values, base_version=record.version, reason=wish.reason, user=steward
    )
    if wish.approved:
        approve(request_id=request.pk, digest=request.digest, user=owner, answer="Confirmed")
    return f"{record.code}: {', '.join(wish.values)} {'changed' if wish.approved else 'waits for approval'}"
