"""Source systems with their trust, and attributes added to domains, as one TOML document names them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.db import transaction

from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import Invalid
from mdm.intake.feeds import read_document
from mdm.models import STEWARDSHIP, ExtensionAttribute, SourceSystem, SourceTrust
from mdm.spec import Kind, Rule
from mdm.standardise import STANDARDISERS

HIGHEST = 1  # the rank of approved edits
ADDED = ("domain", "name", "label", "kind", "standardise", "rule", "help")


def load_sources(path: Path) -> list[SourceSystem]:
    """Store the systems, trust and added attributes a document names; what it does not name stays as it is.

    Repeating it changes nothing and writes no history. Raises Invalid with every reason, and then stores nothing.
    """
    document = read_document(path)
    sources: Sequence[Mapping[str, Any]] = document.get("source", [])
    added: Sequence[Mapping[str, Any]] = document.get("extension", [])
    problems = [problem for one in sources for problem in _source_problems(one)]
    problems += [problem for one in added for problem in _added_problems(one)]
    if problems:
        raise Invalid(f"{path.name} is not usable.", "Correct the document and load it again.", problems)
    with transaction.atomic():
        ensure_stewardship()
        systems = [_store_source(one) for one in sources]
        for one in added:
            _store_added(one)
    return systems


@transaction.atomic
def state_source(*, code: str, name: str, domain: str, rank: int | None) -> SourceSystem:
    """The source system of that code with this trust in a domain; made where there is none, else its name stays.

    Repeating it changes nothing. Raises Invalid with every reason, and then stores nothing.
    """
    known = SourceSystem.objects.filter(code=code).first()
    one: dict[str, Any] = {"code": code, "name": known.name if known else name}
    if known is not None:
        one |= {"kind": known.kind, "description": known.description}
    one |= {"trust": {domain: rank}} if rank is not None else {}
    if problems := _source_problems(one):
        raise Invalid("The source system is not usable.", "Correct it and save again.", problems)
    return _store_source(one)


def ensure_stewardship() -> SourceSystem:
    """The internal source of approved edits, trusted most in every domain."""
    system, _made = SourceSystem.objects.get_or_create(
        code=STEWARDSHIP,
        defaults={
            "name": "Stewardship",
            "kind": "Internal",
            "internal": True,
            "description": "Edits people proposed and others approved.",
        },
    )
    for domain in DOMAINS:
        SourceTrust.objects.get_or_create(system=system, domain=domain.name, defaults={"rank": HIGHEST})
    return system


def _source_problems(one: Mapping[str, Any]) -> list[tuple[str, str]]:
    code = str(one.get("code", ""))
    place = f"source {code or 'without a code'}"
    problems = [(place, f'"{name}" must be given.') for name in ("code", "name") if not one.get(name)]
    if code == STEWARDSHIP:
        problems.append((place, "This source belongs to the hub itself."))
    for domain, rank in one.get("trust", {}).items():
        if domain not in BY_NAME:
            problems.append((place, f'There is no domain "{domain}". Known: {", ".join(BY_NAME)}.'))
        if not isinstance(rank, int) or rank < HIGHEST:
            problems.append((place, f"The trust for {domain} is a whole number from {HIGHEST}."))
    return problems


def _added_problems(one: Mapping[str, Any]) -> list[tuple[str, str]]:
    place = f"extension {one.get('name', 'without a name')}"
    problems = [(place, f'"{name}" must be given.') for name in ("domain", "name", "label") if not one.get(name)]
    problems += [(place, f'There is no setting "{name}".') for name in one if name not in ADDED]
    domain = BY_NAME.get(str(one.get("domain", "")))
    if domain is None:
        problems.append((place, f'There is no domain "{one.get("domain", "")}". Known: {", ".join(BY_NAME)}.'))
    elif any(attribute.name == one.get("name") for attribute in domain.attributes):
        problems.append((place, f"{domain.label} has an attribute of that name already."))
    if one.get("kind", "text") not in [kind.value for kind in Kind if kind is not Kind.REFERENCE]:
        problems.append((place, f'There is no kind "{one["kind"]}".'))
    if one.get("standardise", "text") not in STANDARDISERS:
        problems.append((place, f'There is no standardiser "{one["standardise"]}".'))
    if one.get("rule", Rule.SOURCE_ORDER.value) not in [rule.value for rule in Rule]:
        problems.append((place, f'There is no rule of survivorship "{one["rule"]}".'))
    return problems


def _store_source(one: Mapping[str, Any]) -> SourceSystem:
    wanted = {name: str(one.get(name, "")) for name in ("name", "kind", "description")}
    system = SourceSystem.objects.filter(code=one["code"]).first() or SourceSystem(code=one["code"])
    _save_if_changed(system, wanted)
    for domain, rank in one.get("trust", {}).items():
        trust = SourceTrust.objects.filter(system=system, domain=domain).first()
        _save_if_changed(trust or SourceTrust(system=system, domain=domain), {"rank": rank})
    return system


def _store_added(one: Mapping[str, Any]) -> None:
    wanted = {name: str(one[name]) for name in ADDED[2:] if name in one}
    found = ExtensionAttribute.objects.filter(domain=one["domain"], name=one["name"]).first()
    _save_if_changed(found or ExtensionAttribute(domain=one["domain"], name=one["name"]), wanted)


def _save_if_changed(row: SourceSystem | SourceTrust | ExtensionAttribute, wanted: Mapping[str, Any]) -> None:
    """Save only a new or different row: each save is a line of its history."""
    if row.pk and all(getattr(row, name) == value for name, value in wanted.items()):
        return
    for name, value in wanted.items():
        setattr(row, name, value)
    row.save()
