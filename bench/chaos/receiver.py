"""A target on the loopback that writes down every call before it answers, and misbehaves as it is told.

    python -m bench.chaos.receiver PORT DIARY CONFIG

A program of its own, so that it can be killed; what it took is in DIARY (one JSON line a call, appended in one write),
and it reads that file when it starts again. CONFIG holds the signing secrets and first faults by endpoint; the first
part of the path names the endpoint. `POST /_rig/faults` changes faults while it runs, `GET /_rig/state` counts.

The shared core has no room for a web framework: requests are read by hand, about 8,000 a second.
"""

import asyncio
import hashlib
import os
import random
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

REASONS = {200: "OK", 302: "Found", 410: "Gone", 422: "Unprocessable", 429: "Too Many Requests", 500: "Broken"}
PLAIN = {"ok": 200, "500": 500, "410": 410, "429": 429, "302": 302}


@dataclass
class Answer:
    """What is said, and when; ``code`` 0 says nothing at all."""

    code: int
    after: float = 0.0
    headers: str = ""
    body: bytes = b""


@dataclass
class Memory:
    """What this target believes: the ids it has taken, and of each record the newest version and its content."""

    secrets: dict[str, list[str]] = field(default_factory=dict)
    faults: dict[str, dict[str, Any]] = field(default_factory=dict)
    taken: set[tuple[str, str]] = field(default_factory=set)
    held: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    calls: int = 0

    def take(self, line: dict[str, Any]) -> None:
        """An accepted call has its effect once, and only forward."""
        key = (line["e"], line["id"])
        if line["c"] != 200 or line.get("fake") or key in self.taken:
            return
        self.taken.add(key)
        place = (line["e"], line["rec"])
        if line["v"] >= self.held.get(place, (0, ""))[0]:
            self.held[place] = (line["v"], line["content"])


