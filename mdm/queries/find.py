"""Finding golden records by any name, code, identifier or source key."""

from collections.abc import Sequence

from mdm.queries.shapes import Hit, SearchResult


def search(text: str, domains: Sequence[str] | None = None, *, limit: int = 50) -> SearchResult:
    """Records of all (or these) domains that bear the text: exact codes and identifiers first, then names.

    Blind to case and punctuation. Merged records are found and say where they went.
    """
    raise NotImplementedError


def lookup(
    *, system: str = "", key: str = "", identifier: str = "", domains: Sequence[str] | None = None
) -> Sequence[Hit]:
    """Records by a source system's own key, or by an identifier (``scheme:value`` or the value alone).

    Answers the record that holds the facts now, merges followed. Empty when nothing is known; Invalid when neither
    or both ways are asked.
    """
    raise NotImplementedError
