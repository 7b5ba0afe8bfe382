"""What stops a start: told in one sentence, exit code 2."""

from collections.abc import Iterator
from contextlib import contextmanager

EXIT_CODE = 2


class Refusal(Exception):
    """Something on this machine stands in the way; the message says what, and the way out."""


@contextmanager
def permissions_told() -> Iterator[None]:
    """A file that belongs to somebody else becomes a Refusal that names it."""
    try:
        yield
    except PermissionError as error:
        raise Refusal(
            f"{error.filename} may not be used by this user: start as its owner, or choose another ASSAY_DATA_DIR"
        ) from error
