"""The domains, in the order of their references: whoever is referred to comes first."""

from collections.abc import Mapping
from types import MappingProxyType

from mdm.domains.contracts import CONTRACT
from mdm.domains.cost_centers import COST_CENTER
from mdm.domains.facilities import FACILITY
from mdm.domains.items import ITEM
from mdm.domains.suppliers import SUPPLIER
from mdm.spec import Domain

DOMAINS: tuple[Domain, ...] = (SUPPLIER, FACILITY, ITEM, COST_CENTER, CONTRACT)
BY_NAME: Mapping[str, Domain] = MappingProxyType({domain.name: domain for domain in DOMAINS})
BY_SLUG: Mapping[str, Domain] = MappingProxyType({domain.slug: domain for domain in DOMAINS})
