"""The broker of a bare machine: a folder of messages that are only ever seen whole."""

import threading
from contextlib import suppress
from pathlib import Path
from queue import Empty

from kombu import Connection

from mdm import celery

MESSAGES = 400


def test_a_message_is_never_read_half_written(tmp_path: Path) -> None:
    folders = {"data_folder_in": str(tmp_path), "data_folder_out": str(tmp_path), "control_folder": str(tmp_path / "c")}
    text = "x" * 20_000
    seen: list[int] = []

    def write() -> None:
        with Connection("filesystem://", transport_options=folders) as connection:
            channel = connection.default_channel
            for number in range(MESSAGES):
                channel._put("publish", {"number": number, "text": text})

    with Connection("filesystem://", transport_options=folders) as connection:
        channel = connection.default_channel
        assert isinstance(channel, celery.FilesystemChannel)
        writer = threading.Thread(target=write)
        writer.start()
        still_writing = True
        while still_writing:
            still_writing = writer.is_alive()  # asked before reading: what comes after is read once more
            with suppress(Empty):
                while True:
                    seen.append(channel._get("publish")["number"])
        writer.join()
    assert sorted(seen) == list(range(MESSAGES))
