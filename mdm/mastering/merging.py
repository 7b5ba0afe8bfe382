"""Merge and unmerge: relink the source records and recompute. Nothing else has to be restored."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils import timezone

from mdm.cause import Cause
from mdm.domains import BY_NAME
from mdm.errors import Refused, WrongState
from mdm.mastering.compose import Composition, compose, extension_attributes
from mdm.mastering.links import LinkTo, end_links, open_links_for, part_rows, require_something_left
from mdm.mastering.locks import domains_of, lock_records, require_state, require_versions
from mdm.mastering.offers import dependents, follow_merges, load, open_links
from mdm.mastering.turns import take_turn
from mdm.mastering.write import Marking, composed_snapshot, read_stored, stored_snapshot, write_all
from mdm.models import GoldenRecord, GoldenState, Link, LinkMethod, Merge
from mdm.models.log import EventVerb
from mdm.retrying import atomic
from mdm.snapshot import changes, record_labels

LIVE = (GoldenState.PENDING, GoldenState.ACTIVE, GoldenState.RETIRED)


@atomic
def merge(*, winner_id: UUID, loser_ids: Sequence[UUID], expected: Mapping[UUID, int], cause: Cause) -> list[UUID]:
    """Merge golden records into one: the losers' source records move, the losers point on, references follow.

    One transaction, any number of losers. ``expected`` are the versions the person saw. The winner becomes active
    if any of them was. Returns one merge id per loser, in order. Raises Stale, WrongState, Refused, NotFound.
    """
    losers = list(dict.fromkeys(loser_ids))
    if not losers or winner_id in losers:
        raise Refused("A merge needs a winner and at least one other record.", "Choose the records again.")
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

    merges = [
        Merge(
            winner_id=winner_id,
            winner_state=locked[winner_id].state,
            loser_id=pk,
            loser_state=locked[pk].state,
            correlation_id=cause.correlation_id,
            merged_by=cause.by.name,
            reason=cause.reason,
            merged_at=now,
        )
        for pk in losers
    ]
    Merge.objects.bulk_create(merges)
    for made in merges:
        end_links(moving.get(made.loser_id, []), cause, now)
        open_links_for(
            [LinkTo(s, winner_id, LinkMethod.MERGE, merge=made) for s in moving.get(made.loser_id, [])], cause, now
        )
    markings = {pk: Marking() for pk in locked}
    markings[winner_id] = Marking(forced=True, state=_winner_state(members.values()))
    for pk in losers:
        markings[pk] = Marking(
            verb=EventVerb.MERGED, state=GoldenState.MERGED, merged_into=winner_id, forced=True, frozen=True
        )
    # Losers first: a receiver that redirects on the loser's event already knows the winner from before.
    live = {pk: record for pk, record in locked.items() if pk in members or record.state != GoldenState.MERGED}
    write_all({pk: live[pk] for pk in losers}, markings, cause, now)
    write_all({pk: record for pk, record in live.items() if pk not in losers}, markings, cause, now)
    return [made.pk for made in merges]


def _links_of(record_ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    """{golden record: its linked source records}, those that do not count at the moment too."""
    found: dict[UUID, list[int]] = defaultdict(list)
    links = Link.objects.filter(record__in=record_ids, ended_at__isnull=True).order_by("source_record_id")
    for record_id, source in links.values_list("record_id", "source_record_id"):
        found[record_id].append(source)
    return found


def _winner_state(members: Any) -> GoldenState:
    states = {record.state for record in members}
    return next(state for state in (GoldenState.ACTIVE, GoldenState.PENDING, GoldenState.RETIRED) if state in states)


@atomic
def unmerge(*, merge_ids: Sequence[UUID], cause: Cause) -> list[UUID]:
    """Undo merges: the source records that came with each loser go back, the loser returns with its old id, state
    and references. Works on any past merge, in any order, also when the winner has merged on since.

    Source records that a person moved elsewhere since stay where that person put them. Returns the losers' ids.
    Raises WrongState when a merge was undone already, Refused when nothing is left to give back, or nothing would stay.
    """
    lost = Merge.objects.filter(pk__in=merge_ids).values_list("loser_id", flat=True)
    take_turn(relinking=domains_of(lost))
    now = timezone.now()
    merges = list(Merge.objects.select_for_update(no_key=True).filter(pk__in=merge_ids).order_by("pk"))
    if len(merges) != len(set(merge_ids)) or any(made.undone_at for made in merges):
        raise WrongState("This merge has been undone already.", "Reload the record to see it as it is now.")
    surviving = follow_merges({made.winner_id for made in merges})
    returning = {made.pk: _returning(made, surviving[made.winner_id]) for made in merges}
    losers = [made.loser_id for made in merges]
    referring = dependents([source for sources in returning.values() for source in sources], losers)
    locked = lock_records({*losers, *surviving.values(), *referring})
    markings = {pk: Marking() for pk in locked}
    for made in merges:
        if not returning[made.pk]:
            raise (
                Refused(
                    f"Nothing that came with {locked[made.loser_id].code} is left in {locked[made.winner_id].code}.",
                    "Its source records were moved by hand since; move them back instead.",
                )
                if made.winner_id in locked
                else Refused("Nothing is left to give back.")
            )
        end_links(returning[made.pk], cause, now)
        open_links_for([LinkTo(s, made.loser_id, LinkMethod.UNMERGE) for s in returning[made.pk]], cause, now)
        made.undone_at, made.undone_by, made.undo_reason = now, cause.by.name, cause.reason
        made.save(update_fields=["undone_at", "undone_by", "undo_reason"])
        markings[made.loser_id] = Marking(
            verb=EventVerb.UNMERGED, state=GoldenState(made.loser_state), merged_into=None, forced=True
        )
    winners = set(surviving.values())
    require_something_left({pk: record for pk, record in locked.items() if pk in winners})
    for winner in winners:
        markings[winner] = Marking(forced=True, state=_state_back(merges, locked[winner]))
    live = {pk: record for pk, record in locked.items() if pk in losers or record.state != GoldenState.MERGED}
    # Losers first: who refers to one by its id finds it standing on its own again.
    write_all({pk: live[pk] for pk in losers}, markings, cause, now)
    write_all({pk: record for pk, record in live.items() if pk not in losers}, markings, cause, now)
    return losers


def _state_back(undone: Sequence[Merge], winner: GoldenRecord) -> GoldenState | None:
    """Pending or retired, where these merges alone had brought the winner into use; else it stays what it is."""
    own = [made for made in undone if made.winner_id == winner.pk]
    standing = Merge.objects.filter(winner=winner, undone_at__isnull=True, loser_state=GoldenState.ACTIVE)
    if not own or winner.state != GoldenState.ACTIVE or standing.exists():
        return None
    before = GoldenState(own[0].winner_state)  # the oldest: what the winner was before all of them
    return before if before in (GoldenState.PENDING, GoldenState.RETIRED) else None


def _returning(made: Merge, surviving: UUID) -> list[int]:
    """The source records that came with the loser and are still in the record that now stands for the winner, and
    the part rows that arrived for them since."""
    came = Link.objects.filter(merge=made).values("source_record_id")
    still = Link.objects.filter(source_record_id__in=came, record_id=surviving, ended_at__isnull=True)
    back = list(still.values_list("source_record_id", flat=True))
    return list(dict.fromkeys([*back, *(row for rows in part_rows(back).values() for row in rows)]))


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
    [(domain label, attribute, how many)] that will point to the winner; ``events`` are what will be sent."""

    winner: GoldenRecord
    losers: Sequence[GoldenRecord]
    values: Sequence[Survival]
    parts: Sequence[tuple[str, int, int]]
    references: Sequence[tuple[str, str, int]]
    source_records: int
    events: Sequence[tuple[str, str]]


