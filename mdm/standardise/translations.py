"""A feed's own translations: texts as its source writes them -> texts to be read instead. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

_SIGNS = re.compile(r"[^\w]+|_+")


@lru_cache(maxsize=65536)
def fingerprint(text: str) -> str:
    """Equal for texts that differ in case, accents, signs, spaces and order of words only; blank for signs alone."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(sign))
    return " ".join(sorted(set(_SIGNS.sub(" ", plain).split())))


class Translations(dict[str, str]):
    """Translations made ready to be asked for millions of rows.

    A text is found as written, then without regard to case, and, where ``alike``, by its fingerprint: spellings
    nobody has seen yet go the way of those a person put together.
    """

    def __init__(self, written: Mapping[str, str], *, alike: bool = False) -> None:
        super().__init__(written)
        self._folded: dict[str, str] = {}
        self._alike: dict[str, str] = {}
        for text, to in written.items():
            self._folded.setdefault(text.casefold(), to)
            if alike and (print_ := fingerprint(text)):
                self._alike.setdefault(print_, to)

    def find(self, raw: str) -> str:
        """What is read in place of `raw`; itself where nothing is said about it."""
        if raw in self:
            return self[raw]
        found = self._folded.get(raw.casefold())
        if found is None and self._alike:
            found = self._alike.get(fingerprint(raw))
        return raw if found is None else found
