"""How long a search before create takes, and one arriving record: `python -m bench.searching FILE [--rows N] [--keep]`.

FILE is a supplier list as bench/synthetic_suppliers.toml describes it. Its rows are copied into the tables matching
reads (source and golden records, links, prepared rows, keys, words), each row a golden record of its own, in a
database of this bench; no import, no history. With `--keep` that database stays for the next run. Then one worker
searches 500 times (exact, misspelt, by name alone, half typed), records arrive one by one, and files of one row each
are sent.
"""

import argparse
import csv
import os
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from io import BytesIO, StringIO
from itertools import islice
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import django
from django.db import connection, models
from django.test import override_settings
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mdm.settings")
django.setup()

from matching.blocking import keys  # noqa: E402  # Django must be set up first
from matching.features import make_features  # noqa: E402
from matching.models import MatchKey, Prepared  # noqa: E402
from matching.preparing import declaration  # noqa: E402
from matching.run import match  # noqa: E402
from matching.searching import search  # noqa: E402
from matching.wordlist import learn, naming, words_of  # noqa: E402
from mdm.canonical import dumps  # noqa: E402
from mdm.cause import HUB, Cause  # noqa: E402
from mdm.code_lists import load_code_lists  # noqa: E402
from mdm.domains import BY_NAME  # noqa: E402
from mdm.identity import uuid7  # noqa: E402
from mdm.intake import read as read_batch  # noqa: E402
from mdm.intake import receive, save_feed  # noqa: E402
from mdm.intake.feeds import plan_of, read_document  # noqa: E402
from mdm.intake.given import read_given  # noqa: E402
from mdm.intake.mapping import Mapped, map_row  # noqa: E402
from mdm.intake.readers import read  # noqa: E402
from mdm.log import sequence, sequence_all  # noqa: E402
from mdm.models import CodeCounter, GoldenRecord, Link, LinkMethod, SourceRecord, SourceState, SourceSystem  # noqa: E402

FEED = Path(__file__).parent / "synthetic_suppliers.toml"
SUPPLIER = BY_NAME["supplier"]
CHUNK = 10_000
SEARCHES, ARRIVALS = 500, 100
FILLED = (SourceRecord, GoldenRecord, SUPPLIER.model, Link, Prepared, MatchKey)
# Those made again at the end, which is quicker than keeping them up row by row.
INDEXES = """
SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index
WHERE indrelid = ANY(%s::text[]::regclass[]) AND NOT indisunique
"""
KINDS = ("exact", "misspelt", "name only", "half typed")


def rows_of(file: Path, most: int) -> Iterator[Mapped]:
    """The rows of the file as intake maps them, those it refuses left out."""
    feed = save_feed(document=read_document(FEED), by="bench")
    plan = plan_of(feed)
    with read(file, plan.dialect) as rows:
        yield from (mapped for row in islice(rows, most) if not (mapped := map_row(plan, row)).problems)


def copy(model: type[models.Model], rows: Iterable[dict[str, Any]]) -> None:
    """Rows given by column, what they do not name as the model has it, through COPY."""
    rows = list(rows)
    fields: list[Any] = [f for f in model._meta.concrete_fields if f.column in rows[0] or not f.primary_key]
    fields = [f for f in fields if not f.has_db_default()]
    blank = model()
    default: dict[str, Any] = {f.column: getattr(blank, f.attname) for f in fields}
    names = ", ".join(f'"{f.column}"' for f in fields)
    with (
        connection.cursor() as cursor,
        cursor.copy(f'COPY "{model._meta.db_table}" ({names}) FROM STDIN') as out,
    ):
        for row in rows:
            told = {**default, **row}
            out.write_row([_stored(f, told[f.column]) for f in fields])


def _stored(field: Any, value: Any) -> Any:
    return dumps(value) if isinstance(field, models.JSONField) and value is not None else value


def fill(file: Path, most: int) -> None:
    """Every row a source record, a golden record, a link, features, keys and words."""
    system, _ = SourceSystem.objects.get_or_create(code="synthetic", defaults={"name": "Synthetic"})
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # neither walls nor references: nothing else writes
        cursor.execute(INDEXES, [[model._meta.db_table for model in FILLED]])
        indexes = cursor.fetchall()
        for name, _ in indexes:
            cursor.execute(f'DROP INDEX "{name}"')
    mapped = rows_of(file, most)
    started, done = time.perf_counter(), 0
    while chunk := list(islice(mapped, CHUNK)):
        _fill_chunk(system.pk, done, chunk)
        done += len(chunk)
        if not done % (10 * CHUNK):
            print(f"filled {done:,} in {time.perf_counter() - started:,.0f} s", flush=True)
    CodeCounter.objects.update_or_create(domain=SUPPLIER.name, defaults={"last": done})
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for _, definition in indexes:
            cursor.execute(definition)
        print(f"indexed after {time.perf_counter() - started:,.0f} s", flush=True)
        cursor.execute("SELECT setval(pg_get_serial_sequence('mdm_sourcerecord', 'id'), %s)", [done + 1])
        cursor.execute("SET session_replication_role = origin")
        cursor.execute("VACUUM ANALYZE")


