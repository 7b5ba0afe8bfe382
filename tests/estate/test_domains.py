"""Every domain, whichever is added next, passes every one of these."""

from dataclasses import replace

import pytest

from mdm import checks
from mdm.domains import DOMAINS
from mdm.domains.suppliers import SUPPLIER
from mdm.models.walls import AppendOnly, Versioned
from mdm.spec import Attribute, Domain, Validation


@pytest.fixture(params=DOMAINS, ids=lambda domain: domain.name)
def domain(request: pytest.FixtureRequest) -> Domain:
    return request.param


def test_declarations_and_models_agree() -> None:
    assert checks.check_domains() == []


def test_the_check_sees_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = replace(
        SUPPLIER,
        title="nickname",
        attributes=(*SUPPLIER.attributes, Attribute(name="version", label="Version", standardise="guess")),
        validations=(Validation(check="lucky", attributes=("shoe",), severity="warn", message=""),),  # type: ignore[arg-type]
    )
    monkeypatch.setattr(checks, "DOMAINS", (broken,))
    assert [message.id for message in checks.check_domains()] == [
        "mdm.E001", "mdm.E005", "mdm.E002", "mdm.E003", "mdm.E006", "mdm.E006",
    ]  # fmt: skip


def test_values_parts_and_versions_carry_their_walls(domain: Domain) -> None:
    for model in (domain.model, *(part.model for part in domain.parts)):
        assert any(isinstance(wall, Versioned) for wall in model._meta.constraints), model
    version_model = domain.model.history.model
    assert version_model._meta.db_table == f"mdm_{domain.name}_version"
    assert any(isinstance(wall, AppendOnly) for wall in version_model._meta.constraints)


def test_versions_keep_every_column_of_the_values(domain: Domain) -> None:
    kept = {field.column for field in domain.model.history.model._meta.concrete_fields}
    assert {field.column for field in domain.model._meta.concrete_fields} <= kept


def test_names_people_see_are_unique(domain: Domain) -> None:
    labels = [attribute.label for attribute in domain.attributes]
    assert len(labels) == len(set(labels))
    assert len({other.slug for other in DOMAINS} | {other.prefix for other in DOMAINS}) == 2 * len(DOMAINS)


def test_references_only_point_to_domains_mastered_before_or_to_themselves(domain: Domain) -> None:
    order = [other.name for other in DOMAINS]
    attributes = [*domain.attributes, *(a for part in domain.parts for a in part.attributes)]
    for attribute in attributes:
        if attribute.references:
            assert order.index(attribute.references) <= order.index(domain.name)
