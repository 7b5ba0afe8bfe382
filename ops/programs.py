"""The programs of a running Assay, in the order they are started; they are stopped by stage."""

import sys

from ops.children import Program
from ops.place import PROJECT_DIR

PYTHON = sys.executable
MANAGE = [PYTHON, str(PROJECT_DIR / "manage.py")]
CELERY = [PYTHON, "-m", "celery", "--quiet", "-A", "mdm.celery"]
WORKER = [*CELERY, "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle", "--without-heartbeat"]

WEB, BEAT, WORKERS, RECEIVERS = "web", "beat", ("worker", "publisher"), "receivers"
SEQUENCERS = ("sequencer", "standby")  # one numbers; the other takes over within a second, also where one hangs
# First nobody asks, then nobody reminds, then work ends, then numbering, then those who listen.
STOP_STAGES: list[tuple[str, ...]] = [("demo", WEB), (BEAT,), WORKERS, SEQUENCERS, (RECEIVERS,)]


def lasting(host: str, port: int, *, demo: bool) -> list[Program]:
    """Every program that runs until Assay is stopped."""
    web = [PYTHON, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port), "--workers", "2"]
    # Up to 40 of them wait for the feed (api.waiting); connections to the database are shared (mdm.wsgi).
    web += ["--blocking-threads", "48", "--workers-kill-timeout", "5", "--respawn-failed-workers"]
    web += ["--log-level", "warning", "--no-access-log", "mdm.wsgi:application"]
    programs = [
        Program(WEB, web),
        Program(
            WORKERS[0],
            [*WORKER, "-n", "worker@%h", "-Q", "interactive,import,match,maintenance", "-P", "prefork", "-c", "1"],
        ),
        Program(WORKERS[1], [*WORKER, "-n", "publisher@%h", "-Q", "publish", "-P", "threads", "-c", "8"]),
        *(Program(name, [*MANAGE, "run_sequencer"]) for name in SEQUENCERS),
        # The schedule is in the settings and nothing has to be remembered, so beat keeps no file.
        Program(BEAT, [*CELERY, "beat", "--loglevel", "INFO", "--scheduler", "celery.beat:Scheduler", "--pidfile="]),
    ]
    if demo:
        programs.append(Program(RECEIVERS, [PYTHON, "-m", "demo.receivers"]))
    return programs


def load_demo() -> Program:
    """Loads the demo once; it may be run again."""
    return Program("demo", [*MANAGE, "load_demo"], once=True)


def collect_static() -> list[str]:
    """Puts the pages' files where the web server finds them."""
    return [*MANAGE, "collectstatic", "--no-input", "--verbosity", "0", "--clear"]
