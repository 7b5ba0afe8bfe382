"""The head of the log is found by its number: a transaction held open keeps every older version of it."""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("mdm", "0020_watched_folders"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="loghead",
            options={"ordering": ["-seq"]},
        ),
        migrations.AddIndex(
            model_name="loghead",
            index=models.Index(fields=["-seq"], name="log_head_newest"),
        ),
    ]
