"""Why an exact search hit was found, in words: "NDC 00378-6605-01", "key V100 in ERP", "code SUP-0000001"."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from mdm.domains import BY_NAME, DOMAINS
from mdm.filters import identifier_candidates
from mdm.models import GoldenRecord, GoldenState, Link, SourceRecord
from mdm.queries import Hit
from stewardship.display import wording
from stewardship.readable import by_word


def reasons_of(hits: Sequence[Hit], text: str) -> dict[UUID, str]:
    """{record: reason} of exact hits. Two queries at most."""
    ids = [hit.id for hit in hits if hit.why == "identifier"]
    borne = dict(GoldenRecord.objects.filter(pk__in=ids).values_list("pk", "identifiers")) if ids else {}
    systems = _systems([hit for hit in hits if hit.why == "key"])
    return {hit.id: _reason(hit, text, borne.get(hit.id, []), systems) for hit in hits}


def _reason(hit: Hit, text: str, borne: Sequence[str], systems: Mapping[tuple[UUID, str], str]) -> str:
    if hit.why == "key":
        system = systems.get((hit.id, hit.matched), "")
        return f"key {hit.matched} in {system}" if system else f"key {hit.matched}"
    if hit.why == "identifier":
        wanted = set(identifier_candidates(text, [BY_NAME[hit.domain]]))
        named = [one.partition(":") for one in borne if one in wanted and not one.startswith("any:")]
        named = named or _under_any(borne, wanted)
        if named:
            scheme, _, value = named[0]
            return f"{_labels().get(scheme) or wording(scheme)} {by_word(scheme, value)}"
        return f"identifier {text}"
    return f"code {hit.code}"


def _under_any(borne: Sequence[str], wanted: set[str]) -> list[tuple[str, str, str]]:
    """Identifiers of schemes only sources know, found by their value alone."""
    values = {one.partition(":")[2] for one in wanted}
    return [one.partition(":") for one in borne if one.partition(":")[2] in values and not one.startswith("any:")]


def _labels() -> dict[str, str]:
    attributes = [attribute for domain in DOMAINS for attribute in domain.attributes]
    attributes += [attribute for domain in DOMAINS for part in domain.parts for attribute in part.attributes]
    return {attribute.scheme: attribute.label for attribute in reversed(attributes) if attribute.scheme}


def _systems(hits: Sequence[Hit]) -> dict[tuple[UUID, str], str]:
    if not hits:
        return {}
    links = Link.objects.filter(
        ended_at__isnull=True,
        record_id__in=[hit.id for hit in hits],
        source_record__part="",
        source_record__key__in={hit.matched for hit in hits},
    ).values_list("record_id", "source_record__key", "source_record__system__name")
    return {(record, key): system for record, key, system in links}


def examples() -> list[tuple[str, str]]:
    """(text, what it is) of searches that find something here: a word of a name, an identifier, a code, a key."""
    living = GoldenRecord.objects.filter(state=GoldenState.ACTIVE)
    record = living.exclude(title="").order_by("pk").first()
    if record is None:
        return []
    found = [(record.title.split()[0].lower(), "a word of a name"), (record.code, "a code")]
    bearer = living.exclude(identifiers=[]).order_by("-pk").first()
    named = [one.partition(":") for one in bearer.identifiers if not one.startswith("any:")] if bearer else []
    if named:
        scheme, _, value = named[0]
        found.append((value, f"{_labels().get(scheme) or wording(scheme)}, with or without punctuation"))
    source = (
        SourceRecord.objects.filter(part="", system__internal=False).select_related("system").order_by("pk").first()
    )
    if source is not None:
        found.append((source.key, f"the key {source.system.name} uses"))
    return found
