"""Records that look like one not made yet, as cards: what they are, why they are alike, what to do with them."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from matching.searching import Alike, evidence
from mdm.masking import masked
from mdm.spec import Domain, Kind
from mdm.values import plain_row
from stewardship import showing
from stewardship.evidence import lines, titles

FACTS = 4


def cards(domain: Domain, found: Sequence[Alike], typed: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """One card for each record. Its *use this one* leads to a proposal that adds what was typed and it lacks, or to
    the record where it lacks nothing."""
    rows: Any = domain.model._default_manager.in_bulk([one.record for one in found])
    held = {pk: plain_row(domain.attributes, row) for pk, row in rows.items()}
    explained = {one.record: evidence(domain, one.score) for one in found}
    named = titles(explained.values())
    labels = {attribute.name: attribute.label for attribute in domain.attributes}
    added = {one.record: _lacking(domain, held.get(one.record, {}), typed or {}) for one in found}
    return [
        {
            "alike": one,
            "href": showing.record_address(domain.name, one.code),
            "facts": _facts(domain, held.get(one.record, {})),
            "reasons": lines(domain, explained[one.record], named),
            "probability": one.score.probability,
            "use_href": _use(domain, one, added[one.record]),
            "adds": [labels[name] for name in added[one.record]],
        }
        for one in found
    ]


def _facts(domain: Domain, held: Mapping[str, Any]) -> list[str]:
    """The first values of the columns of its list, but for the title and references."""
    told = (a for a in domain.attributes if a.name in domain.columns and a.name != domain.title)
    shown = (showing.shown(a, masked(a, held.get(a.name))) for a in told if a.kind is not Kind.REFERENCE)
    return [text for text in shown if text][:FACTS]


def _lacking(domain: Domain, held: Mapping[str, Any], typed: Mapping[str, str]) -> dict[str, str]:
    """{attribute: text} of what was typed and the record does not say."""
    return {a.name: typed[a.name] for a in domain.attributes if a.name in typed and held.get(a.name) in (None, "")}


def _use(domain: Domain, one: Alike, added: Mapping[str, str]) -> str:
    own = {"slug": domain.slug, "name": one.code}
    if not added:
        return reverse("stewardship:record", kwargs=own)
    return f"{reverse('stewardship:propose', kwargs=own)}?{urlencode(added)}"
