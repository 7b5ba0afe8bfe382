"""Readers of the feed, as a program of their own: what they saw, in order, is one line an event in their diary.

    python -m bench.chaos.readers api --diary FILE --port 8000 --token TOKEN [--wait 5] [--pause 0.02]
    python -m bench.chaos.readers listen --diary FILE

``api`` is a consumer as integrators write them: GET /api/v1/changes from the start, page after page by cursor, as JSON.
It notes (t, sequence, id, record, version) and every answer that was no page. ``listen`` reads the log's numbers right
behind the sequencer's notification: what it notes is how late a committed change becomes visible.
"""

import argparse
import http.client
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlencode

import orjson
import psycopg

CHANNEL = "assay_log"


class Stop(Exception):
    """The rig asks the reader to end."""


def follow(page: Callable[[str], tuple[int, dict[str, Any]]], diary: BinaryIO, pause: float) -> None:
    """Page after page for ever; a page is written down whole before its cursor is used."""
    cursor = ""
    while True:
        try:
            code, answer = page(cursor)
        except OSError as error:
            note(diary, {"t": time.time(), "trouble": type(error).__name__})
            time.sleep(0.2)
            continue
        moment = time.time()
        if code != 200:
            note(diary, {"t": moment, "refused": code, "code": answer.get("code", "")})
            time.sleep(0.5)
            continue
        lines = [
            orjson.dumps(
                {"t": moment, "s": one["sequence"], "id": one["id"], "rec": one["record"], "v": one["version"]}
            )
            for one in answer["items"]
        ]
        if lines:
            diary.write(b"\n".join(lines) + b"\n")
            diary.flush()
        cursor = answer["next_cursor"]
        if not answer["has_more"]:
            time.sleep(pause)


def note(diary: BinaryIO, line: dict[str, Any]) -> None:
    """One line."""
    diary.write(orjson.dumps(line) + b"\n")
    diary.flush()


class Api:
    """One kept-alive connection to the API, made again after trouble."""

    def __init__(self, port: int, token: str, wait: int, limit: int) -> None:
        self.port, self.token, self.wait, self.limit = port, token, wait, limit
        self.connection: http.client.HTTPConnection | None = None

    def page(self, cursor: str) -> tuple[int, dict[str, Any]]:
        """The page after the cursor. Raises OSError."""
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        words = {"limit": self.limit, "wait": self.wait} | ({"cursor": cursor} if cursor else {})
        try:
            self.connection.request(
                "GET", f"/api/v1/changes?{urlencode(words)}", headers={"authorization": f"Bearer {self.token}"}
            )
            answer = self.connection.getresponse()
            raw = answer.read()
            return answer.status, orjson.loads(raw)
        except (http.client.HTTPException, ValueError) as error:
            self.connection = None
            raise OSError(str(error)) from error
        except OSError:
            self.connection = None
            raise


def listen(diary: BinaryIO, url: str) -> None:
    """Every number once it is visible, with the time."""
    last = 0
    while True:
        try:
            with psycopg.connect(url, autocommit=True, application_name="chaos-listener") as connection:
                connection.execute(f"LISTEN {CHANNEL}")
                while True:
                    rows = connection.execute(
                        "SELECT seq, uid::text, record_id::text, version FROM mdm_changeevent WHERE seq > %s "
                        "ORDER BY seq LIMIT 5000", [last]
                    ).fetchall()  # fmt: skip
                    moment = time.time()
                    if rows:
                        last = rows[-1][0]
                        diary.write(
                            b"".join(
                                orjson.dumps({"t": moment, "s": seq, "id": uid, "rec": record, "v": version}) + b"\n"
                                for seq, uid, record, version in rows
                            )
                        )
                        diary.flush()
                    else:
                        for _ in connection.notifies(timeout=1, stop_after=1):
                            pass
        except psycopg.Error as error:
            note(diary, {"t": time.time(), "trouble": type(error).__name__})
            time.sleep(0.2)


def end(*_: object) -> None:
    """SIGTERM: whatever is written is written."""
    raise Stop


def main() -> int:
    """Read the words and read the feed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["api", "listen"])
    parser.add_argument("--diary", type=Path, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default="")
    parser.add_argument("--wait", type=int, default=5)
    parser.add_argument("--limit", type=int, default=1000)
    parser.add_argument("--pause", type=float, default=0.05)
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, end)
    with given.diary.open("ab") as diary:
        try:
            if given.kind == "listen":
                listen(diary, os.environ["DATABASE_URL"])
            else:
                follow(Api(given.port, given.token, given.wait, given.limit).page, diary, given.pause)
        except Stop:
            return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
