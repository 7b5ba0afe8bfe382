"""Statistics are kept up while tables fill, by those who fill them: autovacuum comes a minute later."""

from django.db import migrations

ANALYZE = """
-- Analyses those of the tables that never were, or have grown to four times what they were then; one that somebody
-- else analyses at this moment is passed over. A small sample tells what matters. Returns how many.
CREATE FUNCTION assay_analyze_grown(tables text[])
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET default_statistics_target = 25 AS $body$
DECLARE one record; done integer := 0;
BEGIN
  FOR one IN SELECT c.relname FROM pg_class c
             WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relname = ANY(tables)
               AND pg_relation_size(c.oid) / current_setting('block_size')::bigint
                 > greatest(16, CASE WHEN c.reltuples < 0 THEN 0 ELSE 4 * c.relpages END) LOOP
    EXECUTE format('ANALYZE (SKIP_LOCKED) %I', one.relname);
    done := done + 1;
  END LOOP;
  RETURN done;
END $body$;
REVOKE ALL ON FUNCTION assay_analyze_grown(text[]) FROM PUBLIC;
DO $body$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'assay_app') THEN
    GRANT EXECUTE ON FUNCTION assay_analyze_grown(text[]) TO assay_app;
  END IF;
END $body$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("mdm", "0014_one_index_less"),
    ]

    operations = [
        migrations.RunSQL(ANALYZE, "DROP FUNCTION assay_analyze_grown(text[])"),
    ]
