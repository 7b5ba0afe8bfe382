"""Feeds: stored, versioned descriptions of how one kind of file becomes source records."""

import tomllib
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from django.db import transaction

from mdm.domains import DOMAINS
from mdm.errors import Invalid, NotFound
from mdm.intake.compiling import compile_feed
from mdm.intake.plan import Plan
from mdm.intake.surroundings import Surroundings, look_around
from mdm.models import Feed, SourceSystem

ORDER = {domain.name: place for place, domain in enumerate(DOMAINS)}


def read_document(path: Path) -> dict[str, Any]:
    """The TOML document in a file. Raises Invalid, naming file and line, where it is no TOML."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} is not a TOML document: {error}.", "Correct the file and load it again.") from error


def save_feed(*, document: Mapping[str, Any], by: str, around: Surroundings | None = None) -> Feed:
    """Store a feed: new, or the next version where the document changed; an unchanged one costs nothing.

    Raises Invalid with every reason when the document is no usable feed; nothing is stored then. Batches keep the
    version they were read with.
    """
    plan = compile_feed(document, around or look_around())
    with transaction.atomic():
        feed = Feed.objects.select_for_update().filter(code=plan.feed).first()
        if feed is not None and feed.definition == document:
            return feed
        if feed is None:
            feed = Feed(code=plan.feed, version=0)
        feed.title, feed.domain, feed.part, feed.file_pattern = plan.title, plan.domain, plan.part, plan.pattern
        feed.system = SourceSystem.objects.get(code=plan.source)
        feed.definition = dict(document)
        feed.version += 1
        feed._change_reason = f"Loaded by {by}"  # type: ignore[attr-defined]  # read by simple_history
        feed.save()
    return feed


def load_folder(*, folder: Path, by: str) -> list[Feed]:
    """Store every feed (`*.toml`) of a folder, all or none, in file name order.

    Raises Invalid with the reasons of all documents at once, NotFound for a folder without any.
    """
    files = sorted(folder.glob("*.toml"))
    if not files:
        raise NotFound(f"There is no feed document (*.toml) in {folder}.", "Name the folder the feeds are in.")
    around = look_around()
    documents, reasons = [], []
    for file in files:
        try:
            documents.append(read_document(file))
            compile_feed(documents[-1], around)
        except Invalid as error:
            reasons += [(f"{file.name} {place}", message) for place, message in error.problems] or [
                (file.name, error.message)
            ]
    if reasons:
        raise Invalid("The feeds are not usable.", "Correct the documents and load them again.", reasons)
    with transaction.atomic():
        return [save_feed(document=document, by=by, around=around) for document in documents]


def plan_of(feed: Feed, version: int | None = None) -> Plan:
    """The feed's plan against the hub as it is now, in its current version or an earlier one.

    Raises Invalid where the hub no longer knows what the feed names.
    """
    definition = feed.definition
    if version not in (None, feed.version):
        earlier = feed.history.filter(version=version).order_by("-history_date").first()
        definition = earlier.definition if earlier else definition
    return compile_feed(definition, look_around())


def find_feed(code: str) -> Feed:
    """The active feed of that code. Raises NotFound, naming those there are."""
    feed = Feed.objects.filter(code=code, active=True).select_related("system").first()
    if feed is None:
        known = ", ".join(Feed.objects.filter(active=True).order_by("code").values_list("code", flat=True))
        raise NotFound(f'There is no feed "{code}".', f"Use one of these: {known}." if known else "Load feeds first.")
    return feed


def in_order(feeds: list[Feed]) -> list[Feed]:
    """Feeds in the order of their domains' references; the rows of a part follow the records they belong to."""
    return sorted(feeds, key=lambda feed: (ORDER.get(feed.domain, len(ORDER)), bool(feed.part), feed.code))


def feeds_for(file_name: str) -> list[Feed]:
    """Active feeds whose pattern names this file, in order; several where one file holds several kinds of record."""
    feeds = Feed.objects.filter(active=True).exclude(file_pattern="").select_related("system")
    return in_order([feed for feed in feeds if fnmatchcase(file_name, feed.file_pattern)])
