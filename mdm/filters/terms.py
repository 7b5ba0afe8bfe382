"""What people and systems type to find a record, turned into conditions on the search columns of its identity."""

import re
from collections.abc import Iterable

from django.db.models import Q

from mdm.domains import DOMAINS
from mdm.mastering.compose import ANY_SCHEME
from mdm.spec import Domain
from mdm.standardise import STANDARDISERS, Doubt, Unreadable, standardise

_BETWEEN_WORDS = re.compile(r"[\W_]+")


def standard_forms(word: str, text: str) -> tuple[str, ...]:
    """How a value of this kind may be stored: as typed, and as the standardiser would have written it."""
    forms = [text.strip()]
    if word in STANDARDISERS and word not in ("reference", "choice", "account_tail"):
        try:
            answer = standardise(word, text)
        except Unreadable:
            answer = None
        if answer is not None and not isinstance(answer, Doubt):
            forms.append(str(answer))
    return tuple(dict.fromkeys(forms))


def typeable(text: str) -> str:
    """The text without what nobody types and PostgreSQL cannot hold (NUL), trimmed."""
    return text.replace("\x00", "").strip()


def compact(text: str) -> str:
    """Upper-case letters and digits only: the form identifiers are stored in."""
    return "".join(character for character in text.upper() if character.isalnum())


def schemes(domains: Iterable[Domain] = DOMAINS) -> dict[str, str]:
    """{identifier scheme: standardiser} of every attribute that carries one, in declared order."""
    found: dict[str, str] = {}
    for domain in domains:
        attributes = [*domain.attributes, *(attribute for part in domain.parts for attribute in part.attributes)]
        found.update({a.scheme: a.standardise for a in attributes if a.scheme and a.scheme not in found})
    return found


def identifier_candidates(text: str, domains: Iterable[Domain] = DOMAINS) -> list[str]:
    """Every ``scheme:value`` the text may mean: one scheme if it names one, else all of them.

    Identifier parts name schemes of their own; a value alone finds those under ``any``.
    """
    known = schemes(domains)
    scheme, colon, value = text.partition(":")
    scheme = scheme.strip().lower()
    if colon and value.strip():
        forms = standard_forms(known.get(scheme, "text"), value)
        return list(dict.fromkeys(f"{scheme}:{compact(form)}"[:120] for form in forms))
    return list(
        dict.fromkeys(
            f"{name}:{compact(form)}"[:120]
            for name in [*known, ANY_SCHEME]
            for form in standard_forms(known.get(name, "text"), text)
            if compact(form)
        )
    )


def words_of(text: str) -> list[str]:
    """The words of a search text, upper-case and without punctuation, longest first, at most eight."""
    words = {word for word in _BETWEEN_WORDS.split(text.upper()) if word}
    return sorted(words, key=lambda word: (-len(word), word))[:8]


def bears(text: str, column: str = "search_text") -> Q:
    """The condition that a record bears every word of the text somewhere in what can be searched of it."""
    condition = Q()
    for word in words_of(text):
        condition &= Q(**{f"{column}__icontains": word})
    return condition
