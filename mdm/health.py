"""`GET /healthz`: is this installation ready to be used?"""

import json
import logging
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse

READY = "ready"
PROGRAMS = ("sequencer", "publisher", "worker", "beat")
# As mdm.liveness judges; logging is configured with this module before there are models.
LIVING = "SELECT split_part(name, '@', 1) FROM mdm_heartbeat WHERE beat_at > clock_timestamp() - interval '15 seconds'"


class Unremarkable(logging.Filter):
    """Keeps "not yet" answers of /healthz out of the log: whoever asked has heard it."""

    def filter(self, record: logging.LogRecord) -> bool:
        return getattr(getattr(record, "request", None), "path", "") != "/healthz"


class HealthMiddleware:
    """Answers /healthz before hosts, redirects and sessions come into play.

    200 with state `ready` once the database is migrated and, where the demo is wanted, loaded; else 503.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path == "/healthz":
            return healthz()
        return self.get_response(request)


def healthz() -> HttpResponse:
    """State, single checks and which programs live, as JSON; reads only, never raises.

    A program that does not live makes nothing unready: pages and API answer, and its work waits.
    """
    checks = {"database": False, "migrated": False, "demo": False}
    programs = dict.fromkeys(PROGRAMS, False)
    try:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT to_regclass('mdm_goldenrecord'), to_regclass('launcher.note'), to_regclass('mdm_heartbeat')"
            )
            golden, notes, heartbeats = cursor.fetchone()
            checks |= {"database": True, "migrated": golden is not None}
            if notes is not None:
                cursor.execute("SELECT EXISTS (SELECT FROM launcher.note WHERE name = 'demo')")
                checks["demo"] = bool(cursor.fetchone()[0])
            if heartbeats is not None:
                cursor.execute(LIVING)
                living = {kind for (kind,) in cursor.fetchall()}
                programs = {kind: kind in living for kind in PROGRAMS}
    except DatabaseError:
        connection.close()
    state = overall(checks, wants_demo=settings.DEMO)
    body = json.dumps({"state": state, "checks": checks, "programs": programs})
    return HttpResponse(
        body,
        content_type="application/json",
        status=200 if state == READY else 503,
        headers={"Cache-Control": "no-store"},
    )


def overall(checks: dict[str, bool], *, wants_demo: bool) -> str:
    """One word for the whole: `ready`, or what is still awaited (`database`, `migrating`, `loading`)."""
    if not checks["database"]:
        return "database"
    if not checks["migrated"]:
        return "migrating"
    if wants_demo and not checks["demo"]:
        return "loading"
    return READY
