"""Fifteen real exports, imported, matched and mastered to the end: seconds and peak memory, on an embedded PostgreSQL.

    python -m bench.scenario FOLDER [--score SCORER]

FOLDER holds the export files (and their truth.csv, for the scorer). SCORER is a program called with the folder and the
crosswalk as CSV (domain, source_file, source_key, cluster_id). Nothing is kept: the database is thrown away.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


def descendants(root: int) -> Iterator[int]:
    """The process and everything it started, as /proc shows it now."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        yield pid
        waiting += parents.get(pid, [])


def peak_memory(pid: int) -> tuple[str, int]:
    """Name and peak resident MB of a process; of PostgreSQL only what is its own, as shared buffers are shared."""
    name = Path(f"/proc/{pid}/comm").read_text().strip()
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    field = "RssAnon" if name == "postgres" else "VmHWM"
    return name, int(lines[field].split()[0]) // 1024


def watch(root: int, peaks: dict[str, int], over: threading.Event) -> None:
    """Keep the largest peak per program name until told to stop."""
    while not over.wait(0.2):
        for pid in descendants(root):
            try:
                name, megabytes = peak_memory(pid)
            except (OSError, KeyError):
                continue
            peaks[name] = max(peaks.get(name, 0), megabytes)


def run(*words: str, env: dict[str, str], peaks: dict[str, int] | None = None) -> str:
    """Run manage.py with these words; its output, printed when it fails."""
    with subprocess.Popen([sys.executable, str(MANAGE), *words], env=env, stdout=subprocess.PIPE, text=True) as child:
        over = threading.Event()
        watcher = threading.Thread(target=watch, args=(child.pid, peaks if peaks is not None else {}, over))
        watcher.start()
        output = child.communicate()[0]
        over.set()
        watcher.join()
    if child.returncode:
        sys.exit(f"{words[0]} failed:\n{output}")
    return output


def main() -> None:
    """Measure once and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--score", type=Path, help="a program called with FOLDER and the crosswalk")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        Path(scratch).chmod(0o711)  # (PostgreSQL runs as another account and must reach its own folder)
        env = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "SECRET_KEY")}
        env["ASSAY_DATA_DIR"] = str(Path(scratch) / "data")
        run("migrate", env=env)
        peaks: dict[str, int] = {}
        began = time.monotonic()
        output = run("import_folder", str(options.folder), env=env, peaks=peaks)
        seconds = time.monotonic() - began
        print("\n".join(line for line in output.splitlines() if "rows decided" in line or line.startswith("Total")))
        print(f"imported, matched and mastered in {seconds:.1f} s")
        print("peak memory: " + ", ".join(f"{name} {megabytes} MB" for name, megabytes in sorted(peaks.items())))
        print(run("rebuild_golden", "--check", env=env).strip().splitlines()[-1])
        print(run("verify_log", env=env).strip().splitlines()[-1])
        if options.score:
            crosswalk = Path(scratch) / "crosswalk.csv"
            run("export_crosswalk", str(crosswalk), env=env)
            subprocess.run([sys.executable, str(options.score), str(options.folder), str(crosswalk)], check=True)


if __name__ == "__main__":
    main()
