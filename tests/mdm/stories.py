"""What happens in a world, told twice: with merges that are all taken back, and as if nobody had ever merged."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from mdm.domains import BY_NAME
from mdm.errors import Invalid, Refused, WrongState
from mdm.mastering import (
    Edit,
    LinkTo,
    contribute,
    follow_parents,
    link,
    merge,
    plan_leaving,
    refresh,
    retire,
    split,
    take_out,
    unmerge,
    unpin,
    withdraw,
)
from mdm.mastering.standing import homes, standing_below
from mdm.models import GoldenRecord, GoldenState, Link, LinkMethod, Merge, SourceRecord
from tests.mdm.making import send_again, source, why
from tests.mdm.worlds import SYSTEMS, World, among, send

Step = tuple[str, int, int, int]
Deed = tuple[Any, ...]


class Plain:
    """What changes a world besides merges; everything is named by its place, so that a twin can do the same."""

    def __init__(self, world: World) -> None:
        self.world = world

    def do(self, verb: str, *told: Any) -> None:
        """One deed again."""
        getattr(self, verb)(*told)

    def resend(self, place: int, revision: int) -> None:
        """A source sends something else for the same key."""
        sent = SourceRecord.objects.get(pk=self.world.sources[place])
        values, parts = self.world.said(BY_NAME[sent.domain], place, revision)
        if sent.part:
            (part,) = (one for one in BY_NAME[sent.domain].parts if one.name == sent.part)
            values, parts = self.world.one(BY_NAME[sent.domain], part, [place, revision]), {}
        send_again(sent, values, parts, self.world.at(revision))
        refresh(record_ids=[self._holder(place)], cause=why())

    def arrive(self, record: int, number: int) -> None:
        """A source record that comes later and is linked by matching."""
        domain = self.world.domains[record]
        sent = send(self.world, among(SYSTEMS, number), domain, f"L{len(self.world.sources)}")
        link(links=[LinkTo(sent.pk, self.world.records[record], LinkMethod.AUTO, 0.99)], cause=why())

    def row(self, place: int, number: int) -> None:
        """A row of a part comes in a file of its own, and goes where its parent is."""
        parent = SourceRecord.objects.select_related("system").get(pk=self.world.sources[place])
        domain = BY_NAME[parent.domain]
        part = among(domain.parts, number)
        values = self.world.one(domain, part, [place, number])
        key = f"{parent.key}#{len(self.world.sources)}"
        sent = source(parent.system.code, domain.name, key, part=part.name, parent_key=parent.key, **values)
        self.world.sources.append(sent.pk)
        follow_parents(domain=domain, source_record_ids=[sent.pk], cause=why())

    def edit(self, record: int, values: Mapping[str, Any], watched: int | None, lasting: bool) -> None:
        """An approved edit, for ever or until a source says something else."""
        until = {} if lasting else dict.fromkeys(values, None if watched is None else self.world.sources[watched])
        given = {n: v if not isinstance(v, int) else str(self.world.records[v]) for n, v in values.items()}
        made = contribute(record_id=self.world.records[record], values=given, expected=None, cause=why(), until=until)
        self.world.edits.append(made)

    def withdraw(self, edit: int) -> None:
        """An approved edit is taken back."""
        withdraw(source_record_ids=[self.world.edits[edit]], cause=why())

    def unpin(self, records: Sequence[int], attribute: str) -> None:
        """What approved edits set for an attribute is taken back."""
        for record in records:
            unpin(record_id=self.world.records[record], attributes=[attribute], cause=why())

    def retire(self, record: int) -> None:
        """A record goes out of use; it stays so where it was before."""
        with suppress(WrongState):
            retire(record_id=self.world.records[record], expected=None, cause=why())

    def split(self, groups: Sequence[Sequence[int]]) -> None:
        """Source records become records of their own."""
        self.grown(split(groups=[[self.world.sources[n] for n in group] for group in groups], cause=why()))

    def grown(self, record_ids: Sequence[UUID]) -> None:
        """Records that came into the world."""
        domains = dict(GoldenRecord.objects.filter(pk__in=record_ids).values_list("pk", "domain"))
        self.world.records += record_ids
        self.world.domains += [domains[pk] for pk in record_ids]

    def _holder(self, place: int) -> UUID:
        return Link.objects.get(source_record=self.world.sources[place], ended_at=None).record_id


class Story:
    """Tells steps in a world where records merge. ``deeds`` is what a world without merges would have seen of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.plain = Plain(world)
        self.deeds: list[Deed] = []

    def tell(self, steps: Sequence[Step]) -> None:
        """All of it, and then every merge that still stands is taken back: one by one, the last step says in which
        order."""
        for verb, *numbers in steps:
            getattr(self, f"_{verb}")(*numbers)
        turn = sum(steps[-1][1:]) if steps else 0
        while standing := self._standing():
            unmerge(merge_ids=[among(standing, turn, len(standing))], cause=why())

    def _note(self, *deed: Any) -> None:
        self.plain.do(*deed)
        self.deeds.append(deed)

    def _merge(self, a: int, b: int, c: int) -> None:
        domain = self.world.domains[a % len(self.world.records)]
        roots = [n for n in self._roots() if self.world.domains[n] == domain]
        winner = roots[a % len(roots)]
        losers = [n for place, n in enumerate(roots) if n != winner and b >> place & 1]
        if not losers:
            return
        ids = self.world.records
        edit = self._choice([winner, *losers], c) if c % 3 == 0 else None
        merge(winner_id=ids[winner], loser_ids=[ids[n] for n in losers], expected={}, cause=why(), edit=edit)

    def _choice(self, members: Sequence[int], number: int) -> Edit:
        """What a person may choose with a merge: the value of a member, and a row left out."""
        domain = BY_NAME[self.world.domains[members[0]]]
        part = among(domain.parts, number)
        ids = [self.world.records[n] for n in members]
        rows: Any = part.model
        keys = list(rows.objects.filter(record__in=ids).order_by("part_key").values_list("part_key", flat=True))
        taken = {among(domain.attributes, number, "taken").name: among(ids, number)}
        return Edit(taken=taken, left_out={part.name: keys[: number % 2]}, key=f"choice {number} {len(self.deeds)}")

    def _unmerge(self, a: int, b: int, c: int) -> None:
        if standing := self._standing():
            chosen = {among(standing, a), among(standing, b if c % 2 else a)}
            unmerge(merge_ids=sorted(chosen), cause=why())

    def _resend(self, a: int, b: int, c: int) -> None:
        self._note("resend", a % len(self.world.sources), b + 1)

    def _arrive(self, a: int, b: int, c: int) -> None:
        self._note("arrive", among(self._roots(), a), b)

    def _row(self, a: int, b: int, c: int) -> None:
        whole = self._whole()
        self._note("row", whole[a % len(whole)], b)

    def _edit(self, a: int, b: int, c: int) -> None:
        record = among(self._roots(), a)
        domain = BY_NAME[self.world.domains[record]]
        attribute = domain.attributes[b % len(domain.attributes)]
        value: Any = self.world.value(attribute, domain.model, ["edit", a, b, c])
        if attribute.references:
            others = [n for n, name in enumerate(self.world.domains) if name == attribute.references]
            value = among(others, c) if others else None
        elif not isinstance(value, str) or attribute.standardise not in ("text", "name", "date"):
            value = None
        at_home = [n for n in self._whole() if self._home(n) == self.world.records[record]]
        watched = among(at_home, c) if c % 2 and at_home else None
        with suppress(Invalid, Refused):
            self._note("edit", record, {attribute.name: value}, watched, c % 3 == 0)

    def _withdraw(self, a: int, b: int, c: int) -> None:
        if self.world.edits:
            self._note("withdraw", a % len(self.world.edits))

    def _unpin(self, a: int, b: int, c: int) -> None:
        record = among(self._roots(), a)
        below = standing_below([self.world.records[record]]).below(self.world.records[record])
        edits = SourceRecord.objects.filter(pk__in=self.world.edits).order_by("pk")
        if names := sorted({name for edit in edits for name in edit.values}):
            attribute = among(names, b)
            self.plain.unpin([record], attribute)
            self.deeds.append(("unpin", [n for n, pk in enumerate(self.world.records) if pk in below], attribute))

    def _retire(self, a: int, b: int, c: int) -> None:
        self._note("retire", among(self._roots(), a))

    def _take_out(self, a: int, b: int, c: int) -> None:
        """Only what a world without merges could do as well: nobody loses all of its own."""
        root = self.world.records[among(self._roots(), a)]
        here = [n for n in self._whole() if self._holder(n) == root]
        leaving = [n for place, n in enumerate(here) if b >> place & 1]
        if not leaving or len(leaving) == len(here):
            return
        rest = [self.world.sources.index(pk) for pk in plan_leaving(self._pks(leaving)).rest]
        left = {self._home(n) for n in self._whole() if n not in rest}
        if not {self._home(n) for n in rest} <= left:
            return
        with suppress(Refused):
            how = "together" if c % 2 else "apart"
            plan, now = take_out(source_record_ids=self._pks(leaving), rest=how, cause=why())
            groups = [rest] if c % 2 else [[n] for n in rest]
            self.plain.grown(now[len(plan.merges) :])
            if rest:
                self.deeds.append(("split", groups))

    def _pks(self, places: Sequence[int]) -> list[int]:
        return [self.world.sources[n] for n in places]

    def _roots(self) -> list[int]:
        merged = set(GoldenRecord.objects.filter(state=GoldenState.MERGED).values_list("pk", flat=True))
        return [n for n, pk in enumerate(self.world.records) if pk not in merged]

    def _whole(self) -> list[int]:
        """The source records that are no rows of a part."""
        rows = set(SourceRecord.objects.exclude(part="").values_list("pk", flat=True))
        return [n for n, pk in enumerate(self.world.sources) if pk not in rows]

    def _link(self, place: int) -> Link:
        return Link.objects.select_related("merge").get(source_record=self.world.sources[place], ended_at=None)

    def _holder(self, place: int) -> UUID:
        return self._link(place).record_id

    def _home(self, place: int) -> UUID:
        (home,) = homes([self._link(place)]).values()
        return home

    def _standing(self) -> list[UUID]:
        return list(Merge.objects.filter(undone_at=None).order_by("pk").values_list("pk", flat=True))


def tell_again(world: World, deeds: Sequence[Deed]) -> None:
    """The same without a merge."""
    plain = Plain(world)
    for verb, *told in deeds:
        plain.do(verb, *told)