def content_of(data: dict[str, Any]) -> str:
    """A hash of everything a target would store of a record."""
    kept = {name: data.get(name) for name in ("state", "title", "attributes", "parts", "extension", "merged_into")}
    return hashlib.sha256(orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def references_of(data: dict[str, Any]) -> list[str]:
    """The ids of the records this one names in its attributes."""
    values = (data.get("attributes") or {}).values()
    return [str(value["record"]) for value in values if isinstance(value, dict) and value.get("record")]


def understood(headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """Id, record, version and numbers of a message, webhook or REST push."""
    try:
        message = orjson.loads(body)
    except ValueError:
        return {"id": "", "rec": "", "v": 0, "content": "", "type": "unreadable"}
    data = message.get("data") if "specversion" in message else message
    data = data if isinstance(data, dict) else {}
    return {
        "id": headers.get("webhook-id") or headers.get("idempotency-key") or "",
        "rec": str(message.get("subject") or message.get("id") or ""),
        "v": int(message.get("recordversion") or message.get("version") or 0),
        "n": message.get("lanenumber") or int(headers.get("webhook-number") or 0) or None,
        "s": int(message.get("sequence") or headers.get("webhook-sequence") or 0),
        "type": str(message.get("type") or "push"),
        "content": content_of(data),
        "refs": references_of(data),
        "challenge": data.get("challenge"),
    }


class Target:
    """All endpoints of one port."""

    def __init__(self, diary: Path, config: Path) -> None:
        told = orjson.loads(config.read_bytes())
        self.memory = Memory(secrets=told.get("secrets", {}), faults=told.get("faults", {}))
        if diary.exists():
            for line in diary.read_bytes().splitlines():
                self.memory.take(orjson.loads(line))
        self.file = os.open(diary, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """Write the call down and decide what to say."""
        if path.startswith("/_rig/"):
            return self._told(path, body)
        endpoint = path.split("/", 2)[1]
        found = understood(headers, body) if body else {"id": "", "rec": "", "v": 0, "content": "", "type": "probe"}
        self.memory.calls += 1
        answer, fake = self._choose(endpoint, found)
        challenge = found.pop("challenge", None)
        if challenge and answer.code == 200:
            answer.body = orjson.dumps({"challenge": challenge})
        line = {
            "t": time.time(), "e": endpoint, **found, "h": hashlib.sha256(body).hexdigest(), "m": method,
            "ok": self._verified(endpoint, headers, body), "c": answer.code, "try": headers.get("webhook-attempt"),
            "replay": headers.get("webhook-replay") or "",
        }  # fmt: skip
        if fake:
            line["fake"] = True
        os.write(self.file, orjson.dumps(line) + b"\n")
        self.memory.take(line)
        return answer

    def _choose(self, endpoint: str, found: dict[str, Any]) -> tuple[Answer, bool]:
        fault = self.memory.faults.get(endpoint) or {}
        kind = str(fault.get("kind", "ok"))
        wait = float(fault.get("seconds", 0)) + random.uniform(0, float(fault.get("jitter", 0)))
        if kind == "hang":
            return Answer(0), False
        if found["rec"] in fault.get("refused", ()):
            return Answer(422, wait, body=b'{"title": "This record is not wanted here"}'), False
        if kind == "drop" and random.random() < float(fault.get("share", 1)):
            return Answer(200, wait, body=b'{"id": "lost"}'), True
        code = PLAIN.get(kind, 200)
        if code == 200 and random.random() < float(fault.get("broken", 0)):
            code = 500
        headers = f"retry-after: {fault['retry_after']}\r\n" if "retry_after" in fault and code != 200 else ""
        if code == 302:
            headers += f"location: {fault.get('location', '/elsewhere')}\r\n"
        body = orjson.dumps({"id": f"L-{found['rec'][:13]}"}) if code == 200 else b'{"title": "As told"}'
        return Answer(code, wait, headers, body), False

    def _verified(self, endpoint: str, headers: dict[str, str], body: bytes) -> bool | None:
        """Whether one of the known secrets verifies the call; None where nothing is signed."""
        if "webhook-signature" not in headers:
            return None
        for secret in self.memory.secrets.get(endpoint, ()):
            try:
                Webhook(secret).verify(body, headers)
            except WebhookVerificationError:
                continue
            return True
        return False

    def _told(self, path: str, body: bytes) -> Answer:
        memory = self.memory
        if path == "/_rig/faults":
            memory.faults.update(orjson.loads(body))
        elif path == "/_rig/secrets":
            memory.secrets.update(orjson.loads(body))
        held: dict[str, int] = {}
        for endpoint, _ in memory.held:
            held[endpoint] = held.get(endpoint, 0) + 1
        return Answer(200, body=orjson.dumps({"calls": memory.calls, "taken": len(memory.taken), "held": held}))


class Connection(asyncio.Protocol):
    """One kept-alive connection; the caller waits for each answer, so there is never more than one to give."""

    def __init__(self, target: Target) -> None:
        self.target = target
        self.buffer = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end].decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
            size = int(headers.get("content-length", 0))
            if len(self.buffer) < end + 4 + size:
                return
            body, self.buffer = self.buffer[end + 4 : end + 4 + size], self.buffer[end + 4 + size :]
            method, path, _ = head[0].split(" ", 2)
            self._say(self.target.answer(method, path, headers, body))

    def _say(self, answer: Answer) -> None:
        if not answer.code:
            return
        reason = REASONS.get(answer.code, "Answer")
        text = f"HTTP/1.1 {answer.code} {reason}\r\ncontent-length: {len(answer.body)}\r\n{answer.headers}\r\n"
        raw = text.encode() + answer.body
        if answer.after:
            asyncio.get_running_loop().call_later(answer.after, self._write, raw)
        else:
            self._write(raw)

    def _write(self, raw: bytes) -> None:
        if self.transport and not self.transport.is_closing():
            self.transport.write(raw)


async def listen(port: int, target: Target) -> None:
    """Answer until told to stop."""
    loop = asyncio.get_running_loop()
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    server = await loop.create_server(lambda: Connection(target), "127.0.0.1", port, backlog=512, reuse_address=True)
    print("listening", flush=True)
    await over.wait()
    server.close()


if __name__ == "__main__":
    asyncio.run(listen(int(sys.argv[1]), Target(Path(sys.argv[2]), Path(sys.argv[3]))))
