"""A TCP proxy that does to a connection what networks do: delay, swallow, reset, cut, drip, come and go.

Runs on a thread of its own; every setting may be changed while it runs and holds for connections already open.
"""

import asyncio
import contextlib
import random
import socket
import struct
import threading
import time
from dataclasses import dataclass, replace
from typing import Any, Self

LINGER_NOTHING = struct.pack("ii", 1, 0)  # closing sends RST and throws away what was not sent


@dataclass(frozen=True)
class Weather:
    """How the line behaves. ``state`` is pass, refuse (nobody listens), black_hole (taken and swallowed) or reset.

    ``cut_after`` ends a connection after so many bytes of the answer, ``bytes_per_second`` drips the answer.
    """

    state: str = "pass"
    latency: float = 0.0
    jitter: float = 0.0
    cut_after: int | None = None
    bytes_per_second: float | None = None


class Proxy:
    """127.0.0.1:port in front of 127.0.0.1:target_port. Use as a context."""

    def __init__(self, target_port: int, port: int = 0, seed: int = 0) -> None:
        self.target_port, self.port = target_port, port
        self.weather = Weather()
        self.dice = random.Random(seed)
        self.accepted = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._server: asyncio.Server | None = None
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the proxy did not start")
        return self

    def __exit__(self, *exc: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def set(self, **given: Any) -> None:
        """Change the weather: what is not named stays as it is. ``refuse`` and ``reset`` also end open connections."""
        self.weather = replace(self.weather, **given)
        self._loop.call_soon_threadsafe(self._apply)

    def reset_all(self) -> None:
        """Every open connection gets RST; new ones are taken as before."""
        self._loop.call_soon_threadsafe(self._reset_open)

    def schedule(self, *steps: tuple[float, str]) -> threading.Thread:
        """Go through (seconds, state) steps on a thread: `schedule((2, "refuse"), (1, "pass"))`."""

        def walk() -> None:
            for seconds, state in steps:
                self.set(state=state)
                time.sleep(seconds)

        thread = threading.Thread(target=walk, daemon=True)
        thread.start()
        return thread

    # ---- on the loop's thread -----------------------------------------------------------------------

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._listen())
        self._ready.set()
        self._loop.run_forever()
        if self._server:
            self._server.close()
        self._reset_open()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0.01))
        self._loop.close()

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self.port, reuse_address=True, backlog=512)
        self.port = self._server.sockets[0].getsockname()[1]

    def _apply(self) -> None:
        if self.weather.state in ("refuse", "reset"):
            self._reset_open()
        listening = self._server is not None
        if self.weather.state == "refuse" and self._server:
            self._server.close()
            self._server = None
        elif self.weather.state != "refuse" and not listening:
            self._loop.create_task(self._listen())

    def _reset_open(self) -> None:
        for writer in list(self._open):
            _reset(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._open.add(writer)
        try:
            if self.weather.state == "reset":
                _reset(writer)
                return
            inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self.target_port)
        except OSError:
            _reset(writer)
            self._open.discard(writer)
            return
        self._open.add(inner_writer)
        try:
            ends = [
                asyncio.create_task(self._pump(reader, inner_writer, answer=False)),
                asyncio.create_task(self._pump(inner_reader, writer, answer=True)),
            ]
            with contextlib.suppress(asyncio.CancelledError):  # the proxy is closed
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            for end in ends:
                end.cancel()
        finally:
            for one in (writer, inner_writer):
                self._open.discard(one)
                with contextlib.suppress(Exception):
                    one.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answer: bool) -> None:
        carried = 0
        with contextlib.suppress(ConnectionError, OSError):
            while chunk := await reader.read(65536):
                weather = self.weather
                if weather.latency or weather.jitter:
                    await asyncio.sleep(max(0.0, weather.latency + self.dice.uniform(-1, 1) * weather.jitter))
                if self.weather.state == "black_hole":
                    continue
                if answer and weather.cut_after is not None and carried + len(chunk) > weather.cut_after:
                    writer.write(chunk[: weather.cut_after - carried])
                    await writer.drain()
                    _reset(writer)
                    return
                carried += len(chunk)
                if answer and weather.bytes_per_second:
                    await self._drip(writer, chunk, weather.bytes_per_second)
                else:
                    writer.write(chunk)
                    await writer.drain()

    async def _drip(self, writer: asyncio.StreamWriter, chunk: bytes, rate: float) -> None:
        for place in range(len(chunk)):
            writer.write(chunk[place : place + 1])
            await writer.drain()
            await asyncio.sleep(1 / rate)


def _reset(writer: asyncio.StreamWriter) -> None:
    found: socket.socket | None = writer.get_extra_info("socket")
    with contextlib.suppress(OSError):
        if found is not None:
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOTHING)
    writer.transport.abort()
