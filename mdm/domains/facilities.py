"""Facilities: the tree from group through hospital, building and department to location."""

from django.db import models

from mdm.models.golden import GoldenPart, GoldenRecord, GoldenValues, Versions, part_walls, values_walls
from mdm.spec import (
    Attribute,
    Comparison,
    Domain,
    Expiry,
    Feature,
    Kind,
    Level,
    Matching,
    Part,
    Relating,
    Rollup,
    Rule,
    Severity,
    Veto,
)
from mdm.spec import Validation as Check

LEVELS = (
    ("group", "Group"),
    ("hospital", "Hospital"),
    ("building", "Building"),
    ("department", "Department"),
    ("location", "Location"),
)
NAME_KINDS = (("current", "Current"), ("former", "Former"), ("other", "Also known as"))


class Facility(GoldenValues):
    """The surviving values of one facility."""

    name = models.CharField(max_length=200, blank=True)
    facility_type = models.CharField(max_length=80, blank=True)
    level = models.CharField(max_length=12, blank=True, choices=LEVELS)
    street = models.CharField(max_length=200, blank=True)
    street2 = models.CharField(max_length=200, blank=True)
    city = models.CharField(max_length=100, blank=True)
    region = models.CharField(max_length=60, blank=True)
    postcode = models.CharField(max_length=20, blank=True)
    county = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=2, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    website = models.CharField(max_length=200, blank=True)
    npi = models.CharField(max_length=10, blank=True)
    ccn = models.CharField(max_length=10, blank=True)
    gln = models.CharField(max_length=13, blank=True)
    ownership = models.CharField(max_length=80, blank=True)
    beds = models.IntegerField(null=True, blank=True)
    parent = models.ForeignKey(GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    history = Versions("facility")

    class Meta:
        constraints = [
            *values_walls("facility"),
            models.CheckConstraint(
                name="facility_is_not_its_own_parent", condition=~models.Q(parent=models.F("record"))
            ),
            models.CheckConstraint(
                name="facility_ends_after_it_starts",
                condition=models.Q(valid_to__isnull=True)
                | models.Q(valid_from__isnull=True)
                | models.Q(valid_to__gte=models.F("valid_from")),
            ),
        ]


class FacilityName(GoldenPart):
    """A name the facility has, had, or is known by."""

    kind = models.CharField(max_length=10, choices=NAME_KINDS)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = part_walls("facility_name")


class FacilityIdentifier(GoldenPart):
    """Any identifier a source knows the facility by."""

    scheme = models.CharField(max_length=30)
    value = models.CharField(max_length=60)

    class Meta:
        constraints = part_walls("facility_identifier")


MATCHING = Matching(
    features=(
        Feature(name="name", make="place_name", attributes=("name", "names.name")),
        Feature(name="unit", make="place_unit", attributes=("name",)),
        Feature(name="ccn", make="identifier", attributes=("ccn",)),
        Feature(name="npi", make="identifier", attributes=("npi",)),
        Feature(name="gln", make="identifier", attributes=("gln",)),
        Feature(name="phone", make="identifier", attributes=("phone",)),
        Feature(name="street", make="street", attributes=("street",)),
        Feature(name="house", make="house", attributes=("street",)),
        Feature(name="postcode", make="postcode", attributes=("postcode",)),
        Feature(name="city", make="text", attributes=("city",)),
        Feature(name="region", make="text", attributes=("region",)),
    ),
    blocking=(
        ("ccn",),
        ("npi",),
        ("gln",),
        ("phone",),
        ("name",),
        ("house", "postcode"),
        ("house", "city"),
        ("street", "region"),
        ("postcode",),
        ("city", "region"),
    ),
    comparisons=(
        Comparison(
            feature="name",
            label="Name",
            measure="name",
            otherwise=-3.0,
            rarity=1.0,
            levels=(Level(1.0, 11.0), Level(0.88, 6.0), Level(0.75, 2.0), Level(0.6, 0.0)),
        ),
        Comparison(feature="unit", label="Unit", measure="exact", otherwise=-12.0, levels=(Level(1.0, 0.0),)),
        Comparison(feature="ccn", label="CCN", measure="exact", otherwise=-7.0, veto=True, levels=(Level(1.0, 18.0),)),
        Comparison(feature="npi", label="NPI", measure="exact", otherwise=-3.0, levels=(Level(1.0, 14.0),)),
        Comparison(feature="gln", label="GLN", measure="exact", otherwise=-5.0, levels=(Level(1.0, 14.0),)),
        Comparison(
            feature="phone",
            label="Phone",
            measure="digits",
            otherwise=-2.0,
            rarity=2.0,
            levels=(Level(1.0, 10.0), Level(0.8, 3.0), Level(0.6, 3.0)),
        ),
        Comparison(
            feature="street",
            label="Street",
            measure="street",
            otherwise=-4.0,
            levels=(Level(1.0, 14.0), Level(0.9, 13.0), Level(0.6, 3.0), Level(0.3, -0.5)),
        ),
        Comparison(
            feature="postcode",
            label="Postcode",
            measure="postcode",
            otherwise=-4.0,
            group="town",
            levels=(Level(1.0, 4.5), Level(0.5, 1.0)),
        ),
        Comparison(
            feature="city",
            label="City",
            measure="name",
            otherwise=-3.0,
            group="town",
            levels=(Level(1.0, 3.5), Level(0.85, 2.5)),
        ),
        Comparison(
            feature="region", label="State", measure="exact", otherwise=-6.0, group="town", levels=(Level(1.0, 0.5),)
        ),
    ),
    prior=-11.0,
    same_source=-9.0,
    one_per_source=True,
    anchors=("ccn", "npi", "gln", "name", "street", "phone"),
    names="name",
    relations=(
        Relating(
            kind="successor",
            one=Feature(name="former", make="place_former", attributes=("names.kind", "names.name")),
            other=Feature(name="now", make="place_name", attributes=("name",)),
            because="one of them bears as its former name the name of the other",
            unless=Feature(name="now", make="place_name", attributes=("name",)),
        ),
        Relating(
            kind="parent",
            one=Feature(name="unit", make="unit_door", attributes=("name", "street")),
            other=Feature(name="house", make="main_door", attributes=("name", "street")),
            because="they stand at one address, and the name of one speaks of a unit",
        ),
    ),
)

FACILITY = Domain(
    name="facility",
    label="Facility",
    plural="Facilities",
    slug="facilities",
    prefix="FAC",
    icon="building-hospital",
    model=Facility,
    title="name",
    description="Hospitals and everything inside them, as a tree with dates.",
    vetoes=(
        Veto(
            check="above",
            attributes=("parent",),
            severity=Severity.REFUSE,
            message="A place and a part of it are not one",
        ),
        Veto(check="differ", attributes=("npi",), severity=Severity.HOLD, message="Their NPIs differ"),
        Veto(check="differ", attributes=("ccn",), severity=Severity.HOLD, message="Their CMS numbers differ"),
    ),
    columns=("name", "city", "region", "facility_type", "ccn"),
    also_called=("facility", "hospital", "entity", "site", "building", "clinic"),
    attributes=(
        Attribute(
            name="name",
            label="Name",
            standardise="name",
            searchable=True,
            also_called=("facility", "hospital", "description"),
        ),
        Attribute(
            name="facility_type", label="Type", also_called=("facility type", "hospital type"), standardise="text"
        ),
        Attribute(name="level", label="Level", standardise="choice", choices=LEVELS),
        Attribute(
            name="street",
            label="Street",
            standardise="text",
            also_called=("address", "address 1", "address line 1"),
            block="address",
        ),
        Attribute(
            name="street2",
            label="Street 2",
            standardise="text",
            also_called=("address 2", "address line 2", "PO box"),
            block="address",
        ),
        Attribute(name="city", label="City", standardise="text", block="address", searchable=True),
        Attribute(name="region", label="State", standardise="region", kind=Kind.CODE, block="address"),
        Attribute(name="postcode", label="Postcode", standardise="postcode", kind=Kind.CODE, block="address"),
        Attribute(name="county", label="County", standardise="text", rule=Rule.MOST_FREQUENT),
        Attribute(name="country", label="Country", standardise="country", kind=Kind.CODE, code_set="countries"),
        Attribute(name="phone", label="Phone", standardise="phone", searchable=True),
        Attribute(name="website", label="Website", standardise="url"),
        Attribute(name="npi", label="NPI", standardise="npi", kind=Kind.CODE, scheme="npi"),
        Attribute(
            name="ccn",
            label="CCN",
            also_called=("medicare number", "medicare provider number", "CMS certification number"),
            standardise="ccn",
            kind=Kind.CODE,
            scheme="ccn",
            help="CMS certification number, six characters",
        ),
        Attribute(name="gln", label="GLN", standardise="gln", kind=Kind.CODE, scheme="gln"),
        Attribute(
            name="ownership", label="Ownership", also_called=("owner", "control type", "ctrl type"), standardise="text"
        ),
        Attribute(
            name="beds",
            label="Beds",
            also_called=("bed count", "licensed beds"),
            standardise="integer",
            kind=Kind.INTEGER,
            rule=Rule.NEWEST,
        ),
        Attribute(name="parent", label="Part of", standardise="reference", kind=Kind.REFERENCE, references="facility"),
        Attribute(name="valid_from", label="Valid from", standardise="date", kind=Kind.DATE),
        Attribute(name="valid_to", label="Valid to", standardise="date", kind=Kind.DATE),
    ),
    parts=(
        Part(
            name="names",
            label="Names",
            one="Name",
            model=FacilityName,
            key=("kind", "name"),
            attributes=(
                Attribute(name="kind", label="Kind", standardise="choice", choices=NAME_KINDS),
                Attribute(name="name", label="Name", standardise="name", searchable=True),
            ),
        ),
        Part(
            name="identifiers",
            label="Identifiers",
            one="Identifier",
            model=FacilityIdentifier,
            key=("scheme", "value"),
            attributes=(
                Attribute(name="scheme", label="Scheme", standardise="text"),
                Attribute(name="value", label="Value", standardise="code", kind=Kind.CODE),
            ),
        ),
    ),
    validations=(
        Check(check="required", attributes=("name",), severity=Severity.REFUSE, message="A facility needs a name."),
        Check(
            check="required",
            attributes=("city",),
            severity=Severity.HOLD,
            message="The facility is known by name only; it needs at least a city before it is published.",
        ),
        Check(
            check="dates_in_order",
            attributes=("valid_from", "valid_to"),
            severity=Severity.REFUSE,
            message="The facility ends before it starts.",
        ),
    ),
    expiries=(Expiry(attribute="valid_to", label="The facility closes"),),
    matching=MATCHING,
    rollups=(
        Rollup(
            check="dates_within_parent",
            attributes=("valid_from", "valid_to"),
            label="Dates within the parent's",
            message="It begins before its parent does, or lasts longer.",
        ),
        Rollup(
            check="levels_in_order",
            attributes=("level",),
            label="Levels in order",
            message="Its level does not lie below that of its parent: location, department, building, hospital, group.",
        ),
    ),
)
