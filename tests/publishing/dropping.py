"""An SFTP server on the loopback with real keys, and file endpoints that put their files there or into a folder."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import asyncssh

from publishing.files import runs
from publishing.files.targets import Drop, create_file_endpoint
from publishing.models import Endpoint, EndpointKind, EndpointState, FilePlace, FileRun
from publishing.proposing import Proposal
from tests.publishing.making import OWNER

PASSWORD = "sftp-canary-77c1"
USER = "legacy"


class Sftp:
    """A server that lets one user in, by password or key, and shows a folder as its root.

    ``on`` is called with every operation and its path, on the server's own thread; what it raises is answered.
    """

    def __init__(self, root: Path, *, posix: bool = True) -> None:
        self.root, self.posix = root, posix
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self.client_key = asyncssh.generate_private_key("ssh-ed25519")
        self.on: Callable[[str, str], None] = lambda *_: None
        self.seen: list[tuple[str, str]] = []
        self.logins = 0
        self.connections: list[asyncssh.SSHServerConnection] = []
        self.port = 0
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result(10)
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    async def _listen(self) -> None:
        self.acceptor = await asyncssh.listen(
            "127.0.0.1", self.port, server_host_keys=[self.host_key], server_factory=self._guard(),
            sftp_factory=self._files(),
        )  # fmt: skip
        self.port = self.acceptor.get_port()

    async def _stop(self) -> None:
        self.acceptor.close()
        await self.acceptor.wait_closed()
        for connection in self.connections:
            connection.abort()
            await connection.wait_closed()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0.05)

    def change_host_key(self) -> None:
        """From now on the server shows another key, at the same port."""
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")

        async def again() -> None:
            self.acceptor.close()
            await self.acceptor.wait_closed()
            await self._listen()

        asyncio.run_coroutine_threadsafe(again(), self.loop).result(10)

    @property
    def shown_key(self) -> str:
        """The public key of the server as it is kept."""
        return " ".join(self.host_key.export_public_key("openssh").decode().split()[:2])

    @property
    def private_key(self) -> str:
        """The key the user signs in with."""
        return self.client_key.export_private_key("openssh").decode()

    def _guard(self) -> type[asyncssh.SSHServer]:
        rig = self

        class Guard(asyncssh.SSHServer):
            def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
                rig.connections.append(conn)

            def begin_auth(self, username: str) -> bool:
                return True

            def password_auth_supported(self) -> bool:
                return True

            def validate_password(self, username: str, password: str) -> bool:
                rig.logins += 1
                return username == USER and password == PASSWORD

            def public_key_auth_supported(self) -> bool:
                return True

            def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
                return username == USER and key == rig.client_key.convert_to_public()

        return Guard

    def _files(self) -> type[asyncssh.SFTPServer]:
        rig = self

        class Files(asyncssh.SFTPServer):
            def __init__(self, chan: Any) -> None:
                super().__init__(chan, chroot=str(rig.root))

            def _note(self, operation: str, path: bytes) -> None:
                rig.seen.append((operation, path.decode()))
                rig.on(operation, path.decode())

            def open(self, path: bytes, pflags: int, attrs: Any) -> Any:
                self._note("open", path)
                return super().open(path, pflags, attrs)

            def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
                if not rig.posix:
                    raise asyncssh.SFTPOpUnsupported("not here")
                self._note("rename", newpath)
                return super().posix_rename(oldpath, newpath)

            def rename(self, oldpath: bytes, newpath: bytes) -> Any:
                self._note("rename", newpath)
                if (rig.root / newpath.decode().lstrip("/")).exists():
                    raise asyncssh.SFTPFailure("it is there")
                return super().rename(oldpath, newpath)

        return Files


def folder_drop(folder: Path | str, **given: Any) -> Drop:
    """A drop into a folder, with short names."""
    return Drop(**{"folder": str(folder), "file_name": "{domain}-{number}.csv", **given})


def sftp_drop(server: Sftp, **given: Any) -> Drop:
    """A drop on the server."""
    known = {"place": FilePlace.SFTP, "host": "127.0.0.1", "port": server.port, "user": USER, "folder": "/in",
             "host_key": server.shown_key}  # fmt: skip
    return Drop(**{**known, "file_name": "{domain}-{number}.csv", **given})


def file_endpoint(drop: Drop, *, state: EndpointState = EndpointState.ACTIVE, **given: Any) -> Endpoint:
    """A verified file endpoint for suppliers, told of everything."""
    known: dict[str, Any] = {"code": "drop", "name": "Legacy", "domains": ("supplier",), "timeout_seconds": 3}
    proposal = Proposal(**{**known, "kind": EndpointKind.FILE, "url": "", **given})
    endpoint = create_file_endpoint(proposal=proposal, drop=drop, by=OWNER)
    Endpoint.objects.filter(pk=endpoint.pk).update(state=state)
    endpoint.refresh_from_db()
    return endpoint


def write(endpoint: Endpoint) -> FileRun:
    """One run that has something to do."""
    run = runs.run(endpoint=endpoint, by=OWNER)
    assert run is not None
    return run


def names(folder: Path) -> list[str]:
    """What lies in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())
