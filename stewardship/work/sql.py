"""Pieces of SQL made of declarations. Nothing that a person typed ever gets here."""

from mdm.domains import DOMAINS


def quoted(text: str) -> str:
    """A declared text as an SQL literal inside a statement with parameters."""
    escaped = text.replace("'", "''").replace("%", "%%")
    return f"'{escaped}'"


# The word for the domain of record ``g`` in addresses.
SLUG = f"CASE g.domain {' '.join(f'WHEN {quoted(one.name)} THEN {quoted(one.slug)}' for one in DOMAINS)} END"
