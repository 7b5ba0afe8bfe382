"""What the columns of a list seem to be, and what they may be: of a list of changes, what a person may propose."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from mdm.domains import BY_NAME
from mdm.errors import Invalid
from mdm.intake.drafting import Choices, choices_of, with_choices
from mdm.intake.drafts import JOINS, first_document
from mdm.intake.guessing import key_columns
from mdm.intake.looking import Look
from mdm.intake.surroundings import look_around
from mdm.intake.targets import BY_NAME_MARK, Records, Target
from mdm.models import GoldenRecord
from mdm.spec import Domain
from stewardship.forms import editable
from stewardship.models import Purpose

LOOKED_AT = 40
FILLED = ("attributes", "extension", "parts")


def proposed(
    found: Look, file_name: str, purpose: str, records: Records | None = None, values: Any = None
) -> tuple[dict[str, Any], str]:
    """A document that says what each column seems to be, and the column that seems to name the record."""
    naming = ""
    if purpose == Purpose.CHANGE:
        naming, domain = _naming(found, records.domain if records else None)
        records = records or (Records(domain) if domain else None)
    around = look_around()
    document = first_document(found, file_name, around, records, values)
    if document.get("part"):  # rows of a part are no records to be found
        document = first_document(found, file_name, around, Records(BY_NAME[document["domain"]]), values)
    if purpose == Purpose.CHANGE:
        document = changes_only(document, naming)
    return document, naming


def _naming(found: Look, domain: Domain | None) -> tuple[str, Domain | None]:
    """The column whose values are codes of records, and of which domain; else the one that tells rows apart."""
    best: tuple[int, str, str] = (0, "", "")
    for column, listed in found.samples.items():
        texts = {text.strip().upper() for text in listed[:LOOKED_AT] if text.strip()}
        records = GoldenRecord.objects.filter(code__in=texts)
        records = records.filter(domain=domain.name) if domain else records
        for name, number in Counter(records.values_list("domain", flat=True)).items():
            if number > best[0]:
                best = (number, column, name)
    if best[0]:
        return best[1], BY_NAME[best[2]]
    keys, _ = key_columns(found.header, found.samples, len(found.rows))
    return next(iter(keys), ""), domain


def may_fill(domain: Domain) -> frozenset[str]:
    """The attributes a column of a list of changes may fill: what a person may propose a value for."""
    return frozenset(attribute.name for attribute in editable(domain))


def fitting(groups: list[tuple[str, list[Target]]], domain: Domain) -> list[tuple[str, list[Target]]]:
    """Of these targets those a list of changes may fill."""
    allowed = may_fill(domain)
    kept = [
        (group, [one for one in listed if one.code.removesuffix(BY_NAME_MARK) in allowed]) for group, listed in groups
    ]
    return [(group, listed) for group, listed in kept if listed]


def changes_only(document: Mapping[str, Any], naming: str) -> dict[str, Any]:
    """The document without what a list of changes cannot fill, and without the column that names the record."""
    allowed = may_fill(BY_NAME[document["domain"]])
    chosen = {
        column: target
        for column, target in choices_of(document).columns.items()
        if target.removesuffix(BY_NAME_MARK) in allowed and column != naming
    }
    bare = {name: value for name, value in document.items() if name not in FILLED}
    return with_choices(bare, Choices(chosen, ()), JOINS)


def require_usable(document: Mapping[str, Any], purpose: str, naming: str) -> None:
    """Raises Invalid with everything that is still to be said before the list can be checked."""
    problems = []
    if not any(document.get(name) for name in FILLED):
        problems.append(("columns", "Say of at least one column what it is."))
    if purpose == Purpose.CHANGE and not naming:
        problems.append(("naming", "Say which column names the record each row changes."))
    if problems:
        raise Invalid("The list cannot be checked yet.", "", problems)
