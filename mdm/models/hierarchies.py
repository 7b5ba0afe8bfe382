"""Named hierarchies: where records stand in the trees people keep, at every date, and every move ever made."""

from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import DateRangeField, RangeOperators
from django.db import models

from mdm.identity import uuid7
from mdm.models.golden import GoldenRecord
from mdm.models.walls import AppendOnly, Wall


class HierarchyKind(models.TextChoices):
    """What a tree is kept for."""

    LEGAL = "legal", "Legal"
    COST = "cost", "Cost"
    GEOGRAPHIC = "geographic", "Geographic"
    REPORTING = "reporting", "Reporting"
    OTHER = "other", "Other"


class NoCircle(Wall):
    """At commit, no placed record may stand below itself on any day, and all of a tree are of its domain.

    The walk upwards carries the days on which it holds, so that a circle of next year is found today. Two
    transactions that each close one half of a circle meet at the tree's row: the second one sees the first.
    """

    def _create(self, table: str) -> str:
        return f"""
CREATE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $wall$
DECLARE here {table}%ROWTYPE; kept text;
BEGIN
  SELECT domain INTO kept FROM mdm_hierarchy WHERE id = NEW.hierarchy_id FOR NO KEY UPDATE;
  SELECT * INTO here FROM {table} WHERE id = NEW.id;
  IF NOT FOUND THEN RETURN NULL; END IF;
  IF EXISTS (SELECT 1 FROM mdm_goldenrecord WHERE id IN (here.record_id, here.parent_id) AND domain <> kept) THEN
    RAISE EXCEPTION 'record % is of another domain than its tree', here.record_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF EXISTS (
    WITH RECURSIVE up (record_id, days) AS (
      SELECT here.parent_id, daterange(here.valid_from, here.valid_to)
      UNION
      SELECT step.parent_id, up.days * daterange(step.valid_from, step.valid_to)
      FROM up JOIN {table} step ON step.hierarchy_id = here.hierarchy_id AND step.record_id = up.record_id
        AND daterange(step.valid_from, step.valid_to) && up.days
      WHERE up.record_id <> here.record_id
    )
    SELECT 1 FROM up WHERE up.record_id = here.record_id
  ) THEN
    RAISE EXCEPTION 'record % would stand below itself', here.record_id
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $wall$;
CREATE CONSTRAINT TRIGGER {self.name} AFTER INSERT OR UPDATE ON {table}
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {self.name}()"""  # noqa: S608 - names of our own

    def _remove(self, table: str) -> str:
        return f"DROP TRIGGER {self.name} ON {table}; DROP FUNCTION {self.name}()"


class Hierarchy(models.Model):
    """A tree people keep. ``number`` counts the approved changes; whoever writes below it locks this row first."""

    id = models.BigAutoField(primary_key=True)
    domain = models.CharField(max_length=32)
    slug = models.SlugField(max_length=60)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=HierarchyKind.choices)
    description = models.CharField(max_length=300, blank=True)
    number = models.PositiveIntegerField(default=0)
    created_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["domain", "slug"], name="hierarchy_address_is_used_once_per_domain"),
            models.CheckConstraint(name="hierarchy_has_a_name", condition=~models.Q(name="")),
            models.CheckConstraint(name="hierarchy_kind_is_known", condition=models.Q(kind__in=HierarchyKind.values)),
        ]

    def __str__(self) -> str:
        return self.name


class Days(models.Func):
    """The days a placement holds: from ``valid_from`` up to, and without, ``valid_to``."""

    function = "DATERANGE"
    output_field = DateRangeField()


class Placement(models.Model):
    """Where a record stands in a tree, and on which days; without a parent it stands on top."""

    id = models.BigAutoField(primary_key=True)
    hierarchy = models.ForeignKey(Hierarchy, on_delete=models.PROTECT, related_name="placements", db_index=False)
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="placements")
    parent = models.ForeignKey(
        GoldenRecord, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False
    )
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="placement_is_not_its_own_parent", condition=~models.Q(parent=models.F("record"))
            ),
            models.CheckConstraint(
                name="placement_ends_after_it_starts",
                condition=models.Q(valid_to__isnull=True) | models.Q(valid_to__gt=models.F("valid_from")),
            ),
            # Its index also serves the way up: where a record stands in a tree.
            ExclusionConstraint(
                name="placement_is_one_per_record_tree_and_day",
                expressions=[
                    ("hierarchy", RangeOperators.EQUAL),
                    ("record", RangeOperators.EQUAL),
                    (Days("valid_from", "valid_to"), RangeOperators.OVERLAPS),
                ],
            ),
            NoCircle(name="placement_makes_no_circle"),
        ]
        indexes = [
            models.Index(fields=["hierarchy", "parent"], name="placement_below"),  # the children of a record
            models.Index(fields=["hierarchy", "record", "valid_from"], name="placement_of_record"),  # the way up
        ]

    def __str__(self) -> str:
        return f"{self.record_id} below {self.parent_id or 'nothing'} from {self.valid_from}"


class MoveVerb(models.TextChoices):
    """What happened to a record in a tree."""

    PLACED = "placed", "Placed"
    MOVED = "moved", "Moved"
    REMOVED = "removed", "Removed"


class HierarchyMove(models.Model):
    """One record that was placed, moved or removed: never changed, read by consumers in order of ``id``.

    All moves of one approval share ``number`` and ``correlation_id``. Ids of one tree are given under the lock of its
    row, so that whoever reads up to one has missed none below it.
    """

    id = models.BigAutoField(primary_key=True)
    hierarchy = models.ForeignKey(Hierarchy, on_delete=models.PROTECT, related_name="moves", db_index=False)
    number = models.PositiveIntegerField()
    record = models.ForeignKey(GoldenRecord, on_delete=models.PROTECT, related_name="moves")
    verb = models.CharField(max_length=8, choices=MoveVerb.choices)
    before = models.ForeignKey(GoldenRecord, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    parent = models.ForeignKey(GoldenRecord, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    valid_from = models.DateField()
    at = models.DateTimeField()
    by = models.CharField(max_length=150)
    approved_by = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)
    correlation_id = models.UUIDField(default=uuid7)

    class Meta:
        constraints = [
            AppendOnly(name="hierarchy_move_is_append_only"),
            models.UniqueConstraint(
                fields=["hierarchy", "number", "record"], name="hierarchy_move_is_one_per_record_and_change"
            ),
            models.CheckConstraint(name="hierarchy_move_verb_is_known", condition=models.Q(verb__in=MoveVerb.values)),
            models.CheckConstraint(
                name="hierarchy_move_that_removes_names_no_parent",
                condition=~models.Q(verb="removed") | models.Q(parent__isnull=True),
            ),
        ]
        indexes = [models.Index(fields=["hierarchy", "id"], name="hierarchy_move_feed")]  # the API's cursor

    def __str__(self) -> str:
        return f"{self.hierarchy_id} {self.number}: {self.verb} {self.record_id}"
