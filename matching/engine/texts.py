"""Very many texts in few bytes: a Python string of ten letters takes sixty."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import overload

AT_ONCE = 1000  # texts taken apart together
_BETWEEN, _SHOWN = "\0", "\u2400"


class Texts(Sequence[str]):
    """A sequence that is meant to be gone through; one text alone costs as much as a thousand in a row. A NUL, which
    no reader lets through, may come back as U+2400."""

    def __init__(self, texts: Iterable[str] = ()) -> None:
        self._packed: list[bytes] = []
        self._rest: list[str] = []
        self.longest = 0  # characters
        remaining = iter(texts)
        while some := list(islice(remaining, AT_ONCE)):
            self.extend(some)

    def extend(self, texts: Iterable[str]) -> None:
        """Behind those there are."""
        before = len(self._rest)
        self._rest.extend(texts)
        self.longest = max(self.longest, max(map(len, self._rest[before:]), default=0))
        while len(self._rest) >= AT_ONCE:
            some, self._rest = self._rest[:AT_ONCE], self._rest[AT_ONCE:]
            self._packed.append(_packed(some))

    def __len__(self) -> int:
        return len(self._packed) * AT_ONCE + len(self._rest)

    def __iter__(self) -> Iterator[str]:
        for packed in self._packed:
            yield from _unpacked(packed)
        yield from self._rest

    @overload
    def __getitem__(self, at: int) -> str: ...
    @overload
    def __getitem__(self, at: slice) -> list[str]: ...
    def __getitem__(self, at: int | slice) -> str | list[str]:
        if isinstance(at, slice):
            return [self[one] for one in range(*at.indices(len(self)))]
        if not -len(self) <= at < len(self):
            raise IndexError(at)
        which, within = divmod(at % len(self), AT_ONCE)
        return _unpacked(self._packed[which])[within] if which < len(self._packed) else self._rest[within]


def _packed(texts: Sequence[str]) -> bytes:
    joined = _BETWEEN.join(texts)
    if joined.count(_BETWEEN) >= len(texts):
        joined = _BETWEEN.join(text.replace(_BETWEEN, _SHOWN) for text in texts)
    return joined.encode(errors="surrogatepass")


def _unpacked(packed: bytes) -> list[str]:
    return packed.decode(errors="surrogatepass").split(_BETWEEN)
