import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("mdm", "0001_initial"),
        ("stewardship", "0002_decision_evidence"),
    ]

    operations = [
        migrations.AddField(model_name="changerequest", name="parts", field=models.JSONField(default=dict)),
        migrations.AddField(model_name="changerequest", name="alike", field=models.JSONField(default=list)),
        migrations.AddField(model_name="changerequest", name="although", field=models.TextField(blank=True)),
        migrations.AlterField(
            model_name="changerequest",
            name="record",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="requests",
                to="mdm.goldenrecord",
            ),
        ),
        migrations.AddConstraint(
            model_name="changerequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("base_version__gt", 0), ("record__isnull", False)),
                    models.Q(("base_version", 0), ("record__isnull", False), ("state", "approved")),
                    models.Q(
                        ("base_version", 0), ("record__isnull", True), models.Q(("state", "approved"), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="change_request_names_a_new_record_exactly_when_it_is_made",
            ),
        ),
        migrations.AddConstraint(
            model_name="changerequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("base_version", 0), models.Q(("alike", []), ("although", ""), ("parts", {})), _connector="OR"
                ),
                name="change_request_of_an_existing_record_has_no_parts",
            ),
        ),
    ]
