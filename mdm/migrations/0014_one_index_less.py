"""Indexes of source records that others cover."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mdm', '0013_walls_planned_once'),
    ]

    operations = [
        migrations.AlterField(
            model_name='sourcerecord',
            name='batch',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='source_records', to='mdm.batch'),
        ),
        migrations.AlterField(
            model_name='sourcerecord',
            name='system',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='records', to='mdm.sourcesystem'),
        ),
    ]
