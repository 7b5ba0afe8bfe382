"""Setting up a file in the browser: looked at, its columns chosen, tried as a whole, saved as a feed and imported."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import slugify

from mdm.errors import Invalid, NotFound, WrongState
from mdm.intake import guessing
from mdm.intake.compiling import compile_feed
from mdm.intake.drafting import Choices, dialect_table, with_choices
from mdm.intake.dry_running import Report, rehearse
from mdm.intake.feeds import feeds_for, save_feed
from mdm.intake.looking import Look, fits, known_plans, look, propose, recognised, style_of, taught
from mdm.intake.plan import Plan
from mdm.intake.readers import UnreadableFile
from mdm.intake.receiving import FOLDER, keep, kept_at, receive
from mdm.intake.surroundings import Surroundings, look_around
from mdm.intake.targets import Records
from mdm.models import Batch, DraftState, Feed, FeedDraft, SourceSystem
from mdm.nudge import nudge

LEASE = timedelta(seconds=60)
NEW_SOURCE = "new-source"  # stands for the source system until a person names it
REJECTED = "dry-runs"
JOINS = {"postcode": "-"}


def draw(*, file: BinaryIO, file_name: str, by: str) -> FeedDraft:
    """Keep a file to be looked at. A file of a known feed goes straight to its dry run; any other gets a proposal.

    Raises Invalid where it is no table, and then keeps no draft; OSError where it cannot be kept.
    """
    sha256, size = keep(file)
    stored_at = f"{FOLDER}/{sha256}"
    path = kept_at(stored_at)
    around = look_around()
    plans = known_plans(around)
    found = look(path)
    feed = recognised(plans, feeds_for(file_name), found.header)
    draft = FeedDraft(
        file_name=Path(file_name).name[-255:], stored_at=stored_at, size=size, feed=feed, created_by=by,
        rows_expected=expected_rows(found, size),
    )  # fmt: skip
    if feed is None:
        draft.document = first_document(found, draft.file_name, around)
    else:
        draft.document = feed.definition
        plan = next((plan for one, plan in plans if one.pk == feed.pk), None)
        draft.state = DraftState.ASKED if plan and fits(plan, found.header) else DraftState.DRAWN
    draft.save()
    if draft.state == DraftState.ASKED:
        nudge("stewardship.tasks.dry_run", str(draft.pk), queue="import")
    return draft


def expected_rows(found: Look, size: int) -> int:
    """How many rows a file of this size has if all are like the first."""
    if not found.rows or found.dialect.format == "xlsx":
        return 0  # a packed workbook says nothing of its rows
    wide = 2 if found.dialect.encoding.startswith("utf-16") else 1
    mean = sum(len(row.raw) + 1 for row in found.rows) * wide / len(found.rows)
    return max(len(found.rows), int(size / mean))


def first_document(
    found: Look, file_name: str, around: Surroundings, records: Records | None = None, values: Any = None
) -> dict[str, Any]:
    """A feed document proposed for a file no feed knows: what the rows are, their key, and a target for each column."""
    stem = pattern_of(file_name).partition("*")[0]
    title = " ".join(stem.replace("_", " ").replace("-", " ").split())[:120] or "New feed"
    records, targets, _why, _because = propose(found, file_name, around, taught(around), records)
    samples = found.samples
    key, _ = guessing.key_columns(found.header, samples, len(found.rows))
    document: dict[str, Any] = {
        "feed": slugify(stem)[:60].strip("-") or "new-feed",
        "title": title[:1].upper() + title[1:],
        "source": NEW_SOURCE,
        "domain": records.domain.name,
        "file": {"pattern": pattern_of(file_name)},
        "dialect": dialect_table(found.dialect),
    }
    if records.part:
        document["part"] = records.part.name
    if values := style_of(samples) if values is None else values:
        document["values"] = values
    choices = Choices(
        targets,
        key,
        updated=guessing.changed_column(found.header, samples),
        constants=first_constants(records, targets),
    )
    return with_choices(document, choices, JOINS)


def first_constants(records: Records, targets: Mapping[str, str]) -> dict[str, str]:
    """The first choice for what tells the rows of a part apart (the role of an address) where no column says it."""
    taken = set(targets.values())
    used = {target.rpartition(".")[0] for target in taken if target.startswith("parts.")}
    return {
        f"{place}.{attribute.name}": attribute.choices[0][0]
        for place in sorted(used)
        for part in records.domain.parts
        if part.name == place.split(".")[1]
        for attribute in part.attributes
        if attribute.choices and attribute.name in part.key and f"{place}.{attribute.name}" not in taken
    }


def pattern_of(file_name: str) -> str:
    """A pattern that fits the next file of the kind: days and running numbers in the name may differ."""
    stem, dot, ending = file_name.rpartition(".")
    plain = (stem or ending).rstrip("0123456789-_ .()")
    return f"{plain or stem}*{dot + ending if stem else ''}"[:200]


def find_draft(draft_id: UUID | str) -> FeedDraft:
    """The draft. Raises NotFound."""
    draft = FeedDraft.objects.select_related("feed__system", "batch").filter(pk=draft_id).first()
    if draft is None:
        raise NotFound("There is no such file being set up.", "Drop the file again on the page of imports.")
    return draft


def draft_file(draft: FeedDraft) -> Path:
    """Where the draft's file is kept."""
    return kept_at(draft.stored_at)


def rejected_file(draft: FeedDraft) -> Path:
    """Where the rows its last dry run rejected are kept."""
    return Path(settings.DATA_DIR) / REJECTED / f"{draft.pk}.csv"


