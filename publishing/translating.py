"""What a target calls our codes: set, removed and loaded by verbs, and looked up while records are shaped."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Model, QuerySet

from mdm.cause import Actor
from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound
from mdm.models import CodeSet, CodeTranslation, CodeValue, GoldenState
from mdm.spec import Attribute
from publishing import mapping
from publishing.models import Delivery, DeliveryState, Endpoint
from publishing.paths import Path, unknown
from publishing.shaping import Field, Word

NO_TRANSLATION = "NO_TRANSLATION"  # what a delivery is parked with
LONGEST = 60
COLUMNS = ("code_set", "code", "theirs")
Row = tuple[str, str, str]  # code set, code, the target's word


def words_of(endpoint: Endpoint) -> Word:
    """How the endpoint calls a code, or None; each is asked for once in the life of this ``endpoint`` in memory.

    Lanes read their endpoint anew for every batch, so a word that is added is used from the next batch on.
    """
    known: dict[tuple[str, str], str | None] = endpoint.__dict__.setdefault("_words", {})

    def word(code_set: str, code: str) -> str | None:
        if (code_set, code) not in known:
            rows = CodeTranslation.objects.filter(
                code_value__code_set__code=code_set, code_value__code=code, party=endpoint.code
            )
            known[code_set, code] = rows.values_list("theirs", flat=True).first()
        return known[code_set, code]

    return word


@transaction.atomic
def set_translation(
    *, endpoint: Endpoint, code_set: str, code: str, theirs: str, by: Actor, reason: str = ""
) -> CodeTranslation:
    """The endpoint calls the code ``theirs`` from now on; history keeps who, why and what it was called before.

    Repeating it changes nothing. Raises Invalid for an unknown code or an empty word.
    """
    _refuse(_problems([(code_set, code, theirs)]))
    value = CodeValue.objects.select_for_update(no_key=True).get(code_set__code=code_set, code=code)
    return _keep(value, endpoint, theirs.strip(), by, reason)


def _keep(value: CodeValue, endpoint: Endpoint, theirs: str, by: Actor, reason: str) -> CodeTranslation:
    row = CodeTranslation.objects.filter(code_value=value, party=endpoint.code).first()
    if row is not None and row.theirs == theirs:
        return row
    row = row or CodeTranslation(code_value=value, party=endpoint.code)
    row.theirs = theirs
    _sign(row, by, reason)
    row.save()
    return row


@transaction.atomic
def remove_translation(*, endpoint: Endpoint, code_set: str, code: str, by: Actor, reason: str = "") -> None:
    """The endpoint has no word for the code any more; history keeps the one it had. Raises NotFound where it had none.

    Records that hold the code park with NO_TRANSLATION from now on.
    """
    row = (
        CodeTranslation.objects.select_for_update(of=("self",), no_key=True)
        .filter(code_value__code_set__code=code_set, code_value__code=code, party=endpoint.code)
        .first()
    )
    if row is None:
        raise NotFound(f"{endpoint.name} has no word for {code}.", "Its page lists those it has.")
    _sign(row, by, reason)
    row.delete()


def _sign(row: CodeTranslation, by: Actor, reason: str) -> None:
    row._change_reason = reason[:100] or None  # type: ignore[attr-defined]
    row._history_user_id = by.user_id  # type: ignore[attr-defined]


@transaction.atomic
def load_translations(*, endpoint: Endpoint, rows: Sequence[Row], by: Actor, reason: str = "") -> int:
    """Set many words at once, or none: raises Invalid with every problem and its line. Returns how many changed.

    Words that are not named stay; repeating it changes nothing.
    """
    _refuse(_problems(rows, numbered=True))
    values = {(value.code_set.code, value.code): value for value in _values(rows)}
    before = dict(CodeTranslation.objects.filter(party=endpoint.code).values_list("code_value_id", "theirs"))
    changed = 0
    for code_set, code, theirs in rows:
        value = values[code_set, code]
        if before.get(value.pk) != theirs.strip():
            _keep(value, endpoint, theirs.strip(), by, reason)
            changed += 1
    return changed


def _values(rows: Iterable[Row]) -> QuerySet[CodeValue]:
    named = list(rows)
    return CodeValue.objects.select_related("code_set").filter(
        code_set__code__in={row[0] for row in named}, code__in={row[1] for row in named}
    )


def _problems(rows: Sequence[Row], *, numbered: bool = False) -> list[tuple[str, str]]:
    sets = sorted(CodeSet.objects.values_list("code", flat=True))
    codes = {
        (value.code_set.code, value.code) for value in _values(row for row in rows if "\x00" not in row[0] + row[1])
    }
    seen: set[tuple[str, str]] = set()
    found = []
    for number, (code_set, code, theirs) in enumerate(rows, start=2):
        place = f"line {number}" if numbered else ""
        if code_set not in sets:
            found.append((place or "code_set", unknown("code set", code_set, sets)))
        elif (code_set, code) not in codes:
            found.append((place or "code", f"{code_set} has no code {code or '(blank)'}."))
        if not theirs.strip() or len(theirs.strip()) > LONGEST:
            found.append((place or "theirs", f"The target's word has 1 to {LONGEST} characters."))
        if "\x00" in f"{code_set}{code}{theirs}":
            found.append((place or "theirs", "A word holds no characters of value zero."))
        if (code_set, code) in seen:
            found.append((place, f"{code} of {code_set} is given twice."))
        seen.add((code_set, code))
    return found


def _refuse(problems: Sequence[tuple[str, str]]) -> None:
    if problems:
        raise Invalid("These translations cannot be kept.", "Mend what is named; nothing was changed.", list(problems))


@dataclass(frozen=True)
class Missing:
    """A code in use that the endpoint has no word for, and how many active records hold it."""

    code_set: str
    code: str
    label: str
    domain: str
    field: str
    records: int


def translations_of(endpoint: Endpoint) -> QuerySet[CodeTranslation]:
    """Every word of the endpoint, by code set and code."""
    rows = CodeTranslation.objects.select_related("code_value__code_set").filter(party=endpoint.code)
    return rows.order_by("code_value__code_set__code", "code_value__code")


def codes_without_word(endpoint: Endpoint) -> list[Missing]:
    """Codes active records hold in translated fields, without a word at this endpoint. One query a field and one more.

    What is listed here would park: it is to be empty before an endpoint goes live.
    """
    known = set(translations_of(endpoint).values_list("code_value__code_set__code", "code_value__code"))
    labels: dict[tuple[str, str], str] = {}
    found: list[Missing] = []
    for domain, one, path in _translated(mapping.parse(endpoint.mapping)):
        counts = _in_use(domain, path)
        asked = [code for code in counts if (one.translate, code) not in known]
        rows = CodeValue.objects.filter(code_set__code=one.translate, code__in=asked)
        labels |= {(one.translate, code): label for code, label in rows.values_list("code", "label")}
        found += [
            Missing(one.translate, code, labels.get((one.translate, code), ""), domain, one.name, counts[code])
            for code in asked
        ]
    return sorted(found, key=lambda missing: (-missing.records, missing.code_set, missing.code))


def _translated(fields: Mapping[str, Sequence[Field]]) -> list[tuple[str, Field, Path]]:
    """(domain, field, the path of the code), rows included."""
    found = []
    for domain, given in fields.items():
        for one in given:
            inner = [(one.rows, field) for field in one.fields] if one.rows else [(None, one)]
            for rows, field in inner:
                if field.translate and field.sources:
                    path = field.sources[0]
                    part = rows.name if rows is not None and path.root == "row" else path.name
                    found.append((domain, field, Path(path.text, path.root, part, leaf=path.leaf, of=path.of)))
    return found


def _in_use(domain: str, path: Path) -> dict[str, int]:
    """{code: active records that hold it}; nothing for what is no attribute of the domain or its parts."""
    declared = BY_NAME[domain]
    model: type[Model] = declared.model
    attributes: Sequence[Attribute] = declared.attributes
    if path.name:
        part = next((one for one in declared.parts if one.name == path.name), None)
        if part is None:
            return {}
        model, attributes = part.model, part.attributes
    if path.of or path.leaf not in {attribute.name for attribute in attributes}:
        return {}
    rows: QuerySet[Any] = model._default_manager.filter(record__state=GoldenState.ACTIVE)
    counted = rows.exclude(**{path.leaf: ""}).values_list(path.leaf).annotate(held=Count("record", distinct=True))
    return {str(code): held for code, held in counted if code is not None}


def waiting_for_words(endpoint: Endpoint) -> QuerySet[Delivery]:
    """Deliveries parked because a code had no word: to be released once it has one."""
    return Delivery.objects.filter(endpoint=endpoint, state=DeliveryState.PARKED, outcome_code=NO_TRANSLATION).order_by(
        "rank"
    )
