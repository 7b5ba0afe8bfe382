"""Plans for batches while tables fill: what PostgreSQL believes of their size is minutes old, or nothing at all."""

from collections.abc import Iterable

from django.db import connection, models

_LEFT_OUT = ("enable_seqscan", "enable_bitmapscan", "enable_mergejoin", "enable_hashjoin")
# What has no index to go by is still read as a whole, at a cost that would have every plan compiled.
_BY_INDEX = ", ".join(f"set_config('{name}', 'off', true)" for name in (*_LEFT_OUT, "jit"))


def by_index() -> None:
    """Until the transaction ends, rows are looked up one by one wherever an index leads to them.

    For statements that name a batch of rows. With statistics of a smaller table, or none, PostgreSQL compares every
    row of the table with each of the batch, joins it with a whole index, or reads and sorts where the first row of an
    index would do.
    """
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {_BY_INDEX}")


def keep_statistics(filled: Iterable[type[models.Model]]) -> int:
    """Have those of the tables analysed that were not yet, or are four times as large by now; how many.

    For whoever fills them by thousands, between two transactions: autovacuum looks once a minute, and until then
    PostgreSQL takes a thousand named rows for most of the table, and what is rare in it for what is usual.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT assay_analyze_grown(%s)", [[model._meta.db_table for model in filled]])
        return int(cursor.fetchone()[0])
