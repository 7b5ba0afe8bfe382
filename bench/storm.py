"""Everything at once on a throw-away PostgreSQL, with workers killed at random; then: is all as it must be?

    python -m bench.storm [--seconds 30] [--seed 1]

Two importers, two matchers, three stewards and two sequencers work on the same few records; every 2.5 seconds one of
them is killed and started anew. Prints what was done and every violation; exit code 1 on any.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import psycopg

from ops import database, embedded
from ops.place import Place

CREW = ("import", "import", "match", "match", "steward", "steward", "steward", "sequence", "sequence")
KILL_EVERY = 2.5


def launch(*words: str) -> subprocess.Popen[bytes]:
    """This program as one of its own workers."""
    return subprocess.Popen([sys.executable, "-m", "bench.storm", *words])


def rage(seconds: float, dice: random.Random, diary: Path) -> int:
    """Keep the crew at work for so long, killing one now and then. Returns how many were killed."""
    crew = [(role, launch("--role", role, "--seed", str(dice.random()), "--diary", str(diary))) for role in CREW]
    killed, end = 0, time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            time.sleep(KILL_EVERY)
            place = dice.randrange(len(crew))
            role, victim = crew[place]
            victim.kill()
            victim.wait()
            killed += 1
            crew[place] = (role, launch("--role", role, "--seed", str(dice.random()), "--diary", str(diary)))
    finally:
        for _, worker in crew:
            worker.terminate()
        for _, worker in crew:
            worker.wait()
    return killed


def work(role: str, seed: str, diary: Path) -> None:
    """One worker: act after act until stopped, each noted in the diary with its outcome."""
    from bench import storming  # noqa: PLC0415  # (Django is set up only in workers)

    dice = random.Random(seed)
    with diary.open("a") as notes:
        while True:
            try:
                outcome = storming.act(role, dice)
            except Exception:
                outcome = "FAILED " + " | ".join(traceback.format_exc().splitlines()[-3:])
                traceback.print_exc()
            notes.write(f"{outcome}\n")
            notes.flush()


def judge(diary: Path, killed: int) -> int:
    """Settle, print what was done and what is wrong; how many things are."""
    from bench import storming  # noqa: PLC0415

    storming.settle()
    acts = Counter(diary.read_text().splitlines())
    failures = [f"{count} x {what}" for what, count in acts.items() if what.startswith("FAILED")]
    print("\n".join(f"{count:7,} {what}" for what, count in sorted(acts.items()) if not what.startswith("FAILED")))
    print("\n".join(f"{count:7,} {what}" for what, count in storming.facts().items()))
    with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
        row = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    print(f"{row[0] if row else 0:7,} deadlocks, {killed} workers killed")
    found = failures + storming.violations()
    print("\n".join(["", *(f"VIOLATION {one[:600]}" for one in found)]) if found else "\nNo violation.")
    return len(found)


def set_up(folder: str, *, throwaway: bool = True) -> embedded.EmbeddedServer:
    """The server, migrated, with its address where the settings look for it."""
    Path(folder).chmod(0o711)  # (PostgreSQL runs as another account and must reach its own folder)
    server = embedded.EmbeddedServer(Place(Path(folder)), throwaway=throwaway)
    server.start()
    database.prepare_cluster(server.socket)
    owner, product = (embedded.url(server.socket, role, database.NAME) for role in (embedded.OWNER, embedded.APP))
    database.prepare_database(owner, product)
    os.environ |= {
        "ASSAY_DATA_DIR": folder, "SECRET_KEY": "x" * 50, "DJANGO_SETTINGS_MODULE": "mdm.settings",
        "CELERY_BROKER_URL": "memory://", "ASSAY_LOG_LEVEL": "ERROR",
    }  # fmt: skip
    manage = str(Path(__file__).resolve().parent.parent / "manage.py")
    subprocess.run(
        [sys.executable, manage, "migrate", "-v0"], check=True, env={**os.environ, "DATABASE_URL": owner}, timeout=300
    )
    os.environ["DATABASE_URL"] = product
    return server


def main() -> int:
    """Read the arguments; be the storm or one of its workers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--role", help=argparse.SUPPRESS)
    parser.add_argument("--diary", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.role:
        django_ready()
        work(given.role, given.seed, given.diary)
    with tempfile.TemporaryDirectory() as folder:
        server = set_up(folder)
        try:
            django_ready()
            from bench import storming  # noqa: PLC0415

            storming.prepare()
            diary = Path(folder) / "diary"
            diary.touch()
            killed = rage(given.seconds, random.Random(given.seed), diary)
            return 1 if judge(diary, killed) else 0
        finally:
            server.stop()


def django_ready() -> None:
    """Django is set up with what the environment says by now."""
    import django  # noqa: PLC0415

    django.setup()


if __name__ == "__main__":
    sys.exit(main())
