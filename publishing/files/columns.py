"""Which tables and columns an endpoint's files have: those declared, else those of its mapping, else the usual ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mdm.domains import BY_NAME, DOMAINS
from mdm.spec import Attribute, Domain, Exposure, Kind
from publishing import mapping
from publishing.files.layout import Column, Layout, Problem
from publishing.models import FileContent
from publishing.paths import PLAIN, Faulty, read_inner, read_path, unknown

RECORD = "record."
STATE = "state"
# What names a record in its own table, and in those of its parts, before its values.
NAMING = ("code", "id", "version", "state", "merged_into")
NAMING_OF_PARTS = ("code", "version", "state")
KINDS = {
    Kind.TEXT: "text", Kind.CODE: "code", Kind.DATE: "date", Kind.DECIMAL: "decimal", Kind.INTEGER: "integer",
    Kind.BOOLEAN: "boolean", Kind.REFERENCE: "code",
}  # fmt: skip


@dataclass(frozen=True)
class Table:
    """One file of a run. ``rows`` is the dotted place of a part's rows in the content; blank for the record itself."""

    key: str
    domain: str
    rows: str
    columns: tuple[Column, ...]
    tells_state: bool


def wanted(domains: Sequence[str]) -> list[Domain]:
    """The domains of an endpoint, those that are referred to first."""
    return [domain for domain in DOMAINS if not domains or domain.name in domains]


def tables_of(domains: Sequence[str], mapped: Mapping[str, Any], layout: Layout) -> list[Table]:
    """Every table in the order it is put there: parents before children, records before their parts.

    Raises ValueError where the mapping no longer fits today's declarations.
    """
    parsed = mapping.parse(mapped)
    found = []
    for domain in wanted(domains):
        fields = parsed.get(domain.name)
        found.append(_record_table(domain, fields, layout))
        found += _part_tables(domain, fields, layout)
    return found


def _record_table(domain: Domain, fields: tuple[mapping.Field, ...] | None, layout: Layout) -> Table:
    declared = layout.columns.get(domain.name)
    columns = declared or (_usual(domain) if fields is None else _mapped(fields))
    return Table(domain.name, domain.name, "", columns, _tells_state(columns, fields))


def _part_tables(domain: Domain, fields: tuple[mapping.Field, ...] | None, layout: Layout) -> list[Table]:
    """Parts are written where the mapping gives their rows, or where columns are declared for them."""
    declared = {key.partition(".")[2]: columns for key, columns in layout.columns.items() if _part_of(key, domain)}
    if fields is None:
        rows = {name: (f"parts.{name}", columns) for name, columns in declared.items()}
    else:
        rows = {
            field.name: (field.name, declared.get(field.name) or _mapped_part(field))
            for field in fields
            if field.rows is not None
        }
    return [
        Table(f"{domain.name}.{name}", domain.name, place, columns, tells_state=True)
        for name, (place, columns) in rows.items()
    ]


def _part_of(key: str, domain: Domain) -> bool:
    return key.partition(".")[0] == domain.name and "." in key


def _usual(domain: Domain) -> tuple[Column, ...]:
    """Code, id, version and state, then every attribute nobody hides; a reference by its code."""
    naming = [Column(field=name, name=name) for name in NAMING]
    return tuple(naming + [_of_attribute(attribute, "attributes.") for attribute in _open(domain.attributes)])


def usual_part(domain: Domain, part_name: str) -> tuple[Column, ...]:
    """The record's code, version and state, then every attribute of the row nobody hides."""
    part = next(part for part in domain.parts if part.name == part_name)
    naming = [Column(field=RECORD + name, name=f"{domain.name}_{name}") for name in NAMING_OF_PARTS]
    return tuple(naming + [_of_attribute(attribute, "") for attribute in _open(part.attributes)])


def _open(attributes: Sequence[Attribute]) -> list[Attribute]:
    return [attribute for attribute in attributes if attribute.exposure is not Exposure.RESTRICTED]


