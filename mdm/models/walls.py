"""Walls that live in PostgreSQL, declared in a model's Meta.constraints so that a generated migration builds them.

They are constraints in Django's sense (named, migrated, removable) whose SQL happens to be a trigger.
"""

from typing import Any

from django.db import models
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

# The role the product connects as; it never owns these tables, so what is revoked here stays revoked.
APP_ROLE = "assay_app"


class Wall(models.BaseConstraint):
    """A constraint made of raw SQL. It never validates in Python: only the database decides."""

    def _create(self, table: str) -> str:
        raise NotImplementedError

    def _remove(self, table: str) -> str:
        raise NotImplementedError

    def constraint_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        """Run after CREATE TABLE, as a trigger cannot stand inside it."""
        if model is not None and schema_editor is not None:
            schema_editor.deferred_sql.append(self._create(model._meta.db_table))
        return ""

    def create_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        return self._create(model._meta.db_table) if model is not None else ""

    def remove_sql(self, model: type[models.Model] | None, schema_editor: BaseDatabaseSchemaEditor | None) -> str:
        return self._remove(model._meta.db_table) if model is not None else ""

    def validate(self, *args: Any, **kwargs: Any) -> None:
        return None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Wall) and self.deconstruct() == other.deconstruct()

    def __hash__(self) -> int:
        return hash(self.name)


class AppendOnly(Wall):
    """Rows may be added and never changed, removed or truncated, whoever asks.

    ``once`` names columns that may be filled in once, later (the sequencer numbers an event after its commit): each
    must be null before, and nothing else may differ. The session setting ``assay.allow_truncate`` opens TRUNCATE for
    throw-away test databases only; the application role is denied it by privilege as well.
    """

    def __init__(self, *, name: str, once: tuple[str, ...] = ()) -> None:
        super().__init__(name=name)
        self.once = once

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, tuple(args), {**kwargs, "once": self.once}

    def function(self, table: str) -> str:
        """What decides; made anew where it stands already."""
        before = f"DECLARE before {table}%ROWTYPE;" if self.once else ""
        return f"""
CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $wall$
{before} BEGIN
  IF TG_OP = 'TRUNCATE' AND current_setting('assay.allow_truncate', true) = 'on' THEN RETURN NULL; END IF;
  {self._once_clause()}
  RAISE EXCEPTION '{table} is append-only: % refused', TG_OP USING ERRCODE = 'integrity_constraint_violation';
END $wall$;"""

    def _create(self, table: str) -> str:
        grant = f"GRANT UPDATE ({', '.join(self.once)}) ON {table} TO {APP_ROLE};" if self.once else ""
        return f"""{self.function(table)}
CREATE TRIGGER {self.name} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION {self.name}();
CREATE TRIGGER {self.name}_all BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {self.name}();
DO $wall$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APP_ROLE}') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {APP_ROLE}; {grant}
  END IF;
END $wall$"""

    def _once_clause(self) -> str:
        if not self.once:
            return ""
        empty = " AND ".join(f"OLD.{column} IS NULL AND NEW.{column} IS NOT NULL" for column in self.once)
        filled = " ".join(f"before.{column} := NEW.{column};" for column in self.once)
        return f"""
  IF TG_OP = 'UPDATE' AND {empty} THEN
    before := OLD; {filled}
    IF before IS NOT DISTINCT FROM NEW THEN RETURN NEW; END IF;
  END IF;"""

    def _remove(self, table: str) -> str:
        return (
            f"DROP TRIGGER {self.name} ON {table}; DROP TRIGGER {self.name}_all ON {table}; DROP FUNCTION {self.name}()"
        )


class OncePerPartition(Wall):
    """No two rows of one partition share these columns.

    PostgreSQL knows no uniqueness across partitions for columns they are not cut by. The indexes are made with each
    partition (``mdm.partitions``); across partitions others guard it, see docs/adr/0008.
    """

    def __init__(self, *, name: str, fields: tuple[str, ...]) -> None:
        super().__init__(name=name)
        self.fields = tuple(fields)

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, tuple(args), {**kwargs, "fields": self.fields}

    def _create(self, table: str) -> str:
        return ""

    def _remove(self, table: str) -> str:
        return ""


class Versioned(Wall):
    """At commit, a golden row must have a version written in the same transaction, whatever wrote the row.

    Checked once per written row by a deferred constraint trigger: the version table of the record's domain must hold
    a row with the record's current version number and this transaction's id. ``update()``, raw SQL and psql are
    caught alike. ``column`` is the column that holds the record's id.

    Which version table to look into is asked of ``assay_version_stands``, which names each of them: with the name put
    into the statement row by row, PostgreSQL planned it row by row, at ten times the cost of the look itself.
    """

    def __init__(self, *, name: str, column: str) -> None:
        super().__init__(name=name)
        self.column = column

    def deconstruct(self) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
        path, args, kwargs = super().deconstruct()
        return path, tuple(args), {**kwargs, "column": self.column}

    def function(self, table: str) -> str:
        """What decides; made anew where it stands already."""
        return f"""
CREATE OR REPLACE FUNCTION {self.name}() RETURNS trigger LANGUAGE plpgsql AS $wall$
DECLARE golden record; subject uuid;
BEGIN
  IF TG_OP = 'DELETE' THEN subject := OLD.{self.column}; ELSE subject := NEW.{self.column}; END IF;
  SELECT domain, version INTO golden FROM mdm_goldenrecord WHERE id = subject;
  IF NOT FOUND THEN RAISE EXCEPTION 'golden record % is gone: golden records are never deleted', subject; END IF;
  IF NOT assay_version_stands(golden.domain, subject, golden.version) THEN
    RAISE EXCEPTION 'golden record % was written without a version: % of {table} refused', subject, TG_OP
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $wall$;"""

    def _create(self, table: str) -> str:
        return f"""{self.function(table)}
DO $wall$ BEGIN
  IF to_regproc('assay_learn_versions') IS NOT NULL THEN PERFORM assay_learn_versions(); END IF;
END $wall$;
CREATE CONSTRAINT TRIGGER {self.name} AFTER INSERT OR UPDATE OR DELETE ON {table}
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {self.name}()"""

    def _remove(self, table: str) -> str:
        return f"DROP TRIGGER {self.name} ON {table}; DROP FUNCTION {self.name}()"
