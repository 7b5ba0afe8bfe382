"""Unmerge: source records go back where they are at home, and the world is computed from them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils import timezone

from mdm.cause import Cause
from mdm.errors import NotFound, Refused, WrongState
from mdm.mastering.choosing import edits_made_with
from mdm.mastering.links import LinkTo, end_links, open_links_for, part_rows, require_something_left
from mdm.mastering.locks import domains_of, lock_records, require_versions
from mdm.mastering.offers import dependents, follow_merges, parents_of
from mdm.mastering.standing import Standing, homes, standing_below
from mdm.mastering.turns import take_turn
from mdm.mastering.verbs import split
from mdm.mastering.write import Marking, write_all
from mdm.models import GoldenRecord, GoldenState, Link, LinkMethod, Merge, SourceRecord, SourceState
from mdm.models.log import EventVerb
from mdm.retrying import atomic

# What becomes of source records that leave and did not come with a merge that is undone.
APART, TOGETHER, ALONG = "apart", "together", "along"


@atomic
def unmerge(
    *,
    merge_ids: Sequence[UUID],
    cause: Cause,
    along: Mapping[int, UUID] | None = None,
    expected: Mapping[UUID, int] | None = None,
) -> list[UUID]:
    """Undo merges: each loser returns with its old id, state and references, and every source record goes back to
    where it is at home. Works on any past merges, in any order, also when the winner has merged on since.

    Source records that a person moved elsewhere since stay where that person put them; ``along`` names those that came
    later and go with a loser: {source record: loser}. ``expected`` are the versions the person saw. Returns the losers'
    ids. Raises Stale, WrongState when a merge was undone already, Refused when nothing is left to give back, or nothing
    would stay.
    """
    lost = Merge.objects.filter(pk__in=merge_ids).values_list("loser_id", flat=True)
    take_turn(relinking=domains_of(lost))
    now = timezone.now()
    merges = list(Merge.objects.select_for_update(no_key=True).filter(pk__in=merge_ids).order_by("pk"))
    if len(merges) != len(set(merge_ids)) or any(made.undone_at for made in merges):
        raise WrongState("This merge has been undone already.", "Reload the record to see it as it is now.")
    losers = [made.loser_id for made in merges]
    surviving = set(follow_merges(losers).values())
    tree = standing_below(surviving)
    merges = [tree.above[made.loser_id] for made in merges]
    moving = _moving(merges, surviving, tree, along or {})
    referring = dependents(list(moving), losers)
    locked = lock_records({*losers, *surviving, *referring})
    require_versions(locked, expected)
    _require_something_back(merges, moving, locked)
    states: dict[UUID, str] = {pk: locked[pk].state for pk in surviving}
    for made in merges:
        tree.take_out(made, states)
    Merge.objects.bulk_update(tree.changed.values(), ["winner_state", "loser_state"])
    _relink(moving, cause, now)
    _mark_undone(merges, cause, now)
    require_something_left({pk: locked[pk] for pk in surviving})
    markings = {pk: Marking() for pk in locked}
    for pk in surviving:
        markings[pk] = Marking(forced=True, state=GoldenState(states[pk]) if states[pk] != locked[pk].state else None)
    for made in merges:
        markings[made.loser_id] = Marking(
            verb=EventVerb.UNMERGED, state=GoldenState(made.loser_state), merged_into=None, forced=True
        )
    live = {pk: record for pk, record in locked.items() if pk in losers or record.state != GoldenState.MERGED}
    # Losers first: who refers to one by its id finds it standing on its own again.
    write_all({pk: live[pk] for pk in losers}, markings, cause, now)
    write_all({pk: record for pk, record in live.items() if pk not in losers}, markings, cause, now)
    return losers


def _moving(
    merges: Sequence[Merge], surviving: set[UUID], tree: Standing, along: Mapping[int, UUID]
) -> dict[int, tuple[UUID, UUID | None]]:
    """{source record: (the record it goes back to, the merge it is still there by)}, each part row with its parent."""
    over = {made.pk for made in merges}
    left = Standing(merge for found in tree.under.values() for merge in found if merge.pk not in over)
    links = list(Link.objects.select_related("merge", "source_record").filter(record__in=surviving, ended_at=None))
    at_home = homes(links)
    strangers = along.keys() - at_home.keys()
    if strangers or not set(along.values()) <= {made.loser_id for made in merges}:
        raise Refused("A source record that should go along is elsewhere by now.", "Reload the page and choose again.")
    moving: dict[int, tuple[UUID, UUID | None]] = {}
    rows: dict[int, tuple[UUID, UUID | None]] = {}
    for link in links:
        pk = link.source_record_id
        home = along.get(pk, at_home[pk])
        if (root := left.root(home)) != link.record_id:
            place = (root, link.merge_id if home != root and pk not in along else None)
            (rows if link.source_record.part else moving)[pk] = place
    bearing = parents_of(rows)
    moving |= {pk: place for pk, place in rows.items() if pk not in bearing}  # the others follow their parents
    for parent, children in part_rows(list(moving)).items():
        moving |= dict.fromkeys(children, moving[parent])
    return moving


def _require_something_back(
    merges: Sequence[Merge], moving: Mapping[int, tuple[UUID, UUID | None]], locked: Mapping[UUID, GoldenRecord]
) -> None:
    filled = {record for record, _ in moving.values()}
    for made in merges:
        if made.loser_id not in filled:
            holder = follow_merges([made.winner_id])[made.winner_id]
            raise Refused(
                f"Nothing that came with {locked[made.loser_id].code} is left in {locked[holder].code}.",
                "Its source records were moved by hand since; move them back instead.",
            )


def _relink(moving: Mapping[int, tuple[UUID, UUID | None]], cause: Cause, now: datetime) -> None:
    end_links(list(moving), cause, now)
    links = [LinkTo(pk, record, LinkMethod.UNMERGE, merge=merge) for pk, (record, merge) in moving.items()]
    open_links_for(links, cause, now)


def _mark_undone(merges: Sequence[Merge], cause: Cause, now: datetime) -> None:
    """What a person chose with a merge ends with the last one made with it."""
    for made in merges:
        made.undone_at, made.undone_by, made.undo_reason = now, cause.by.name, cause.reason
    Merge.objects.bulk_update(merges, ["undone_at", "undone_by", "undo_reason"])
    chosen = edits_made_with(merges)
    end_links(chosen, cause, now)
    SourceRecord.objects.filter(pk__in=chosen).update(state=SourceState.RETIRED)


@dataclass(frozen=True)
class Leaving:
    """How source records leave their golden record: by undoing these merges, and the rest as new records."""

    record: UUID
    merges: tuple[UUID, ...]
    rest: tuple[int, ...]


def plan_leaving(source_record_ids: Sequence[int]) -> Leaving:
    """Which merges it takes to let these source records of one golden record go, and which become new records.

    A merge is undone where everything of it that is still here leaves: then the old id lives again. Raises NotFound,
    Refused for source records of several records, for approved edits and for part rows.
    """
    asked = set(source_record_ids)
    links = Link.objects.select_related("merge").filter(source_record__in=asked, ended_at=None)
    held = {link.record_id for link in links}
    if not asked or len(links) != len(asked):
        raise NotFound("One of these source records is linked nowhere.", "Reload the record and choose again.")
    if len(held) > 1:
        raise Refused("These source records belong to several records by now.", "Reload the record and choose again.")
    (record,) = held
    everyone = Link.objects.select_related("merge").filter(
        record=record, ended_at=None, source_record__part="", source_record__system__internal=False
    )
    at_home = homes(list(everyone))
    if not asked <= at_home.keys():
        raise Refused("Approved edits and rows of a list do not leave by themselves.", "Choose source records.")
    tree, merges, covered = standing_below([record]), [], set()
    waiting = list(tree.under[record])
    while waiting:
        merge = waiting.pop()
        inside = tree.below(merge.loser_id)
        here = {pk for pk, home in at_home.items() if home in inside}
        if here and here <= asked:
            merges.append(merge.pk)
            covered |= here
        else:
            waiting += tree.under[merge.loser_id]
    return Leaving(record, tuple(sorted(merges)), tuple(sorted(asked - covered)))


@atomic
def take_out(
    *,
    source_record_ids: Sequence[int],
    cause: Cause,
    rest: str = APART,
    expected: Mapping[UUID, int] | None = None,
) -> tuple[Leaving, list[UUID]]:
    """Let source records leave their golden record, each with its part rows: back under the ids they came with where a
    merge is undone whole. The ``rest`` becomes new records (apart), one new record (together), or goes along with the
    one record that returns. Returns how they left and the ids they have now.

    Raises what ``plan_leaving`` raises, Stale, and Refused when nothing would stay.
    """
    held = Link.objects.filter(source_record__in=source_record_ids, ended_at=None)
    records = set(held.values_list("record_id", flat=True))
    take_turn(relinking=domains_of(records))
    require_versions(lock_records(records), expected)
    leaving = plan_leaving(source_record_ids)
    losers = list(Merge.objects.filter(pk__in=leaving.merges).values_list("loser_id", flat=True))
    if rest == ALONG and leaving.rest and len(losers) != 1:
        raise Refused("Nothing returns that the others could go along with.", "Choose what becomes of the others.")
    along = dict.fromkeys(leaving.rest, losers[0]) if rest == ALONG and losers else {}
    back = unmerge(merge_ids=leaving.merges, along=along, cause=cause) if leaving.merges else []
    alone = () if along else leaving.rest
    groups: list[tuple[int, ...]] = [alone] if rest == TOGETHER else [(pk,) for pk in alone]
    made = split(groups=groups, cause=cause) if alone else []
    return leaving, [*back, *made]
