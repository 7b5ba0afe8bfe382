"""Links name the innermost standing merge that brought a source record here; so far they named the last one."""

from django.db import migrations

# One level deeper each time: the loser the link came from had itself got the source record by a standing merge.
DEEPER = """
UPDATE mdm_link link SET merge_id = inner_merge.id
FROM mdm_link before JOIN mdm_merge inner_merge ON inner_merge.id = before.merge_id
WHERE link.ended_at IS NULL AND inner_merge.undone_at IS NULL
  AND before.source_record_id = link.source_record_id AND before.ended_at IS NOT NULL
  AND before.record_id = coalesce((SELECT loser_id FROM mdm_merge WHERE id = link.merge_id), link.record_id)
  AND inner_merge.winner_id = before.record_id
  AND link.merge_id IS DISTINCT FROM inner_merge.id
  AND (link.merge_id IS NOT NULL OR link.method = 'unmerge')
"""


def deepen(apps, schema_editor):
    with schema_editor.connection.cursor() as cursor:
        for _ in range(1000):  # as deep as merges were ever chained; ends by itself
            cursor.execute(DEEPER)
            if not cursor.rowcount:
                return


class Migration(migrations.Migration):
    dependencies = [("mdm", "0016_pins")]
    operations = [migrations.RunPython(deepen, migrations.RunPython.noop, elidable=True)]
