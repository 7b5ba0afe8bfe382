"""The log is cut into partitions of a million ids. Rows are copied: 9 s for 200,000 events of 2 kB."""

import django.db.models.deletion
from django.db import migrations, models

import mdm.identity
import mdm.models.walls

FUNCTIONS = """
-- Every partition of a table with its bounds as written, the default one left out.
CREATE FUNCTION assay_partitions(parent regclass)
RETURNS TABLE (name text, low text, high text) LANGUAGE sql STABLE SET search_path = pg_catalog, public AS $body$
  SELECT c.relname::text,
         (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$FROM \\('?([^')]*)'?\\)$$))[1],
         (regexp_match(pg_get_expr(c.relpartbound, c.oid), $$TO \\('?([^')]*)'?\\)$$))[1]
  FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
  WHERE i.inhparent = parent AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT'
$body$;

-- What every partition of the log has besides what it inherits; the role of the product reaches it by the log only.
CREATE FUNCTION assay_log_furnish(partition text)
RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $body$
BEGIN
  EXECUTE format('CREATE UNIQUE INDEX %I ON %I (seq)', partition || '_seq', partition);
  EXECUTE format('CREATE UNIQUE INDEX %I ON %I (uid)', partition || '_uid', partition);
  EXECUTE format('CREATE UNIQUE INDEX %I ON %I (record_id, version)', partition || '_version', partition);
  EXECUTE format('CREATE TRIGGER change_event_is_append_only_all BEFORE TRUNCATE ON %I FOR EACH STATEMENT '
                 'EXECUTE FUNCTION change_event_is_append_only()', partition);
  EXECUTE format('ALTER TABLE %I SET (autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05)',
                 partition);
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'assay_app') THEN
    EXECUTE format('REVOKE ALL ON %I FROM assay_app', partition);
  END IF;
END $body$;

-- Partitions of a million ids, until two stand ready beyond the newest id. Returns how many were made.
-- Where ids have gone to the default partition meanwhile they stay there: the next one begins after them.
CREATE FUNCTION assay_log_make_partitions()
RETURNS integer LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '300ms' AS $body$
DECLARE size constant bigint := 1000000; made integer := 0; upper bigint; newest bigint; spilled bigint; part text;
BEGIN
  SELECT coalesce(max(high::bigint), 0) INTO upper FROM assay_partitions('mdm_changeevent');
  newest := coalesce(pg_sequence_last_value(pg_get_serial_sequence('mdm_changeevent', 'id')::regclass), 0);
  SELECT coalesce(max(id), -1) INTO spilled FROM mdm_changeevent_default;
  IF spilled >= upper THEN upper := (greatest(newest, spilled) / size + 1) * size; END IF;
  WHILE upper <= (newest / size + 2) * size LOOP
    part := 'mdm_changeevent_p' || lpad((upper / size)::text, 6, '0');
    EXECUTE format('CREATE TABLE %I (LIKE mdm_changeevent INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', part);
    PERFORM assay_log_furnish(part);
    EXECUTE format('ALTER TABLE mdm_changeevent ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                   part, upper, upper + size);
    made := made + 1; upper := upper + size;
  END LOOP;
  RETURN made;
END $body$;

-- A partition nothing is added to any more learns which numbers it holds, so that readers of others pass it over.
-- Returns those whose new bound still has to be validated (assay_log_validate).
CREATE FUNCTION assay_log_seal_partitions()
RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '300ms' AS $body$
DECLARE size constant bigint := 1000000; newest bigint; part record; numbers record; open_one boolean;
BEGIN
  newest := coalesce(pg_sequence_last_value(pg_get_serial_sequence('mdm_changeevent', 'id')::regclass), 0);
  FOR part IN SELECT p.name FROM assay_partitions('mdm_changeevent') p
              WHERE p.high::bigint + size <= newest
                AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conname = p.name || '_sealed') ORDER BY 1 LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I WHERE seq IS NULL)', part.name) INTO open_one;
    EXECUTE format('SELECT min(seq) AS low, max(seq) AS high FROM %I', part.name) INTO numbers;
    CONTINUE WHEN open_one OR numbers.low IS NULL;
    EXECUTE format('ALTER TABLE %I ADD CONSTRAINT %I CHECK (seq IS NOT NULL AND seq >= %s AND seq <= %s) NOT VALID',
                   part.name, part.name || '_sealed', numbers.low, numbers.high);
  END LOOP;
  RETURN QUERY SELECT conrelid::regclass::text FROM pg_constraint
               WHERE conname LIKE 'mdm_changeevent_p%_sealed' AND NOT convalidated;
END $body$;

-- Reads one sealed partition through once, without holding anybody up.
CREATE FUNCTION assay_log_validate(partition text)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp SET lock_timeout = '300ms' AS $body$
BEGIN
  IF partition !~ '^mdm_changeevent_p[0-9]{6}$' THEN RAISE EXCEPTION '% is no partition of the log', partition; END IF;
  EXECUTE format('ALTER TABLE %I VALIDATE CONSTRAINT %I', partition, partition || '_sealed');
END $body$;

REVOKE ALL ON FUNCTION assay_log_furnish(text), assay_log_make_partitions(), assay_log_seal_partitions(),
  assay_log_validate(text) FROM PUBLIC;
DO $body$ BEGIN
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'assay_app') THEN
    GRANT EXECUTE ON FUNCTION assay_log_make_partitions(), assay_log_seal_partitions(), assay_log_validate(text)
      TO assay_app;
  END IF;
END $body$;
"""

