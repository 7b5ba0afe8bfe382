"""Work on thousands of rows at a time, without the interpreter's search for cyclic garbage among them."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """Nothing is searched for cyclic garbage meanwhile; what is no longer referred to is freed at once, as ever.

    The rows of a batch are all alive until its end: to walk through them again and again, as each thousand is added,
    took as long as the work itself. For pieces of bounded size, as what is cyclic waits until their end.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()