def _fill_chunk(system: int, done: int, chunk: Sequence[Mapped]) -> None:
    now, told, names = timezone.now(), declaration(SUPPLIER), naming(SUPPLIER, SUPPLIER.matching)
    ids = [(done + number, uuid7(), one) for number, one in enumerate(chunk, 1)]
    made = {pk: make_features(SUPPLIER.matching, one.values, one.parts, lambda _: None) for pk, _, one in ids}
    words = {pk: words_of(names, features) for pk, features in made.items()}
    common = {"domain": SUPPLIER.name}
    copy(SourceRecord, (
        {**common, "id": pk, "system_id": system, "key": one.key, "values": one.values, "parts": one.parts,
         "content_hash": one.content_hash, "state": SourceState.LINKED, "as_of": now, "first_seen_at": now,
         "last_seen_at": now} for pk, _, one in ids
    ))  # fmt: skip
    copy(GoldenRecord, (
        {**common, "id": golden, "code": f"{SUPPLIER.prefix}-{pk:07d}", "title": one.values.get("name", "")[:300],
         "known_outside": True, "created_at": now, "updated_at": now} for pk, golden, one in ids
    ))  # fmt: skip
    columns = ("name", "tax_id", "duns", "phone", "website")
    copy(SUPPLIER.model, (
        {"record_id": golden, "extension": {}, "provenance": {}, **{c: one.values.get(c, "") for c in columns}}
        for _, golden, one in ids
    ))  # fmt: skip
    copy(Link, (
        {"source_record_id": pk, "record_id": golden, "method": LinkMethod.NEW, "linked_by": "bench", "linked_at": now}
        for pk, golden, _ in ids
    ))  # fmt: skip
    copy(Prepared, (
        {**common, "source_record_id": pk, "declaration": told, "content_hash": one.content_hash,
         "features": made[pk], "words": words[pk]} for pk, _, one in ids
    ))  # fmt: skip
    copy(MatchKey, (
        {"source_record_id": pk, "pass_number": number, "key": key, "source": system}
        for pk, features in made.items() for number, key in set(keys(SUPPLIER, features))
    ))  # fmt: skip
    learn(SUPPLIER, (word for listed in words.values() for word in listed))


def misspelt(text: str, chance: random.Random) -> str:
    """Two neighbours swapped, a letter lost, or one doubled, somewhere within a word of some length."""
    long = [word for word in text.split() if len(word) > 4] or text.split()
    word = chance.choice(long)
    at = chance.randrange(1, max(len(word) - 1, 2))
    slips = (word[:at] + word[at + 1 : at + 2] + word[at : at + 1] + word[at + 2 :], word[:at] + word[at + 1 :],
             word[:at] + word[at : at + 1] + word[at:])  # fmt: skip
    return text.replace(word, chance.choice(slips), 1)


