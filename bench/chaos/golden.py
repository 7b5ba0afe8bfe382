"""Real changes of golden records, through the verbs of mdm.mastering: the world they happen in, and the acts."""

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.utils import timezone

from mdm import canonical
from mdm.domains import BY_NAME
from mdm.mastering import Actor, Cause, NewRecord, contribute, create, merge, reinstate, retire, unmerge
from mdm.models import GoldenRecord, GoldenState, Merge, SourceRecord, SourceReference, SourceSystem

STEWARD = Actor(name="Stella Steward", kind="person", channel="page")
SUPPLIER, CONTRACT = "supplier", "contract"
BATCH = 2000


def source_of(domain: str, key: str, values: dict[str, Any]) -> SourceRecord:
    """An unsaved source record of the system erp."""
    now = timezone.now()
    return SourceRecord(
        system=SourceSystem.objects.get_or_create(code="erp", defaults={"name": "ERP"})[0], domain=domain, key=key,
        values=values, parts={}, content_hash=canonical.digest(values), as_of=now, first_seen_at=now, last_seen_at=now,
    )  # fmt: skip


def make(domain: str, rows: Sequence[tuple[str, dict[str, Any]]], cause: Cause) -> list[UUID]:
    """One golden record a (key, values); references in the values are registered. Returns the ids in order."""
    made: list[UUID] = []
    for start in range(0, len(rows), BATCH):
        sources = SourceRecord.objects.bulk_create(source_of(domain, *row) for row in rows[start : start + BATCH])
        SourceReference.objects.bulk_create(
            SourceReference(
                source_record=source, attribute=name, system=source.system, domain=value["domain"], key=value["key"]
            )
            for source in sources
            for name, value in source.values.items()
            if isinstance(value, dict) and "key" in value
        )
        made += create(domain=BY_NAME[domain], records=[NewRecord((one.pk,)) for one in sources], cause=cause)
    return made


def prepare(suppliers: int, contracts: int = 0) -> list[UUID]:
    """That many suppliers, and contracts that name some of them. Returns the suppliers."""
    cause = Cause(by=STEWARD, reason="chaos: prepare")
    made = make(SUPPLIER, [(f"S{n}", {"name": f"Company {n} Ltd"}) for n in range(suppliers)], cause)
    make(CONTRACT, [(f"C{n}", contract(f"C-{n}", f"S{n % suppliers}")) for n in range(contracts)], cause)
    return made


def prepare_more(count: int) -> None:
    """So many suppliers more, under keys of their own."""
    cause = Cause(by=STEWARD, reason="chaos: more")
    stamp = f"{timezone.now():%H%M%S%f}"
    make(SUPPLIER, [(f"M{stamp}-{n}", {"name": f"More company {stamp} {n}"}) for n in range(count)], cause)


def contract(number: str, supplier_key: str) -> dict[str, Any]:
    """The values of a contract with that supplier."""
    return {"number": number, "supplier": {"system": "erp", "domain": SUPPLIER, "key": supplier_key}}


@dataclass
class World:
    """The records acts choose from; what is made meanwhile joins them."""

    suppliers: list[UUID]
    contracts: list[UUID]
    made: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def load(cls) -> "World":
        """Everything there is."""
        return cls(
            list(GoldenRecord.objects.filter(domain=SUPPLIER).order_by("pk").values_list("pk", flat=True)),
            list(GoldenRecord.objects.filter(domain=CONTRACT).order_by("pk").values_list("pk", flat=True)),
        )

    def number(self) -> int:
        """A number nobody had."""
        with self.lock:
            self.made += 1
            return self.made


def why(act: UUID) -> Cause:
    """The cause of one act."""
    return Cause(by=STEWARD, reason="chaos", correlation_id=act)


def edit(world: World, dice: random.Random, act: UUID) -> None:
    """A supplier gets another name; some are edited far more often than others."""
    chosen = world.suppliers[:50] if dice.random() < 0.5 else world.suppliers
    name = f"Renamed {dice.randrange(10**9)} Ltd"
    contribute(record_id=dice.choice(chosen), values={"name": name}, expected=None, cause=why(act))


def edit_contract(world: World, dice: random.Random, act: UUID) -> None:
    """A contract gets another name."""
    if world.contracts:
        name = f"Contract {dice.randrange(10**9)}"
        contribute(record_id=dice.choice(world.contracts), values={"name": name}, expected=None, cause=why(act))
    else:
        edit(world, dice, act)


def sign(world: World, dice: random.Random, act: UUID) -> None:
    """A new supplier, and a contract that names it."""
    key = f"N{act.hex[:12]}-{world.number()}"
    made = make(SUPPLIER, [(key, {"name": f"New company {key}"})], why(act))
    make(CONTRACT, [(f"C{key}", contract(f"C{key}", key))], why(act))
    del made  # not joined to the world: the transaction may still be rolled back


def turn(world: World, dice: random.Random, act: UUID) -> None:
    """A supplier is retired, or a retired one comes back."""
    pk = dice.choice(world.suppliers[50:] or world.suppliers)
    state = GoldenRecord.objects.values_list("state", flat=True).get(pk=pk)
    verb = reinstate if state == GoldenState.RETIRED else retire
    verb(record_id=pk, expected=None, cause=why(act))


def join(world: World, dice: random.Random, act: UUID) -> None:
    """Two suppliers become one, or the last two that did part again."""
    last = Merge.objects.filter(undone_at__isnull=True).order_by("-pk").first()
    if last and dice.random() < 0.6:
        unmerge(merge_ids=[last.pk], cause=why(act))
        return
    pair = dice.sample(world.suppliers[50:] or world.suppliers, 2)
    versions = dict(GoldenRecord.objects.filter(pk__in=pair).values_list("pk", "version"))
    merge(winner_id=pair[0], loser_ids=pair[1:], expected=versions, cause=why(act))


Act = Callable[[World, random.Random, UUID], None]
ACTS: dict[str, tuple[Act, int]] = {
    "edit": (edit, 70),
    "edit contract": (edit_contract, 10),
    "sign": (sign, 8),
    "turn": (turn, 7),
    "join": (join, 5),
}