CUT = """
CREATE TEMP TABLE pointing ON COMMIT DROP AS
  SELECT conrelid::regclass::text AS place, conname, pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE contype = 'f' AND confrelid = 'mdm_changeevent'::regclass;
DO $body$ DECLARE one record; BEGIN
  FOR one IN SELECT * FROM pointing LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.place, one.conname);
  END LOOP;
END $body$;
ALTER TABLE mdm_changeevent RENAME TO mdm_changeevent_before;
ALTER SEQUENCE mdm_changeevent_id_seq RENAME TO mdm_changeevent_before_id_seq;
CREATE TABLE mdm_changeevent (LIKE mdm_changeevent_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS)
  PARTITION BY RANGE (id);
ALTER TABLE mdm_changeevent ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;
SELECT setval(pg_get_serial_sequence('mdm_changeevent', 'id')::regclass, greatest(max(id), 1), max(id) IS NOT NULL)
  FROM mdm_changeevent_before;
CREATE TABLE mdm_changeevent_default (LIKE mdm_changeevent INCLUDING DEFAULTS INCLUDING CONSTRAINTS);
SELECT assay_log_furnish('mdm_changeevent_default');
ALTER TABLE mdm_changeevent ATTACH PARTITION mdm_changeevent_default DEFAULT;
SELECT assay_log_make_partitions();
INSERT INTO mdm_changeevent SELECT * FROM mdm_changeevent_before;
DROP TABLE mdm_changeevent_before;
ALTER TABLE mdm_changeevent ADD CONSTRAINT mdm_changeevent_pkey PRIMARY KEY (id);
CREATE INDEX event_unnumbered ON mdm_changeevent (id) WHERE seq IS NULL;
CREATE INDEX event_time ON mdm_changeevent (occurred_at);
CREATE INDEX event_actor ON mdm_changeevent (actor, occurred_at);
CREATE INDEX event_correlation ON mdm_changeevent (correlation_id);
ALTER TABLE mdm_changeevent ADD CONSTRAINT mdm_changeevent_record_id_1f434751_fk_mdm_goldenrecord_id
  FOREIGN KEY (record_id) REFERENCES mdm_goldenrecord (id) DEFERRABLE INITIALLY DEFERRED;
CREATE TRIGGER change_event_is_append_only BEFORE UPDATE OR DELETE ON mdm_changeevent
  FOR EACH ROW EXECUTE FUNCTION change_event_is_append_only();
CREATE TRIGGER change_event_is_append_only_all BEFORE TRUNCATE ON mdm_changeevent
  FOR EACH STATEMENT EXECUTE FUNCTION change_event_is_append_only();
DO $body$ DECLARE one record; BEGIN
  FOR one IN SELECT * FROM pointing LOOP
    EXECUTE format('ALTER TABLE %s ADD CONSTRAINT %I %s', one.place, one.conname, one.definition);
  END LOOP;
  IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = 'assay_app') THEN
    REVOKE UPDATE, DELETE, TRUNCATE ON mdm_changeevent FROM assay_app;
    GRANT UPDATE (seq, hash) ON mdm_changeevent TO assay_app;
  END IF;
END $body$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("mdm", "0009_liveness_epochs_checkpoints"),
    ]

    operations = [
        migrations.RunSQL(FUNCTIONS),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(CUT)],
            state_operations=[
                migrations.RemoveConstraint(model_name="changeevent", name="change_event_is_one_per_version"),
                migrations.AlterField(
                    model_name="changeevent",
                    name="record",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="events",
                        to="mdm.goldenrecord",
                    ),
                ),
                migrations.AlterField(model_name="changeevent", name="seq", field=models.BigIntegerField(null=True)),
                migrations.AlterField(
                    model_name="changeevent",
                    name="uid",
                    field=models.UUIDField(default=mdm.identity.uuid7, editable=False),
                ),
                *(
                    migrations.AddConstraint(
                        model_name="changeevent", constraint=mdm.models.walls.OncePerPartition(name=name, fields=fields)
                    )
                    for name, fields in (
                        ("change_event_number_is_given_once", ("seq",)),
                        ("change_event_id_is_used_once", ("uid",)),
                        ("change_event_is_one_per_version", ("record", "version")),
                    )
                ),
            ],
        ),
    ]
