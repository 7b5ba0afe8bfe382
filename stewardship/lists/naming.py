"""Which golden record a row of a list of changes names: by its code or id, a source's key, or an identifier."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from mdm.filters import identifier_candidates, typeable
from mdm.intake.drafts import NEW_SOURCE
from mdm.intake.given import golden_of
from mdm.models import GoldenRecord, GoldenState
from mdm.spec import Domain


@dataclass(frozen=True)
class Named:
    """The record a text names, or why it names none."""

    record: UUID | None = None
    problem: str = ""


def named(domain: Domain, source: str, texts: Collection[str]) -> dict[str, Named]:
    """{text: whom it names}, merges followed. Codes and ids come first, then keys of the source, then identifiers.

    A few queries for all of them.
    """
    asked = {text for text in texts if text}
    systems = {} if source == NEW_SOURCE else {(domain.name, text): source for text in asked}
    found = {text: Named(pk) for text, pk in golden_of(domain.name, asked, systems).items()}
    return found | _by_identifier(domain, asked - found.keys())


def _by_identifier(domain: Domain, texts: Collection[str]) -> dict[str, Named]:
    candidates = {text: set(identifier_candidates(typeable(text), [domain])) for text in texts}
    wanted = list(set().union(*candidates.values()))
    bearers: dict[str, list[tuple[UUID, str]]] = {}
    if wanted:
        alive = GoldenRecord.objects.filter(domain=domain.name).exclude(state=GoldenState.MERGED)
        bearing = alive.filter(identifiers__overlap=wanted).values_list("pk", "code", "identifiers")
        for pk, code, identifiers in bearing:
            for identifier in identifiers:
                bearers.setdefault(identifier, []).append((pk, code))
    return {text: _one(domain, text, [bearers.get(one, []) for one in meant]) for text, meant in candidates.items()}


def _one(domain: Domain, text: str, bearers: Collection[list[tuple[UUID, str]]]) -> Named:
    records = dict(pair for listed in bearers for pair in listed)
    if len(records) == 1:
        return Named(next(iter(records)))
    what = domain.label.lower()
    if records:
        codes = ", ".join(sorted(records.values())[:4])
        return Named(problem=f"“{text[:80]}” is borne by more than one {what}: {codes}. Give the code.")
    return Named(
        problem=f"There is no {what} “{text[:80]}”. Give its code, a key of the system chosen, or an identifier."
    )
