"""Merge: relink the source records and recompute. Nothing else has to be kept to undo it."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.utils import timezone

from mdm.cause import Cause
from mdm.compiled import found_by, prepared
from mdm.domains import BY_NAME
from mdm.errors import Refused
from mdm.mastering.choosing import Edit, Settled, enter, settle
from mdm.mastering.compose import Composition, PartRow, compose, extension_attributes
from mdm.mastering.links import LinkTo, end_links, open_links_for
from mdm.mastering.locks import domains_of, lock_records, require_state, require_versions
from mdm.mastering.offers import dependents, load, open_links
from mdm.mastering.standing import standing_below, strongest
from mdm.mastering.turns import take_turn
from mdm.mastering.write import Marking, composed_snapshot, read_stored, stored_snapshot, write_all
from mdm.models import GoldenRecord, GoldenState, Link, LinkMethod, Merge, SourceRecord, SourceState
from mdm.models.log import EventVerb
from mdm.retrying import atomic
from mdm.snapshot import changes, record_labels

LIVE = (GoldenState.PENDING, GoldenState.ACTIVE, GoldenState.RETIRED)


@atomic
def merge(
    *,
    winner_id: UUID,
    loser_ids: Sequence[UUID],
    expected: Mapping[UUID, int],
    cause: Cause,
    edit: Edit | None = None,
    reviving: Collection[UUID] = (),
) -> list[UUID]:
    """Merge golden records into one: the losers' source records move, the losers point on, references follow.

    One transaction, any number of losers. ``expected`` are the versions the person saw. The winner becomes active
    if any of them was; ``edit`` is what a person chose for it, kept with the merge. ``reviving`` names merges taken
    back that stand again where they are of the same records, so that whoever made them can still undo them. Returns
    one merge id per loser, in order. Raises Stale, WrongState, Refused, NotFound, Invalid.
    """
    losers = _losers(winner_id, loser_ids)
    take_turn(relinking=domains_of([winner_id, *losers]))
    now = timezone.now()
    moving = _links_of(losers)
    referring = dependents([source for sources in moving.values() for source in sources], losers)
    locked = lock_records({winner_id, *losers, *referring})
    require_versions(locked, expected)
    members = {pk: locked[pk] for pk in (winner_id, *losers)}
    for record in members.values():
        require_state(record, *LIVE)
    if len({record.domain for record in members.values()}) > 1:
        raise Refused("Records of different domains cannot be one.", "Choose records of one domain.")

    merges = _stated(locked, winner_id, losers, cause, now, reviving)
    for made in merges:
        coming = moving.get(made.loser_id, {})
        end_links(list(coming), cause, now)
        # What came to the loser by a merge of its own keeps that one: it stays at home where it was.
        open_links_for(
            [LinkTo(s, winner_id, LinkMethod.MERGE, merge=by or made.pk) for s, by in coming.items()], cause, now
        )
    if edit:
        _enter(edit, locked[winner_id], [winner_id, *losers], cause, now)
    markings = {pk: Marking() for pk in locked}
    markings[winner_id] = Marking(forced=True, state=strongest({record.state for record in members.values()}))
    for pk in losers:
        markings[pk] = Marking(
            verb=EventVerb.MERGED, state=GoldenState.MERGED, merged_into=winner_id, forced=True, frozen=True
        )
    # Losers first: a receiver that redirects on the loser's event already knows the winner from before.
    live = {pk: record for pk, record in locked.items() if pk in members or record.state != GoldenState.MERGED}
    write_all({pk: live[pk] for pk in losers}, markings, cause, now)
    write_all({pk: record for pk, record in live.items() if pk not in losers}, markings, cause, now)
    return [made.pk for made in merges]


def _losers(winner_id: UUID, loser_ids: Sequence[UUID]) -> list[UUID]:
    losers = list(dict.fromkeys(loser_ids))
    if not losers or winner_id in losers:
        raise Refused("A merge needs a winner and at least one other record.", "Choose the records again.")
    return losers


def _enter(edit: Edit, winner: GoldenRecord, member_ids: Sequence[UUID], cause: Cause, now: datetime) -> None:
    """The edit as a source record of the winner, whose links are those of all members by now."""
    domain = BY_NAME[winner.domain]
    everyone = open_links([winner.pk])[winner.pk]
    ruled = compose(domain, extension_attributes(domain), load(domain, {winner.pk: everyone})[winner.pk], everyone)
    settled = settle(domain, winner.pk, member_ids, edit, ruled)
    if settled:
        source = enter(domain, edit.key, settled, cause, now)
        open_links_for([LinkTo(source.pk, winner.pk, LinkMethod.EDIT)], cause, now)


def _stated(
    locked: Mapping[UUID, GoldenRecord],
    winner_id: UUID,
    losers: Sequence[UUID],
    cause: Cause,
    now: datetime,
    reviving: Collection[UUID],
) -> list[Merge]:
    """One merge per loser, written; the winner's state in them is what it is without any merge."""
    own = standing_below([winner_id]).own_state(winner_id, locked[winner_id].state)
    former = {
        made.loser_id: made
        for made in Merge.objects.filter(
            pk__in=list(reviving), winner=winner_id, loser__in=losers, undone_at__isnull=False
        )
    }
    merges = [
        former.get(pk)
        or Merge(
            winner_id=winner_id,
            loser_id=pk,
            correlation_id=cause.correlation_id,
            merged_by=cause.by.name,
            reason=cause.reason,
            merged_at=now,
        )
        for pk in losers
    ]
    chosen = _ended_with(winner_id, former.values())
    open_links_for([LinkTo(pk, winner_id, LinkMethod.EDIT) for pk in chosen], cause, now)
    SourceRecord.objects.filter(pk__in=chosen).update(state=SourceState.LINKED)
    for made in merges:
        made.winner_state, made.loser_state = own, locked[made.loser_id].state
        made.undone_at, made.undone_by, made.undo_reason = None, "", ""
    Merge.objects.bulk_create([made for made in merges if made.loser_id not in former])
    columns = ["winner_state", "loser_state", "undone_at", "undone_by", "undo_reason"]
    Merge.objects.bulk_update(former.values(), columns)
    return merges