def preview_merge(*, winner_id: UUID, loser_ids: Sequence[UUID]) -> MergePreview:
    """Compute a merge without writing or locking anything."""
    records = {record.pk: record for record in GoldenRecord.objects.filter(pk__in=[winner_id, *loser_ids])}
    winner = records[winner_id]
    losers = [records[pk] for pk in loser_ids if pk in records]
    domain = BY_NAME[winner.domain]
    members = open_links([winner_id, *loser_ids])
    everyone = [source for sources in members.values() for source in sources]
    offers = load(domain, {winner_id: everyone})[winner_id]
    composed: Composition = compose(domain, extension_attributes(domain), offers, everyone)
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
    )


def _moving_references(source_record_ids: Sequence[int]) -> list[tuple[str, str, int]]:
    """How many references of which kind point at these source records and will follow them."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT referrer.domain, ref.attribute, count(*)
            FROM mdm_sourcerecord target
            JOIN mdm_sourcereference ref
              ON ref.system_id = target.system_id AND ref.domain = target.domain AND ref.key = target.key
            JOIN mdm_sourcerecord referrer ON referrer.id = ref.source_record_id
            WHERE target.id = ANY(%s) AND target.part = ''
            GROUP BY referrer.domain, ref.attribute ORDER BY referrer.domain, ref.attribute
            """,
            [list(source_record_ids)],
        )
        return [(BY_NAME[domain].plural, attribute, count) for domain, attribute, count in cursor.fetchall()]
