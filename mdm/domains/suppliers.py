"""Suppliers: whom the group buys from, in all their names, sites and identifiers."""

from django.db import models

from mdm.models.golden import GoldenPart, GoldenRecord, GoldenValues, Versions, part_walls, values_walls
from mdm.spec import (
    Attribute,
    Comparison,
    Domain,
    Exposure,
    Feature,
    Kind,
    Level,
    Matching,
    Part,
    Relating,
    Rule,
    Severity,
    Veto,
)
from mdm.spec import Validation as Check

ROLES = (("order", "Order from"), ("remit", "Remit to"), ("legal", "Legal"))
NAME_KINDS = (("legal", "Legal"), ("former", "Former"), ("trading", "Trading"))


class Supplier(GoldenValues):
    """The surviving values of one supplier."""

    name = models.CharField(max_length=200, blank=True)
    tax_id = models.CharField(max_length=20, blank=True)
    duns = models.CharField(max_length=9, blank=True)
    uei = models.CharField(max_length=12, blank=True)
    lei = models.CharField(max_length=20, blank=True)
    supplier_type = models.CharField(max_length=60, blank=True)
    industry_code = models.CharField(max_length=10, blank=True)
    payment_terms = models.CharField(max_length=30, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    incorporated_in = models.CharField(max_length=6, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    website = models.CharField(max_length=200, blank=True)
    parent = models.ForeignKey(GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    history = Versions("supplier")

    class Meta:
        constraints = [
            *values_walls("supplier"),
            models.CheckConstraint(
                name="supplier_is_not_its_own_parent", condition=~models.Q(parent=models.F("record"))
            ),
        ]


class SupplierName(GoldenPart):
    """A name the supplier has or had."""

    kind = models.CharField(max_length=10, choices=NAME_KINDS)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = part_walls("supplier_name")


class SupplierAddress(GoldenPart):
    """A site by role; one supplier may have many of a role."""

    role = models.CharField(max_length=10, choices=ROLES)
    line1 = models.CharField(max_length=200, blank=True)
    line2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    region = models.CharField(max_length=60, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    country = models.CharField(max_length=2, blank=True)

    class Meta:
        constraints = part_walls("supplier_address")


class SupplierContact(GoldenPart):
    """A person or desk to talk to."""

    name = models.CharField(max_length=120, blank=True)
    purpose = models.CharField(max_length=60, blank=True)
    email = models.CharField(max_length=200, blank=True)
    phone = models.CharField(max_length=40, blank=True)

    class Meta:
        constraints = part_walls("supplier_contact")


class SupplierBankAccount(GoldenPart):
    """An account to pay into. Only its tail ever reaches the hub's golden tables, log and payloads."""

    bank = models.CharField(max_length=120, blank=True)
    country = models.CharField(max_length=2, blank=True)
    account_tail = models.CharField(max_length=12)

    class Meta:
        constraints = [
            *part_walls("supplier_bank_account"),
            models.CheckConstraint(
                name="supplier_bank_account_holds_a_tail_only", condition=models.Q(account_tail__startswith="••••")
            ),
        ]


class SupplierIdentifier(GoldenPart):
    """Any identifier a source knows the supplier by, including those that did not survive as the leading one."""

    scheme = models.CharField(max_length=30)
    value = models.CharField(max_length=60)

    class Meta:
        constraints = part_walls("supplier_identifier")


# Weights are bits, rounded from levels counted on public vendor lists; the same rules serve any vendor master.
MATCHING = Matching(
    features=(
        Feature(name="core", make="company_core", attributes=("name", "names.name")),
        Feature(name="skeleton", make="company_skeleton", attributes=("name", "names.name")),
        Feature(name="lead", make="company_lead", attributes=("name", "names.name")),
        Feature(name="form", make="legal_class", attributes=("name",)),
        Feature(name="tax", make="identifier", attributes=("tax_id",)),
        Feature(name="duns", make="identifier", attributes=("duns",)),
        Feature(name="uei", make="identifier", attributes=("uei",)),
        Feature(name="lei", make="identifier", attributes=("lei",)),
        Feature(name="phone", make="identifier", attributes=("phone",)),
        Feature(name="street", make="street", attributes=("addresses.line1", "addresses.line2")),
        Feature(name="postcode", make="postcode", attributes=("addresses.postcode",)),
        Feature(name="city", make="text", attributes=("addresses.city",)),
        Feature(name="region", make="text", attributes=("addresses.region",)),
    ),
    blocking=(
        ("tax",),
        ("duns",),
        ("uei",),
        ("lei",),
        ("core",),
        ("phone",),
        ("skeleton",),
        ("street", "postcode"),
        ("lead", "postcode"),
        ("lead", "city"),
    ),
    comparisons=(
        Comparison(
            feature="core",
            label="Name",
            measure="name",
            otherwise=-3.0,
            rarity=1.0,
            levels=(Level(1.0, 17.0), Level(0.92, 8.0), Level(0.84, 2.0), Level(0.7, -0.5)),
        ),
        Comparison(feature="form", label="Legal form", measure="exact", otherwise=-4.0, levels=(Level(1.0, 0.0),)),
        Comparison(
            feature="tax", label="Tax id", measure="exact", otherwise=-7.0, veto=True, levels=(Level(1.0, 18.0),)
        ),
        Comparison(feature="duns", label="DUNS", measure="exact", otherwise=-5.0, levels=(Level(1.0, 14.0),)),
        Comparison(feature="uei", label="UEI", measure="exact", otherwise=-5.0, levels=(Level(1.0, 14.0),)),
        Comparison(feature="lei", label="LEI", measure="exact", otherwise=-8.0, veto=True, levels=(Level(1.0, 18.0),)),
        Comparison(
            feature="phone",
            label="Phone",
            measure="digits",
            otherwise=-1.0,
            rarity=3.0,
            levels=(Level(1.0, 14.5), Level(0.8, 2.0), Level(0.6, 1.5)),
        ),
        Comparison(
            feature="street",
            label="Street",
            measure="street",
            otherwise=-0.5,
            group="place",
            levels=(Level(1.0, 6.0), Level(0.9, 5.0), Level(0.6, 1.0)),
        ),
        Comparison(
            feature="postcode",
            label="Postcode",
            measure="postcode",
            otherwise=-1.0,
            group="place",
            levels=(Level(1.0, 4.5), Level(0.5, 2.0)),
        ),
        Comparison(
            feature="city", label="City", measure="name", otherwise=-1.0, group="place", levels=(Level(1.0, 3.0),)
        ),
        Comparison(
            feature="region", label="State", measure="exact", otherwise=-1.0, group="place", levels=(Level(1.0, 1.0),)
        ),
    ),
    prior=-11.5,
    same_source=-4.0,
    anchors=("tax", "duns", "uei", "lei", "core", "phone"),
    names="core",
    relations=(
        Relating(
            kind="successor",
            one=Feature(name="former", make="company_former", attributes=("name", "names.kind", "names.name")),
            other=Feature(name="now", make="company_now", attributes=("name",)),
            because="one of them bears as its former name the name of the other",
            unless=Feature(name="now", make="company_now", attributes=("name",)),
        ),
        Relating(
            kind="parent",
            one=Feature(name="tax", make="identifier", attributes=("tax_id",)),
            other=Feature(name="tax", make="identifier", attributes=("tax_id",)),
            because="they share a tax id and have other names",
            unless=Feature(name="core", make="company_core", attributes=("name", "names.name")),
        ),
    ),
)

SUPPLIER = Domain(
    name="supplier",
    label="Supplier",
    plural="Suppliers",
    slug="suppliers",
    prefix="SUP",
    icon="building-store",
    model=Supplier,
    title="name",
    description="Whom the group buys from: manufacturers, distributors, service providers.",
    vetoes=(
        Veto(
            check="above",
            attributes=("parent",),
            severity=Severity.REFUSE,
            message="A supplier and its own parent are not one",
        ),
        Veto(check="differ", attributes=("tax_id",), severity=Severity.HOLD, message="Their tax ids differ"),
        Veto(
            check="open_in_both",
            domain="contract",
            attributes=("supplier", "valid_to"),
            severity=Severity.WARN,
            message="Running contracts stand with more than one of them",
        ),
    ),
    columns=("name", "tax_id", "phone", "supplier_type"),
    also_called=("supplier", "vendor", "payee", "remit"),
    attributes=(
        Attribute(
            name="name",
            label="Name",
            standardise="name",
            searchable=True,
            also_called=("supplier", "vendor", "company", "legal name", "payee"),
        ),
        Attribute(
            name="tax_id",
            label="Tax id",
            also_called=("EIN", "federal tax id", "tax number", "1099 tax id"),
            standardise="tax_id",
            kind=Kind.CODE,
            scheme="tax_id",
        ),
        Attribute(name="duns", label="DUNS", standardise="duns", kind=Kind.CODE, scheme="duns"),
        Attribute(name="uei", label="UEI", standardise="uei", kind=Kind.CODE, scheme="uei"),
        Attribute(name="lei", label="LEI", standardise="lei", kind=Kind.CODE, scheme="lei"),
        Attribute(
            name="supplier_type",
            label="Supplier type",
            also_called=("vendor type", "business type"),
            standardise="text",
            rule=Rule.MOST_FREQUENT,
        ),
        Attribute(
            name="industry_code",
            label="Industry (SIC)",
            also_called=("SIC code", "industry code", "NAICS"),
            standardise="code",
            kind=Kind.CODE,
        ),
        Attribute(
            name="payment_terms", label="Payment terms", standardise="code", kind=Kind.CODE, code_set="payment_terms"
        ),
        Attribute(name="currency", label="Currency", standardise="currency", kind=Kind.CODE, code_set="currencies"),
        Attribute(
            name="incorporated_in",
            label="Incorporated in",
            also_called=("inc state", "state of incorporation"),
            standardise="code",
            kind=Kind.CODE,
        ),
        Attribute(name="phone", label="Phone", standardise="phone", rule=Rule.NEWEST, searchable=True),
        Attribute(
            name="website", label="Website", standardise="url", also_called=("web site", "homepage"), rule=Rule.NEWEST
        ),
        Attribute(
            name="parent", label="Parent supplier", standardise="reference", kind=Kind.REFERENCE, references="supplier"
        ),
    ),
    parts=(
        Part(
            name="names",
            label="Names",
            one="Name",
            model=SupplierName,
            key=("kind", "name"),
            attributes=(
                Attribute(name="kind", label="Kind", standardise="choice", choices=NAME_KINDS),
                Attribute(name="name", label="Name", standardise="name", searchable=True),
            ),
        ),
        Part(
            name="addresses",
            label="Addresses",
            one="Address",
            model=SupplierAddress,
            key=("role", "line1", "city", "postcode"),
            attributes=(
                Attribute(name="role", label="Role", standardise="choice", choices=ROLES),
                Attribute(
                    name="line1",
                    label="Street",
                    also_called=("address 1", "address", "address line 1", "remit to 1", "street 1"),
                    standardise="text",
                ),
                Attribute(
                    name="line2",
                    label="Street 2",
                    also_called=("address 2", "address line 2", "remit to 2", "suite"),
                    standardise="text",
                ),
                Attribute(name="city", label="City", standardise="text"),
                Attribute(name="region", label="State or province", standardise="region", kind=Kind.CODE),
                Attribute(name="postcode", label="Postcode", standardise="postcode", kind=Kind.CODE),
                Attribute(name="country", label="Country", standardise="country", kind=Kind.CODE, code_set="countries"),
            ),
        ),
        Part(
            name="contacts",
            label="Contacts",
            one="Contact",
            model=SupplierContact,
            key=("name", "email", "phone"),
            attributes=(
                Attribute(name="name", label="Name", standardise="text"),
                Attribute(name="purpose", label="Purpose", standardise="text"),
                Attribute(name="email", label="E-mail", standardise="email"),
                Attribute(name="phone", label="Phone", standardise="phone"),
            ),
        ),
        Part(
            name="bank_accounts",
            label="Bank accounts",
            one="Bank account",
            model=SupplierBankAccount,
            key=("country", "bank", "account_tail"),
            attributes=(
                Attribute(name="bank", label="Bank", standardise="text", exposure=Exposure.RESTRICTED),
                Attribute(name="country", label="Country", standardise="country", exposure=Exposure.RESTRICTED),
                Attribute(
                    name="account_tail",
                    label="Account",
                    also_called=("bank account", "IBAN", "account number"),
                    standardise="account_tail",
                    exposure=Exposure.RESTRICTED,
                ),
            ),
        ),
        Part(
            name="identifiers",
            label="Identifiers",
            one="Identifier",
            model=SupplierIdentifier,
            key=("scheme", "value"),
            attributes=(
                Attribute(name="scheme", label="Scheme", standardise="text"),
                Attribute(name="value", label="Value", standardise="code", kind=Kind.CODE),
            ),
        ),
    ),
    validations=(
        Check(check="required", attributes=("name",), severity=Severity.REFUSE, message="A supplier needs a name."),
        Check(
            check="not_a_placeholder",
            attributes=("name",),
            severity=Severity.HOLD,
            message="The name is a placeholder, not a company.",
        ),
    ),
    matching=MATCHING,
)