def _ended_with(winner_id: UUID, undone: Collection[Merge]) -> list[int]:
    """The edits chosen with these merges that ended when they were taken back."""
    ended = Link.objects.filter(
        record=winner_id,
        method=LinkMethod.EDIT,
        linked_at__in=[made.merged_at for made in undone],
        ended_at__in=[made.undone_at for made in undone if made.undone_at],
    )
    return list(ended.values_list("source_record_id", flat=True))


def _links_of(record_ids: Sequence[UUID]) -> dict[UUID, dict[int, UUID | None]]:
    """{golden record: {linked source record: the merge it came by}}, those that do not count at the moment too."""
    found: dict[UUID, dict[int, UUID | None]] = defaultdict(dict)
    links = Link.objects.filter(record__in=record_ids, ended_at__isnull=True).order_by("source_record_id")
    for record_id, source, merge in links.values_list("record_id", "source_record_id", "merge_id"):
        found[record_id][source] = merge
    return found


@dataclass(frozen=True)
class Survival:
    """One line of a merge preview: the winner's value now, what will survive, from where and by which rule."""

    name: str
    label: str
    before: Any
    after: Any
    source: str
    rule: str
    changes: bool


@dataclass(frozen=True)
class MergePreview:
    """What a merge would do, with nothing written. ``parts`` is [(label, rows now, rows after)]; ``references`` is
    [(domain label, attribute, how many)] that will point to the winner; ``events`` are what will be sent; ``rows`` the
    union of the parts, {part: {part key: row}}, rows left out too; ``edited`` the attributes a person decides."""

    winner: GoldenRecord
    losers: Sequence[GoldenRecord]
    values: Sequence[Survival]
    parts: Sequence[tuple[str, int, int]]
    references: Sequence[tuple[str, str, int]]
    source_records: int
    events: Sequence[tuple[str, str]]
    rows: Mapping[str, Mapping[str, PartRow]]
    edited: frozenset[str]


def preview_merge(*, winner_id: UUID, loser_ids: Sequence[UUID], edit: Edit | None = None) -> MergePreview:
    """Compute a merge, with what a person chose for it, without writing or locking anything. Raises Invalid."""
    records = {record.pk: record for record in found_by(GoldenRecord, "id", [winner_id, *loser_ids])}
    winner = records[winner_id]
    losers = [records[pk] for pk in loser_ids if pk in records]
    domain = BY_NAME[winner.domain]
    members = open_links([winner_id, *loser_ids])
    everyone = [source for sources in members.values() for source in sources]
    offers = load(domain, {winner_id: everyone})[winner_id]
    ruled: Composition = compose(domain, extension_attributes(domain), offers, everyone)
    settled = settle(domain, winner_id, [winner_id, *loser_ids], edit, ruled) if edit else Settled({}, {})
    composed = ruled
    if settled:
        chosen = [*offers, settled.offer(winner_id, timezone.now())]
        composed = compose(domain, extension_attributes(domain), chosen, everyone)
    before = stored_snapshot(domain, read_stored(domain, [winner_id]), winner_id)
    after = composed_snapshot(composed, before, winner.version + 1)
    labels = record_labels(domain, [before, after])
    changed = {entry["attribute"]: entry for entry in changes(domain, before, after, labels) if "attribute" in entry}
    values = [
        Survival(
            name=a.name,
            label=a.label,
            before=changed[a.name]["before"] if a.name in changed else after.values.get(a.name),
            after=changed[a.name]["after"] if a.name in changed else after.values.get(a.name),
            source=after.provenance.get(a.name, {}).get("source", ""),
            rule=after.provenance.get(a.name, {}).get("rule", ""),
            changes=a.name in changed,
        )
        for a in domain.attributes
        if a.name in after.values or a.name in before.values
    ]
    return MergePreview(
        winner=winner,
        losers=losers,
        values=values,
        parts=[
            (part.label, len(before.parts.get(part.name, [])), len(after.parts.get(part.name, [])))
            for part in domain.parts
            if part.name in before.parts or part.name in after.parts
        ],
        references=_moving_references([s.pk for pk in loser_ids for s in members.get(pk, [])]),
        source_records=sum(len(members.get(pk, [])) for pk in loser_ids),
        events=[(record.code, "merged") for record in losers] + [(winner.code, "changed")],
        rows=ruled.parts,
        edited=frozenset(settled.values),
    )


def _moving_references(source_record_ids: Sequence[int]) -> list[tuple[str, str, int]]:
    """How many references of which kind point at these source records and will follow them."""
    with prepared(len(source_record_ids)) as cursor:
        cursor.execute(
            """
            SELECT referrer.domain, ref.attribute, count(*)
            FROM mdm_sourcerecord target
            JOIN mdm_sourcereference ref
              ON ref.system_id = target.system_id AND ref.domain = target.domain AND ref.key = target.key
            JOIN mdm_sourcerecord referrer ON referrer.id = ref.source_record_id
            WHERE target.id = ANY(%s::bigint[]) AND target.part = ''
            GROUP BY referrer.domain, ref.attribute ORDER BY referrer.domain, ref.attribute
            """,
            [list(source_record_ids)],
        )
        return [(BY_NAME[domain].plural, attribute, count) for domain, attribute, count in cursor.fetchall()]