def asked(kind: str, record: SourceRecord, chance: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a person gives who means this record: attributes and parts."""
    name = str(record.values.get("name", ""))
    if kind == "exact":
        return dict(record.values), dict(record.parts)
    if kind == "misspelt":
        city = [{"city": row.get("city")} for row in record.parts.get("addresses", ())[:1]]
        return {"name": misspelt(name, chance)}, {"addresses": city}
    return {"name": name if kind == "name only" else name[: max(5, len(name) * 2 // 3)]}, {}


class Taken(NamedTuple):
    """Seconds one act took by the clock, and seconds of CPU of this process."""

    wall: float
    cpu: float


def told(what: str, taken: Sequence[Taken], note: str = "") -> None:
    """One line: median, 95th of a hundred, worst by the clock in milliseconds; then what of it was our own CPU."""
    wall, cpu = (quantiles(column, n=20) for column in zip(*taken, strict=True))
    worst = max(one.wall for one in taken)
    print(
        f"{what:11} {1000 * wall[9]:7.1f} {1000 * wall[18]:7.1f} {1000 * worst:7.1f}   "
        f"{1000 * cpu[9]:7.1f} {1000 * cpu[18]:7.1f}  {note}",
        flush=True,
    )


def timed(act: Callable[[], Any]) -> tuple[Taken, Any]:
    """What it took, and its answer."""
    started, used = time.perf_counter(), time.process_time()
    answer = act()
    return Taken(time.perf_counter() - started, time.process_time() - used), answer


def served() -> float:
    """Seconds of CPU of the PostgreSQL process that serves us so far, to a hundredth; 0 where it is elsewhere."""
    raw: Any = connection.connection
    told = Path(f"/proc/{raw.info.backend_pid}/stat")
    if not told.exists():
        return 0.0
    columns = told.read_text().rpartition(")")[2].split()
    return (int(columns[11]) + int(columns[12])) / os.sysconf("SC_CLK_TCK")


def searches(chance: random.Random) -> None:
    """One worker, 500 searches, and how often the record meant was among the ten shown."""
    last = SourceRecord.objects.order_by("-pk").values_list("pk", flat=True)[0]
    everything: list[Taken] = []
    before = served()
    for kind in KINDS:
        taken: list[Taken] = []
        hit = first = 0
        for _ in range(SEARCHES // len(KINDS)):
            record = SourceRecord.objects.get(pk=chance.randrange(1, last))
            attributes, parts = asked(kind, record, chance)

            def act(attributes: Any = attributes, parts: Any = parts) -> Any:
                given = read_given(SUPPLIER, attributes, parts)
                return search(SUPPLIER, given.values, given.parts, 10)

            used, found = timed(act)
            taken.append(used)
            shown = [one.source_record for one in found.found]
            hit, first = hit + (record.pk in shown), first + (shown[:1] == [record.pk])
        told(kind, taken, f"among the ten {hit / len(taken):.0%}, first {first / len(taken):.0%}")
        everything += taken
    told("searches", everything, f"and of PostgreSQL {1000 * (served() - before) / len(everything):.1f} ms CPU each")


def arrivals(chance: random.Random) -> None:
    """Records of another source arrive one by one; each is matched and mastered by itself."""
    last = SourceRecord.objects.order_by("-pk").values_list("pk", flat=True)[0]
    system, _ = SourceSystem.objects.get_or_create(code=f"arrivals-{last}", defaults={"name": "Arrivals"})
    taken, linked, before = [], 0, served()
    for number in range(ARRIVALS):
        record = SourceRecord.objects.get(pk=chance.randrange(1, last))
        record.pk, record.system, record.key, record.state = None, system, f"A{number}", SourceState.WAITING
        record.save(force_insert=True)
        used, done = timed(lambda: match(SUPPLIER, Cause(by=HUB, reason="Bench"), everything=False))
        taken.append(used)
        linked += done.linked
    cpu = 1000 * (served() - before) / len(taken)
    told("arrivals", taken, f"and of PostgreSQL {cpu:.1f} ms CPU each; linked {linked}, the others new or asked about")


def sent(chance: random.Random) -> None:
    """Files of one row each: received, read, matched, mastered and numbered in the log by one worker."""
    feed = save_feed(document=read_document(FEED), by="bench")
    last = SourceRecord.objects.order_by("-pk").values_list("pk", flat=True)[0]
    taken, before = [], served()
    sequence_all()
    with TemporaryDirectory() as folder, override_settings(DATA_DIR=Path(folder)):
        for number in range(ARRIVALS):
            record = SourceRecord.objects.get(pk=chance.randrange(1, last))
            content = one_row(f"S{last}-{number}", record)

            def act(content: bytes = content, name: str = f"{number}.csv") -> None:
                batch = receive(feed=feed, file=BytesIO(content), file_name=name, by="bench", wake=False)
                assert read_batch(batch.pk).rows_new == 1
                match(SUPPLIER, Cause(by=HUB, reason="Bench"), everything=False)
                assert sequence() == 1

            taken.append(timed(act)[0])
    cpu = 1000 * (served() - before) / len(taken)
    told("files", taken, f"and of PostgreSQL {cpu:.1f} ms CPU each; received, read, matched, numbered")


def one_row(key: str, record: SourceRecord) -> bytes:
    """A file that says of a new key what this record says."""
    address: dict[str, Any] = next(iter(record.parts.get("addresses", ())), {})
    names = {"address": "line1", "state": "region"}
    columns = ("name", "address", "city", "state", "postcode", "country", "phone", "tax_id", "duns", "website")
    said = {**address, **record.values}
    out = StringIO()
    csv.writer(out).writerows([("record_id", *columns), (key, *(said.get(names.get(c, c), "") for c in columns))])
    return out.getvalue().encode()


def main() -> None:
    """Read the arguments, fill unless it is filled, measure, and clean up whatever happens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--keep", action="store_true", help="leave the database for the next run, and use what is there"
    )
    given = parser.parse_args()
    real = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False, keepdb=given.keep)
    try:
        if not SourceRecord.objects.exists():
            load_code_lists()
            fill(given.file, given.rows)
        chance = random.Random(given.seed)
        print(f"{SourceRecord.objects.count():,} source records, {MatchKey.objects.count():,} keys; load now "
              f"{os.getloadavg()[0]:.1f}")  # fmt: skip
        print("ms              p50     p95     max   CPU p50 CPU p95")
        searches(chance)
        arrivals(chance)
        sent(chance)
        print(f"load at the end {os.getloadavg()[0]:.1f}")
    finally:
        connection.creation.destroy_test_db(real, verbosity=0, keepdb=given.keep)


if __name__ == "__main__":
    main()
