"""Which trees there are, and how each is called."""

from collections.abc import Sequence
from dataclasses import dataclass

from mdm.domains import BY_NAME, DOMAINS
from mdm.errors import NotFound
from mdm.models import Hierarchy
from mdm.spec import Attribute, Domain, Kind


@dataclass(frozen=True)
class Tree:
    """One tree of a domain: ``hierarchy`` where people keep it, ``attribute`` where sources make it."""

    domain: Domain
    slug: str
    name: str
    hierarchy: Hierarchy | None = None
    attribute: Attribute | None = None

    @property
    def derived(self) -> bool:
        """Whether golden values make it, so that it changes by change requests on its attribute."""
        return self.attribute is not None

    @property
    def kind(self) -> str:
        """What it is kept for, in words."""
        return self.hierarchy.get_kind_display() if self.hierarchy else "As the sources say"

    @property
    def number(self) -> int:
        """How many changes were approved; 0 for one the sources make."""
        return self.hierarchy.number if self.hierarchy else 0


def parent_attribute(domain: Domain) -> Attribute | None:
    """The first attribute by which records of the domain form a tree."""
    return next(iter(parent_attributes(domain)), None)


def parent_attributes(domain: Domain) -> list[Attribute]:
    """Every attribute by which records of the domain refer to records of the same domain."""
    return [a for a in domain.attributes if a.kind is Kind.REFERENCE and a.references == domain.name]


def _derived(domain: Domain) -> list[Tree]:
    return [
        Tree(domain, attribute.name, attribute.label, attribute=attribute) for attribute in parent_attributes(domain)
    ]


def kept(hierarchy: Hierarchy) -> Tree:
    """The tree of a stored hierarchy."""
    return Tree(BY_NAME[hierarchy.domain], hierarchy.slug, hierarchy.name, hierarchy=hierarchy)


def trees_of(domain: Domain) -> list[Tree]:
    """The trees of a domain, those of its sources first. One query."""
    named = Hierarchy.objects.filter(domain=domain.name).order_by("name")
    return [*_derived(domain), *(kept(hierarchy) for hierarchy in named)]


def all_trees(domains: Sequence[Domain] = DOMAINS) -> list[Tree]:
    """The trees of these domains, domain by domain. One query."""
    named: dict[str, list[Tree]] = {}
    for hierarchy in Hierarchy.objects.filter(domain__in=[domain.name for domain in domains]).order_by("name"):
        named.setdefault(hierarchy.domain, []).append(kept(hierarchy))
    return [tree for domain in domains for tree in (*_derived(domain), *named.get(domain.name, ()))]


def find_tree(domain_slug: str, slug: str) -> Tree:
    """The tree at an address such as ``facilities/legal``. Raises NotFound."""
    domain = next((one for one in DOMAINS if one.slug == domain_slug), None)
    if domain is not None:
        made = next((tree for tree in _derived(domain) if tree.slug == slug), None)
        if made is not None:
            return made
        hierarchy = Hierarchy.objects.filter(domain=domain.name, slug=slug).first()
        if hierarchy is not None:
            return kept(hierarchy)
    raise NotFound(f"There is no hierarchy {domain_slug}/{slug}.", "Open the list of hierarchies.")