def _of_attribute(attribute: Attribute, before: str) -> Column:
    follow = ".code" if attribute.kind is Kind.REFERENCE else ""
    return Column(field=before + attribute.name + follow, name=attribute.name, kind=KINDS[attribute.kind])


def _mapped(fields: Sequence[mapping.Field]) -> tuple[Column, ...]:
    return tuple(Column(field=field.name, name=field.name, kind=_kind(field)) for field in fields if field.rows is None)


def _mapped_part(field: mapping.Field) -> tuple[Column, ...]:
    return tuple(Column(field=one.name, name=one.name, kind=_kind(one)) for one in field.fields)


def _kind(field: mapping.Field) -> str:
    """How a mapped field is written; what the mapping has worded already is a text."""
    attribute = field.sources[0].attribute if len(field.sources) == 1 and not field.sources[0].of else None
    if attribute is None or field.translate or field.words is not None or field.date or field.case:
        return "text"
    return KINDS[attribute.kind]


def _tells_state(columns: Sequence[Column], fields: tuple[mapping.Field, ...] | None) -> bool:
    """Whether a row says that its record was retired, merged or is not meant any more."""
    if fields is None:
        told = {STATE}
    else:
        told = {field.name for field in fields if any(source.root == STATE for source in field.sources)}
    return any(column.field in told for column in columns)


def problems_of(
    domains: Sequence[str], mapped: Mapping[str, Any], layout: Layout, *, fixed: bool, content: str
) -> list[Problem]:
    """Every (field, sentence) that speaks against these columns. Asks the declarations only."""
    parsed = mapping.parse(mapped)
    known = {domain.name for domain in wanted(domains)}
    found: list[Problem] = []
    for key, columns in layout.columns.items():
        name, _, part = key.partition(".")
        if name not in known:
            found.append(("columns", unknown("domain of this endpoint", name, sorted(known))))
            continue
        fields = parsed.get(name)
        judge = _strange_in_mapped if fields is not None else _strange_in_canonical
        found += [("columns", f"{key}: {words}") for words in judge(BY_NAME[name], fields or (), part, columns)]
    return found or _problems_of_tables(tables_of(domains, mapped, layout), fixed=fixed, content=content)


def _problems_of_tables(tables: Sequence[Table], *, fixed: bool, content: str) -> list[Problem]:
    found: list[Problem] = []
    if fixed and (bare := [table.key for table in tables if any(not column.width for column in table.columns)]):
        found.append(("columns", f"Fixed width needs columns with a width for {', '.join(bare)}."))
    silent = [table.key for table in tables if not table.tells_state]
    if silent and content == FileContent.DELTA:
        words = "without it the target never learns that a record was retired, merged or left."
        found.append(("columns", f"Add a column with the state to {', '.join(silent)}: {words}"))
    return found


def _strange_in_canonical(
    domain: Domain, fields: Sequence[mapping.Field], part: str, columns: Sequence[Column]
) -> list[str]:
    """Columns of the canonical form that lead nowhere."""
    parts = {one.name: one for one in domain.parts}
    if part and part not in parts:
        return [unknown(f"part of a {domain.label.lower()}", part, parts)]
    found = []
    for column in columns:
        try:
            path = read_inner(column.field, parts[part].attributes, domain) if part else read_path(column.field, domain)
        except Faulty as error:
            found.append(str(error))
            continue
        if path.root in ("parts", "crosswalk"):
            plain = ", ".join(PLAIN)
            found.append(f"{column.field} is one of several rows: name it in a mapping; else there are {plain}.")
    return found


def _strange_in_mapped(
    domain: Domain, fields: Sequence[mapping.Field], part: str, columns: Sequence[Column]
) -> list[str]:
    """Columns that the mapping does not give."""
    rows = {field.name: [one.name for one in field.fields] for field in fields if field.rows is not None}
    plain = [field.name for field in fields if field.rows is None]
    if part and part not in rows:
        return [f"The mapping gives no rows {part}."]
    given = plain if not part else rows[part] + [RECORD + name for name in plain]
    return [unknown("field in the mapping", column.field, given) for column in columns if column.field not in given]
