"""A receiver to copy from: `pip install standardwebhooks`, `python receiver.py --secret whsec_... [--port 8099]`.
Give `--feed URL --token TOKEN` as well and it heals its own gaps."""

import argparse
import json
import sqlite3
import threading
import time
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

SCHEMA = """
CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY, number INTEGER, sequence INTEGER, epoch TEXT, at REAL);
CREATE INDEX IF NOT EXISTS seen_number ON seen (epoch, number);
CREATE TABLE IF NOT EXISTS record (id TEXT PRIMARY KEY, version INTEGER, state TEXT, merged_into TEXT, body TEXT,
                                   local_id INTEGER UNIQUE, effects INTEGER);
"""
GRACE_SECONDS = 30  # messages of different records may overtake one another: only then is a number missing


class Store:
    """Records and the ids of messages, in one file: an effect and its id are one transaction."""

    def __init__(self, file: str) -> None:
        self.lock = threading.Lock()
        self.db = sqlite3.connect(file, check_same_thread=False, isolation_level=None)
        self.db.executescript(SCHEMA)

    def take(self, message: dict, replayed: bool = False) -> str:
        """Apply a message once, or anew where it is marked as sent again; answer with our own id of the record."""
        record = message["data"]
        with self.lock, self.db:  # commits, or rolls back as a whole
            self.db.execute("BEGIN IMMEDIATE")
            place = (message["id"], message.get("lanenumber"), int(message["sequence"]), message["epoch"], time.time())
            first = self.db.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?, ?, ?)", place).rowcount
            if (first or replayed) and message["type"].endswith(".v1"):  # a type we do not know is news, no mistake
                self.apply(record, replayed)
        return self.local_id(record["id"])

    def apply(self, record: dict, replayed: bool = False) -> None:
        """Store the record unless we hold that version; sent again, that version mends it. Call in a transaction."""
        row = *(record[name] for name in ("id", "version", "state", "merged_into")), json.dumps(record), replayed
        self.db.execute(
            "INSERT INTO record SELECT ?, ?, ?, ?, ?, coalesce(max(local_id), 0) + 1, 1 FROM record WHERE true "
            "ON CONFLICT (id) DO UPDATE SET version = excluded.version, state = excluded.state, "
            "merged_into = excluded.merged_into, body = excluded.body, effects = effects + 1 "
            "WHERE excluded.version > version OR (? AND excluded.version = version AND ("
            "excluded.state, excluded.merged_into, excluded.body) IS NOT (state, merged_into, body))", row)  # fmt: skip

    def local_id(self, record_id: str) -> str:
        row = self.db.execute("SELECT local_id FROM record WHERE id = ?", (record_id,)).fetchone()
        return f"R-{row[0]:06d}" if row else ""

    def shown(self, record_id: str) -> dict | None:
        names = "id", "version", "state", "merged_into", "effects"
        row = self.db.execute("SELECT id, version, state, merged_into, effects FROM record WHERE id = ?",
                              (record_id,)).fetchone()  # fmt: skip
        return dict(zip(names, row, strict=True)) | {"local_id": self.local_id(record_id)} if row else None

    def missing(self, older_than: float) -> list[tuple[str, int, int]]:
        """(epoch, sequence before, sequence after) of every gap in the numbers of our lane."""
        with self.lock:
            return self.db.execute(
                "SELECT epoch, sequence, later FROM (SELECT epoch, number, sequence, "
                "lead(number) OVER o AS next, lead(sequence) OVER o AS later, lead(at) OVER o AS at "
                "FROM seen WHERE number IS NOT NULL WINDOW o AS (PARTITION BY epoch ORDER BY number)) "
                "WHERE next > number + 1 AND at < ?", (time.time() - older_than,)).fetchall()  # fmt: skip


def heal(store: Store, feed: str, token: str, after: int, through: int) -> None:
    """Read what we missed from the change feed: the same facts, proven complete by `through_sequence`."""
    question = {"after_sequence": str(after)}
    while True:
        url = f"{feed}/api/v1/changes?{urllib.parse.urlencode({**question, 'limit': 1000})}"
        with urllib.request.urlopen(urllib.request.Request(url, headers={"authorization": f"Bearer {token}"})) as page:
            found = json.load(page)
        with store.lock, store.db:
            store.db.execute("BEGIN IMMEDIATE")
            for event in found["items"]:
                store.apply(event | {"id": event["record"]})
        if found["through_sequence"] >= through or not found["has_more"]:
            return
        question = {"cursor": found["next_cursor"]}


def watch(store: Store, feed: str, token: str) -> None:
    """Close every gap that has stood for a while; a gap is read once."""
    healed = set()
    while True:
        for gap in store.missing(GRACE_SECONDS):
            if gap not in healed:
                heal(store, feed, token, *sorted(gap[1:]))
                healed.add(gap)
        time.sleep(5)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store
    secrets: list[str]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))  # the exact bytes: these are signed
        if not any(self.verifies(secret, body) for secret in self.secrets):
            return self.answer(401, {"title": "The signature is not ours, or too old"})
        message = json.loads(body)
        if message["type"] == "assay.ping.v1":
            return self.answer(200, {"challenge": message["data"]["challenge"]})
        if message["type"] == "assay.test.v1":
            return self.answer(200, {"note": "A test: read, and not kept"})
        return self.answer(200, {"id": self.store.take(message, "webhook-replay" in self.headers)})

    def verifies(self, secret: str, body: bytes) -> bool:
        try:
            Webhook(secret).verify(body, {name.lower(): value for name, value in self.headers.items()})
        except (WebhookVerificationError, ValueError):
            return False
        return True

    def do_GET(self) -> None:
        """What we hold of a record, and our gaps: for tests, not for the world."""
        if self.path == "/gaps":
            return self.answer(200, {"gaps": self.store.missing(0)})
        held = self.store.shown(self.path.rpartition("/")[2])
        return self.answer(200 if held else 404, held or {"title": "Not held"})

    def answer(self, code: int, document: dict) -> None:
        body = json.dumps(document).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8099)
    parser.add_argument("--secret", action="append", required=True, help="whsec_...; twice while they are changed")
    parser.add_argument("--file", default="receiver.sqlite3")
    parser.add_argument("--feed", help="address of Assay, to heal gaps from")
    parser.add_argument("--token", help="token of a client with feed:read")
    given = parser.parse_args()
    Handler.store, Handler.secrets = Store(given.file), given.secret
    if given.feed:
        threading.Thread(target=watch, args=(Handler.store, given.feed, given.token), daemon=True).start()
    ThreadingHTTPServer(("127.0.0.1", given.port), Handler).serve_forever()
