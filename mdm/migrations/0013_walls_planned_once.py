"""The walls name the tables they look into, so that PostgreSQL plans their statements once and not row by row."""

from typing import Any

from django.db import migrations

from mdm.models.walls import AppendOnly, Versioned

VERSIONS = """
-- Makes assay_version_stands anew, with a branch for each version table there is; called where a wall is made.
CREATE FUNCTION assay_learn_versions() RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $body$
DECLARE branches text;
BEGIN
  SELECT string_agg(format(
    'IF $1 = %L THEN RETURN EXISTS (SELECT FROM %I WHERE record_id = $2 AND version = $3'
    ' AND written_in = pg_current_xact_id()::text::bigint); END IF;',
    substring(table_name from 'mdm_(.*)_version'), table_name), E'\n' ORDER BY table_name)
  INTO branches FROM information_schema.columns
  WHERE table_schema = 'public' AND column_name = 'written_in' AND table_name ~ '^mdm_.*_version$';
  EXECUTE format($outer$
    CREATE OR REPLACE FUNCTION assay_version_stands(domain text, subject uuid, number integer)
    RETURNS boolean LANGUAGE plpgsql AS $inner$
    BEGIN
      %s
      RAISE EXCEPTION 'no versions are kept of %%', $1;
    END $inner$ $outer$, branches);
END $body$;
REVOKE ALL ON FUNCTION assay_learn_versions() FROM PUBLIC;
SELECT assay_learn_versions();
"""

STANDING = """
SELECT t.tgname, c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgname LIKE '%\\_write\\_has\\_a\\_version' AND t.tgparentid = 0 ORDER BY 1
"""


def renew(apps: Any, schema_editor: Any) -> None:
    """The functions of the walls that stand, as they are written today."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(STANDING)
        for name, table in cursor.fetchall():
            column = "id" if table == "mdm_goldenrecord" else "record_id"
            cursor.execute(Versioned(name=name, column=column).function(table))
        log = AppendOnly(name="change_event_is_append_only", once=("seq", "hash"))
        cursor.execute(log.function("mdm_changeevent"))


class Migration(migrations.Migration):
    dependencies = [
        ("mdm", "0012_what_the_sequencer_remembers"),
    ]

    operations = [
        migrations.RunSQL(VERSIONS, migrations.RunSQL.noop),
        migrations.RunPython(renew, migrations.RunPython.noop),
    ]