def plan_of_draft(draft: FeedDraft, around: Surroundings | None = None) -> Plan:
    """The plan of the document as it stands; the source system may still be without a name. Raises Invalid."""
    around = around or look_around()
    source = str(draft.document.get("source", ""))
    return compile_feed(draft.document, replace(around, systems=around.systems | {source, NEW_SOURCE}))


@transaction.atomic
def choose(*, draft_id: UUID | str, document: Mapping[str, Any], try_it: bool = True) -> FeedDraft:
    """Replace the document of a draft; what was found out about the old one no longer counts.

    ``try_it`` asks for a dry run at once, where the document is usable. Locks the draft. Raises NotFound, WrongState
    where it was imported, Invalid (nothing is kept) with every reason why the document cannot be tried.
    """
    draft = _lock(draft_id)
    draft.document = dict(document)
    if try_it:
        plan_of_draft(draft)
    draft.state = DraftState.ASKED if try_it else DraftState.DRAWN
    draft.report, draft.rows_done, draft.problem, draft.way_out = {}, 0, "", ""
    draft.save(update_fields=["document", "state", "report", "rows_done", "problem", "way_out"])
    if try_it:
        nudge("stewardship.tasks.dry_run", str(draft.pk), queue="import")
    return draft


@transaction.atomic
def rename(*, draft_id: UUID | str, document: Mapping[str, Any]) -> None:
    """Give the document other names (feed, title, pattern, a source system's code); what was tried still counts.

    Locks the draft. Raises WrongState where it was imported.
    """
    draft = _lock(draft_id)
    draft.document = dict(document)
    draft.save(update_fields=["document"])


def due_drafts() -> list[UUID]:
    """Drafts whose dry run is asked for, or was left behind by a worker that died."""
    dead = Q(state=DraftState.RUNNING, heartbeat_at__lt=timezone.now() - LEASE)
    return list(FeedDraft.objects.filter(Q(state=DraftState.ASKED) | dead).order_by("pk").values_list("pk", flat=True))


Judge = Callable[[FeedDraft, Report], Mapping[str, Any]]


class Overtaken(Exception):
    """The draft was changed or tried by somebody else meanwhile; this dry run is worth nothing any more."""


def try_draft(draft_id: UUID | str, judge: Judge | None = None) -> tuple[FeedDraft, Report | None]:
    """The dry run of a draft that is due, and the draft as it then stands; no report where there was nothing to do.

    Nothing of the file is stored. What ``judge`` says of the report is kept with it.
    Repeating it is harmless: one worker at a time has it.
    """
    now = timezone.now()
    due = Q(state=DraftState.ASKED) | Q(state=DraftState.RUNNING, heartbeat_at__lt=now - LEASE)
    mine = FeedDraft.objects.filter(due, pk=draft_id).update(state=DraftState.RUNNING, heartbeat_at=now, rows_done=0)
    draft = find_draft(draft_id)
    if not mine:
        return draft, None
    document = draft.document

    def beat(rows: int) -> None:
        running = FeedDraft.objects.filter(pk=draft.pk, state=DraftState.RUNNING, document=document)
        if not running.update(heartbeat_at=timezone.now(), rows_done=rows):
            raise Overtaken

    try:
        plan = plan_of_draft(draft)
        system = SourceSystem.objects.filter(code=plan.source).values_list("pk", flat=True).first()
        report = rehearse(
            file=draft_file(draft), plan=plan, system_id=system or 0, feed_id=draft.feed_id,
            rejected=rejected_file(draft), beat=beat,
        )  # fmt: skip
    except Overtaken:
        return find_draft(draft_id), None
    except (UnreadableFile, Invalid) as error:
        problem = "; ".join(message for _, message in getattr(error, "problems", ())) or error.message
        _finish(draft, state=DraftState.FAILED, problem=problem, way_out=error.way_out)
        return find_draft(draft_id), None
    said = judge(draft, report) if judge else {}
    _finish(draft, state=DraftState.TRIED, report={**report.as_json(), **said}, rows_done=report.read)
    return find_draft(draft_id), report


def _finish(draft: FeedDraft, **columns: Any) -> None:
    FeedDraft.objects.filter(pk=draft.pk, state=DraftState.RUNNING, document=draft.document).update(**columns)


@transaction.atomic
def take(*, draft_id: UUID | str, by: str, again: bool = False) -> Batch:
    """Import the file of a draft by its feed, which is saved first: new, or as its next version where it changed.

    A file that came before is read again where its dry run found something new: others came in between.
    Locks the draft; a second call gives the batch of the first. Raises Invalid with every reason why the document is
    no feed, WrongState where the feed was changed by somebody else since.
    """
    draft = FeedDraft.objects.select_for_update(of=("self",)).select_related("batch").filter(pk=draft_id).first()
    if draft is None:
        raise NotFound("There is no such file being set up.", "Drop the file again on the page of imports.")
    if draft.batch is not None:
        return draft.batch
    feed: Feed = save_feed(document=draft.document, by=by)
    again = again or bool(draft.report.get("new") or draft.report.get("changed"))
    draft.batch = receive(feed=feed, file=draft_file(draft), file_name=draft.file_name, by=by, again=again)
    draft.feed, draft.state = feed, DraftState.TAKEN
    draft.save(update_fields=["feed", "batch", "state"])
    return draft.batch


def _lock(draft_id: UUID | str) -> FeedDraft:
    draft = FeedDraft.objects.select_for_update().filter(pk=draft_id).first()
    if draft is None:
        raise NotFound("There is no such file being set up.", "Drop the file again on the page of imports.")
    if draft.state == DraftState.TAKEN:
        raise WrongState("This file was imported already.", "Look at its import, or drop the file again.")
    return draft
