"""Nothing of the log is dropped that a lane or a replay has not read: an endpoint that stands still loses nothing."""

from django.db import migrations

WALL = """
CREATE FUNCTION log_cut_is_behind_every_lane()
RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $body$
DECLARE behind text;
BEGIN
  SELECT string_agg(e.code, ', ' ORDER BY e.code) INTO behind FROM publishing_lane l
    JOIN publishing_endpoint e ON e.id = l.endpoint_id
    WHERE (e.kind <> 'witness' AND l.cursor_low < NEW.through_seq)
    OR EXISTS (SELECT FROM publishing_replay r WHERE r.endpoint_id = e.id AND r.state IN ('waiting', 'running')
               AND r.cursor < NEW.through_seq);
  IF behind IS NOT NULL THEN
    RAISE EXCEPTION 'these endpoints have not been told yet: %', behind USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $body$;
CREATE TRIGGER log_cut_is_behind_every_lane BEFORE INSERT ON mdm_logcut
  FOR EACH ROW EXECUTE FUNCTION log_cut_is_behind_every_lane();
"""
NO_WALL = """
DROP TRIGGER log_cut_is_behind_every_lane ON mdm_logcut;
DROP FUNCTION log_cut_is_behind_every_lane();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("mdm", "0011_cuts"),
        ("publishing", "0006_attempt_partitions"),
    ]

    operations = [migrations.RunSQL(WALL, NO_WALL)]
