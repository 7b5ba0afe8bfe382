"""The rows of the parts a merge would unite, as the golden column lists them with their ticks."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from mdm.mastering import MergePreview
from mdm.queries.values import references_to
from mdm.spec import Domain, Kind, Part
from stewardship.grid import Kept
from stewardship.members import worded

# More rows of one part than anybody ticks through; the others survive as they are.
MOST = 200


def kept_rows(
    domain: Domain, preview: MergePreview, left_out: Mapping[str, frozenset[str]]
) -> dict[str, Sequence[Kept]]:
    """{part: its rows in the order of their keys, those ticked out too}. One query where rows refer to records."""
    rows = {part: list(preview.rows.get(part.name, {}).items())[:MOST] for part in domain.parts}
    titles = _titles(domain, preview)
    return {
        part.name: [
            Kept(
                key=f"{part.name}:{key}",
                text=_text(part, row.values, titles),
                source=row.source,
                out=key in left_out.get(part.name, ()),
            )
            for key, row in sorted(found)
        ]
        for part, found in rows.items()
        if found
    }


def _text(part: Part, values: Mapping[str, object], titles: Mapping[str, str]) -> str:
    texts = [worded(a, titles.get(str(values.get(a.name)), values.get(a.name))) for a in part.attributes]
    return " · ".join(text for text in texts if text)


def _titles(domain: Domain, preview: MergePreview) -> dict[str, str]:
    pointed = {
        UUID(str(row.values[attribute.name]))
        for part in domain.parts
        for attribute in part.attributes
        if attribute.kind is Kind.REFERENCE
        for row in preview.rows.get(part.name, {}).values()
        if row.values.get(attribute.name)
    }
    return {str(pk): str(found) for pk, found in references_to(pointed).items()}
