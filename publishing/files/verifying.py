"""A place proves itself: a small file is put there, given its name and taken away again."""

import secrets
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from publishing import outcomes
from publishing.files.going import METHOD, address_of, failure, open_place
from publishing.files.places import PlaceFailed
from publishing.models import Endpoint
from publishing.sealing import SealBroken
from publishing.sending import Result

TEXT = b"Assay tries whether it may write here; it takes this file away again.\r\n"


def put_test_file(endpoint: Endpoint) -> Result:
    """Sign in, bring a file of one line, reveal it and take it away. Says in words why not; writes nothing down."""
    drop = endpoint.file_drop
    started = time.monotonic()
    name = f"assay-test-{secrets.token_hex(6)}.tmp"
    result = Result(outcomes.ACCEPTED, address_of(drop), METHOD)
    try:
        place = open_place(endpoint, drop, _wait)
        try:
            with tempfile.TemporaryDirectory() as folder:
                source = Path(folder) / name
                source.write_bytes(TEXT)
                place.bring(name, source, _wait)
            place.reveal(name, _wait)
            place.remove(name, _wait)
        finally:
            place.close()
    except (PlaceFailed, SealBroken) as error:
        result = failure(drop, error)
    return replace(result, duration_ms=int((time.monotonic() - started) * 1000))


def _wait() -> None:
    """No claim is held, so there is nothing to renew."""
