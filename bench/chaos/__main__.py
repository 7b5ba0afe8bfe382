"""Try to break the promises of the log and of publishing, and print what came of it.

    python -m bench.chaos [--quick] [--seed N] [--only feed,lanes] [--json FILE] [--keep FOLDER] [--sabotage WHAT]

Real programs on a PostgreSQL of the rig's own (or the one DATABASE_URL names, where nothing kills the server) are
loaded, killed, frozen and cut off; afterwards a ledger compares writers, log, receivers and holdings. Exit code 1 on
any violation. `--sabotage` breaks one thing on purpose, to see that the rig reports it.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

SABOTAGE = ("lost-event", "duplicate-body", "reorder")  # in feed, lanes and kills
KEY = "1:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer changes and faults: some minutes")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--only", default="", help="names of scenarios, comma-separated")
    parser.add_argument("--json", type=Path, help="also write the rows there")
    parser.add_argument("--keep", type=Path, help="leave diaries and logs in this new folder")
    parser.add_argument("--sabotage", default="", choices=SABOTAGE, help="break this on purpose; it must be found")
    return parser.parse_args()


def main() -> int:
    """Run the scenarios one after another."""
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="assay-chaos-") as scratch:
        folder = given.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o711)
        (folder / "keys").write_text(KEY + "\n")
        os.environ |= {
            "ASSAY_DATA_DIR": str(folder), "SECRET_KEY": "chaos" * 10, "ASSAY_KEYS_FILE": str(folder / "keys"),
            "ASSAY_ALLOWED_NETWORKS": "127.0.0.0/8", "ASSAY_DEMO": "0", "CELERY_BROKER_URL": "memory://",
            "ASSAY_LOG_LEVEL": "ERROR", "DJANGO_SETTINGS_MODULE": "mdm.settings",
        }  # fmt: skip
        address = os.environ.get("DATABASE_URL", "")
        os.environ["DATABASE_URL"] = address or "postgresql:///not-chosen-yet"
        import django  # noqa: PLC0415 - settings read what was put into the environment above

        django.setup()
        from bench.chaos.conductor import conduct  # noqa: PLC0415 - models exist from here on

        return conduct(given, folder, address)


if __name__ == "__main__":
    sys.exit(main())
