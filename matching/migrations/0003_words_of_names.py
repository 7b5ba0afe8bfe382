from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("matching", "0002_relations_and_measurements"),
    ]

    operations = [
        migrations.AddField(
            model_name="prepared",
            name="words",
            field=ArrayField(base_field=models.TextField(), default=list, size=None),
        ),
        migrations.AddIndex(
            model_name="prepared",
            index=GinIndex(fields=["words"], gin_pending_list_limit=256, name="prepared_words"),
        ),
        migrations.CreateModel(
            name="NameWord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("domain", models.CharField(max_length=32)),
                ("word", models.CharField(max_length=40)),
            ],
            options={
                "indexes": [
                    GinIndex(OpClass("word", name="gin_trgm_ops"), fastupdate=False, name="name_word_spelling")
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("domain", "word"),
                        name="name_word_is_kept_once_per_domain",
                        opclasses=["varchar_ops", "varchar_pattern_ops"],
                    )
                ],
            },
        ),
    ]
