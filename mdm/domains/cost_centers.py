"""Cost centers: where spending is booked."""

from django.db import models

from mdm.models.golden import GoldenPart, GoldenRecord, GoldenValues, Versions, part_walls, values_walls
from mdm.spec import Attribute, Comparison, Domain, Expiry, Feature, Kind, Level, Matching, Part, Rollup, Severity, Veto
from mdm.spec import Validation as Check


class CostCenter(GoldenValues):
    """The surviving values of one cost center."""

    code = models.CharField(max_length=30, blank=True)
    name = models.CharField(max_length=200, blank=True)
    facility = models.ForeignKey(GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    department = models.CharField(max_length=120, blank=True)
    responsible = models.CharField(max_length=120, blank=True)
    parent = models.ForeignKey(GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    history = Versions("cost_center")

    class Meta:
        constraints = [
            *values_walls("cost_center"),
            models.CheckConstraint(
                name="cost_center_is_not_its_own_parent", condition=~models.Q(parent=models.F("record"))
            ),
            models.CheckConstraint(
                name="cost_center_ends_after_it_starts",
                condition=models.Q(valid_to__isnull=True)
                | models.Q(valid_from__isnull=True)
                | models.Q(valid_to__gte=models.F("valid_from")),
            ),
        ]


class CostCenterAccount(GoldenPart):
    """The general-ledger account a cost center's spending of one kind is booked to."""

    purpose = models.CharField(max_length=60)
    account = models.CharField(max_length=40)

    class Meta:
        constraints = part_walls("cost_center_account")


MATCHING = Matching(
    features=(
        Feature(name="facility", make="reference", attributes=("facility",)),
        Feature(name="code", make="center_code", attributes=("code",)),
        Feature(name="name", make="text", attributes=("name",)),
    ),
    blocking=(("facility", "code"), ("facility", "name")),
    comparisons=(
        Comparison(
            feature="facility", label="Facility", measure="exact", otherwise=-20.0, veto=True, levels=(Level(1.0, 6.0),)
        ),
        Comparison(feature="code", label="Code", measure="exact", otherwise=-7.0, veto=True, levels=(Level(1.0, 9.0),)),
        Comparison(
            feature="name",
            label="Name",
            measure="name",
            otherwise=-5.0,
            levels=(Level(1.0, 6.0), Level(0.85, 3.0), Level(0.6, -1.0)),
        ),
    ),
    prior=-10.0,
    same_source=-4.0,
    anchors=("code",),
)

COST_CENTER = Domain(
    name="cost_center",
    label="Cost center",
    plural="Cost centers",
    slug="cost-centers",
    prefix="CCT",
    icon="calculator",
    model=CostCenter,
    title="name",
    description="Where spending is booked, per facility and department.",
    vetoes=(
        Veto(
            check="above",
            attributes=("parent",),
            severity=Severity.REFUSE,
            message="A cost center and the one above it are not one",
        ),
        Veto(check="differ", attributes=("code",), severity=Severity.HOLD, message="Their codes differ"),
    ),
    columns=("code", "name", "facility", "department"),
    also_called=("cost center", "center", "department"),
    attributes=(
        Attribute(
            name="code",
            label="Code",
            also_called=("cost center code", "center number", "dept code"),
            standardise="code",
            kind=Kind.CODE,
            scheme="cost_center",
        ),
        Attribute(
            name="name",
            label="Name",
            also_called=("cost center name", "dept description", "description"),
            standardise="text",
            searchable=True,
        ),
        Attribute(
            name="facility",
            label="Facility",
            also_called=("hospital", "site"),
            standardise="reference",
            kind=Kind.REFERENCE,
            references="facility",
        ),
        Attribute(name="department", label="Department", standardise="text"),
        Attribute(name="responsible", label="Manager", also_called=("responsible", "owner"), standardise="text"),
        Attribute(
            name="parent", label="Parent", standardise="reference", kind=Kind.REFERENCE, references="cost_center"
        ),
        Attribute(name="valid_from", label="Valid from", standardise="date", kind=Kind.DATE),
        Attribute(name="valid_to", label="Valid to", standardise="date", kind=Kind.DATE),
    ),
    parts=(
        Part(
            name="accounts",
            label="GL accounts",
            one="GL account",
            model=CostCenterAccount,
            key=("purpose", "account"),
            attributes=(
                Attribute(name="purpose", label="Purpose", standardise="text"),
                Attribute(name="account", label="Account", standardise="code", kind=Kind.CODE),
            ),
        ),
    ),
    validations=(
        Check(
            check="at_least_one",
            attributes=("code", "name"),
            severity=Severity.REFUSE,
            message="A cost center needs a code or a name.",
        ),
        Check(
            check="required",
            attributes=("code",),
            severity=Severity.HOLD,
            message="The cost center has no code; nothing can be booked to it.",
        ),
        Check(check="required", attributes=("name",), severity=Severity.WARN, message="The cost center has no name."),
        Check(
            check="dates_in_order",
            attributes=("valid_from", "valid_to"),
            severity=Severity.REFUSE,
            message="The cost center ends before it starts.",
        ),
    ),
    expiries=(Expiry(attribute="valid_to", label="The cost center closes", ahead=60),),
    matching=MATCHING,
    rollups=(
        Rollup(
            check="dates_within_parent",
            attributes=("valid_from", "valid_to"),
            label="Dates within the parent's",
            message="It begins before its parent does, or lasts longer.",
        ),
        Rollup(
            check="within_parents_place",
            attributes=("facility",),
            label="Facility within the parent's",
            message="Its facility is neither that of its parent nor below it.",
        ),
    ),
)
