"""SFTP: one connection on a thread of its own, to the judged address of a server that shows the confirmed key.

The caller's thread waits in slices and renews its claim meanwhile; nothing here touches the database.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine, Sequence
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from publishing.files.naming import PART
from publishing.files.places import PlaceFailed, Tick
from publishing.files.reaching import Unreached, connected

T = TypeVar("T")
SLICE_SECONDS = 1.0
CLOSE_SECONDS = 3.0
TURNS_TO_CLOSE = 5  # of the loop, until a closed transport has let go of its socket
BLOCK = 128 * 1024
PRIVATE_KEY = "-----BEGIN"


@dataclass(frozen=True)
class Login:
    """How to get there, with the secret opened; lives in memory only. ``secret`` is a password or a private key."""

    host: str
    port: int
    user: str
    host_key: str
    secret: str = field(repr=False)
    seconds: float = 20.0


@dataclass(frozen=True)
class HostKey:
    """The key a server shows: ``text`` as it is kept, ``fingerprint`` as people compare it."""

    text: str
    fingerprint: str
    algorithm: str


def fetch_host_key(host: str, port: int, *, allowed: Sequence[str], seconds: float = 10.0) -> HostKey:
    """The key the server shows now, for a person to compare and confirm. Signs in nowhere. Raises PlaceFailed."""

    async def ask() -> asyncssh.SSHKey | None:
        connection = connected(host, port, seconds=seconds, allowed=allowed)
        try:
            return await asyncio.wait_for(asyncssh.get_server_host_key(sock=connection, config=None), seconds)
        finally:
            await _hang_up()

    try:
        key = asyncio.run(ask())
    except (Unreached, OSError, asyncssh.Error, TimeoutError) as error:
        raise _failed(error) from error
    if key is None:
        raise PlaceFailed("broken", f"{host} shows no key.")
    return _shown(key)


def read_host_key(text: str) -> HostKey:
    """A kept key. Raises ValueError where it is none."""
    try:
        return _shown(asyncssh.import_public_key(text))
    except asyncssh.KeyImportError as error:
        raise ValueError(
            "This is no public key of a server; it begins with ssh-ed25519, ssh-rsa or the like."
        ) from error


def _shown(key: asyncssh.SSHKey) -> HostKey:
    text = " ".join(key.export_public_key("openssh").decode().split()[:2])
    return HostKey(text, key.get_fingerprint("sha256"), key.get_algorithm())


def problem_of_secret(secret: str) -> str:
    """What is wrong with a private key; blank for a usable one, and for any password."""
    if PRIVATE_KEY not in secret:
        return ""
    try:
        asyncssh.import_private_key(secret)
    except asyncssh.KeyEncryptionError:
        return "The private key is locked with a pass phrase; give one without."
    except asyncssh.KeyImportError:
        return "The private key cannot be read."
    return ""


class SftpPlace:
    """A folder on an SFTP server. Opening it signs in. Raises PlaceFailed."""

    def __init__(self, login: Login, folder: str, *, allowed: Sequence[str], tick: Tick) -> None:
        self.login, self.folder, self.allowed = login, folder.rstrip("/"), allowed
        self.address = f"sftp://{login.user}@{login.host}:{login.port}/{folder.lstrip('/')}"
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name=f"sftp-{login.host}", daemon=True)
        self.thread.start()
        self.connection: asyncssh.SSHClientConnection | None = None
        self.client: asyncssh.SFTPClient | None = None
        try:
            self._wait(self._open(), tick, self.login.seconds + 2)
        except BaseException:
            self.close()
            raise

    def bring(self, name: str, source: Path, tick: Tick) -> None:
        """Upload to ``.part`` and compare the size. Raises PlaceFailed."""
        self._wait(self._upload(self._path(name) + PART, source), tick)

    def reveal(self, name: str, tick: Tick) -> None:
        """Rename over whatever bears the name. Raises PlaceFailed."""
        self._wait(self._rename(self._path(name) + PART, self._path(name)), tick, self.login.seconds)

    def discard(self, name: str, tick: Tick) -> None:
        """Take away the ``.part``. Raises PlaceFailed."""
        self.remove(name + PART, tick)

    def remove(self, name: str, tick: Tick) -> None:
        """Take away the file. Raises PlaceFailed."""
        self._wait(self._unlink(self._path(name)), tick, self.login.seconds)

    def close(self) -> None:
        """Hang up. A server that does not answer is left without a word."""
        with contextlib.suppress(FutureTimeout):
            asyncio.run_coroutine_threadsafe(_hang_up(self.connection), self.loop).result(CLOSE_SECONDS)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(CLOSE_SECONDS)
        if not self.thread.is_alive():
            self.loop.close()

    def _path(self, name: str) -> str:
        return f"{self.folder}/{name}" if self.folder else name

    async def _open(self) -> None:
        login = self.login
        connection = await asyncio.to_thread(
            connected, login.host, login.port, seconds=login.seconds, allowed=self.allowed
        )
        options: dict[str, Any] = {"client_keys": None, "password": None}
        if PRIVATE_KEY in login.secret:
            options["client_keys"] = [asyncssh.import_private_key(login.secret)]
        else:
            options["password"] = login.secret
        self.connection = await asyncssh.connect(
            login.host,
            login.port,
            sock=connection,
            username=login.user,
            # The operator's own ~/.ssh and agent are nobody's sign-in: only what the endpoint says counts.
            known_hosts=([asyncssh.import_public_key(login.host_key)], [], []),
            config=None,
            agent_path=None,
            gss_auth=False,
            x509_trusted_certs=None,
            preferred_auth="publickey,password,keyboard-interactive",
            connect_timeout=login.seconds,
            login_timeout=login.seconds,
            keepalive_interval=login.seconds,
            keepalive_count_max=2,
            **options,
        )
        self.client = await self.connection.start_sftp_client()

    async def _upload(self, path: str, source: Path) -> None:
        client = self._client()
        if self.folder and not await asyncio.wait_for(client.isdir(self.folder), self.login.seconds):
            raise PlaceFailed("missing", f"There is no folder {self.folder} on {self.login.host}; it is not made.")
        async with client.open(path, "wb") as target:
            with source.open("rb") as stream:
                while chunk := stream.read(BLOCK):
                    await asyncio.wait_for(target.write(chunk), self.login.seconds)
            # An extension few servers lack; where it is missing the size below is all that can be known.
            with contextlib.suppress(asyncssh.SFTPOpUnsupported):
                await asyncio.wait_for(target.fsync(), self.login.seconds)
        arrived = (await asyncio.wait_for(client.stat(path), self.login.seconds)).size
        if arrived != source.stat().st_size:
            raise PlaceFailed("broken", f"{path} has {arrived} bytes there, which is not all of it.")

    async def _rename(self, part: str, path: str) -> None:
        client = self._client()
        try:
            await client.posix_rename(part, path)
        except asyncssh.SFTPOpUnsupported:
            # Old servers refuse to rename over a file: for a moment there is none.
            await self._unlink(path)
            await client.rename(part, path)

    async def _unlink(self, path: str) -> None:
        with contextlib.suppress(asyncssh.SFTPNoSuchFile):
            await self._client().remove(path)

    def _client(self) -> asyncssh.SFTPClient:
        if self.client is None:
            raise PlaceFailed("unreachable", "The connection is not open.")
        return self.client

    def _wait(self, work: Coroutine[Any, Any, T], tick: Tick, seconds: float | None = None) -> T:
        """The result of work on the other thread; ``tick`` is called while waiting and may raise to give up."""
        future = asyncio.run_coroutine_threadsafe(work if seconds is None else _within(work, seconds), self.loop)
        try:
            while True:
                try:
                    return future.result(timeout=SLICE_SECONDS)
                except FutureTimeout:
                    if future.done():
                        return future.result()
                    tick()
        except (Unreached, OSError, asyncssh.Error, TimeoutError, asyncssh.KeyImportError) as error:
            raise _failed(error) from error
        finally:
            future.cancel()


async def _hang_up(connection: asyncssh.SSHClientConnection | None = None) -> None:
    """End the connection and whatever still waits for it; nothing of it stays open."""
    if connection is not None:
        connection.abort()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(connection.wait_closed(), CLOSE_SECONDS / 2)
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    for _ in range(TURNS_TO_CLOSE):
        await asyncio.sleep(0)


async def _within(work: Coroutine[Any, Any, T], seconds: float) -> T:
    return await asyncio.wait_for(work, seconds)


def _failed(error: Exception) -> PlaceFailed:
    """A failure of the server, the network or the sign-in, in words."""
    if isinstance(error, Unreached):
        return PlaceFailed(error.kind, str(error))
    if isinstance(error, asyncssh.HostKeyNotVerifiable):
        return PlaceFailed("host key", "The server shows another key than the one that was confirmed.")
    if isinstance(error, asyncssh.PermissionDenied):
        return PlaceFailed("sign-in", "The server does not accept the user with this password or key.")
    if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
        return PlaceFailed("missing", f"The server says: {error.reason}.")
    if isinstance(error, asyncssh.SFTPPermissionDenied | asyncssh.SFTPWriteProtect):
        return PlaceFailed("forbidden", f"The server does not let us write there: {error.reason}.")
    if isinstance(error, asyncssh.SFTPNoSpaceOnFilesystem | asyncssh.SFTPQuotaExceeded):
        return PlaceFailed("full", f"The server has no room: {error.reason}.")
    if isinstance(error, TimeoutError):
        return PlaceFailed("timeout", "The server did not answer in time.")
    if isinstance(error, asyncssh.KeyExchangeFailed | asyncssh.ProtocolError):
        return PlaceFailed("broken", f"The server speaks SSH in a way we cannot follow: {error}.")
    return PlaceFailed("broken", str(getattr(error, "reason", "")) or type(error).__name__)
