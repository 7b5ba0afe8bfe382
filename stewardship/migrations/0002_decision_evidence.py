from django.db import migrations, models

VERBS = [
    ("merge", "Merged"),
    ("reject", "Not a match"),
    ("relate", "Related, not the same"),
    ("skip", "Skipped"),
    ("split", "Split off"),
    ("keep", "Kept together"),
    ("unmerge", "Unmerged"),
    ("undo", "Undone"),
    ("retire", "Retired"),
    ("reinstate", "Reinstated"),
    ("propose", "Proposed"),
    ("approve", "Approved"),
    ("refuse", "Refused"),
    ("withdraw", "Withdrawn"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("stewardship", "0001_initial"),
    ]

    operations = [
        migrations.AddField(model_name="decision", name="evidence", field=models.JSONField(default=dict)),
        migrations.AddField(model_name="decision", name="relations", field=models.JSONField(default=list)),
        migrations.AlterField(
            model_name="decision", name="verb", field=models.CharField(choices=VERBS, max_length=10)
        ),
        migrations.RemoveConstraint(model_name="decision", name="decision_verb_is_known"),
        migrations.AddConstraint(
            model_name="decision",
            constraint=models.CheckConstraint(
                condition=models.Q(("verb__in", [verb for verb, _ in VERBS])), name="decision_verb_is_known"
            ),
        ),
    ]
