"""A last word, and what is told in full again after it, are messages of their own: each has an id no target has seen."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("publishing", "0007_cuts_behind_lanes")]

    operations = [
        migrations.AddField(
            model_name="delivery", name="message_id", field=models.UUIDField(blank=True, null=True)
        ),
        migrations.AddIndex(
            model_name="delivery",
            index=models.Index(
                condition=models.Q(("message_id__isnull", False)),
                fields=["message_id"],
                name="delivery_of_message",
            ),
        ),
    ]
