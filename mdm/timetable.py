"""What runs by the clock: the beat reads it from the settings, and PostgreSQL says what is due."""

from typing import Any

# `schedule` is seconds, or "HH:MM" (UTC) for once a night. `expires` keeps a stopped worker's queue short.
BY_NIGHT = {"queue": "maintenance", "expires": 3600}
TIMETABLE: dict[str, dict[str, Any]] = {
    "matching-sweep": {"task": "matching.tasks.sweep", "schedule": 5.0, "options": {"queue": "match", "expires": 5}},
    "stewardship-bulk": {
        "task": "stewardship.tasks.bulk_sweep",
        "schedule": 10.0,
        "options": {"queue": "maintenance", "expires": 10},
    },
    "matching-prepare": {
        "task": "matching.tasks.prepare_all",
        "schedule": "03:10",
        "options": {"queue": "match", "expires": 3600},
    },
    "matching-measure": {"task": "matching.tasks.measure_all", "schedule": "03:20", "options": BY_NIGHT},
    "matching-rules": {
        "task": "matching.tasks.rules_work",
        "schedule": 10.0,
        "options": {"queue": "maintenance", "expires": 10},
    },
    "publishing-attend": {
        "task": "publishing.tasks.attend",
        "schedule": 1.0,
        "options": {"queue": "publish", "expires": 2},
    },
    # In both workers: one that is dead, or busy with a long file, must not keep its own trouble to itself.
    "publishing-watch": {
        "task": "publishing.tasks.watch",
        "schedule": 15.0,
        "options": {"queue": "maintenance", "expires": 15},
    },
    "publishing-watch-too": {
        "task": "publishing.tasks.watch",
        "schedule": 15.0,
        "options": {"queue": "publish", "expires": 15},
    },
    "publishing-files": {
        "task": "publishing.tasks.files_sweep",
        "schedule": 20.0,
        "options": {"queue": "publish", "expires": 20},
    },
    "publishing-files-tidy": {
        "task": "publishing.tasks.tidy_files",
        "schedule": "03:40",
        "options": {"queue": "publish", "expires": 3600},
    },
    "publishing-purge": {"task": "publishing.tasks.purge", "schedule": "02:40", "options": BY_NIGHT},
    "publishing-compare": {
        "task": "publishing.tasks.compare_sweep",
        "schedule": 5.0,
        "options": {"queue": "maintenance", "expires": 5},
    },
    "publishing-compare-all": {"task": "publishing.tasks.compare_all", "schedule": "04:20", "options": BY_NIGHT},
    "import-sweep": {"task": "mdm.tasks.sweep", "schedule": 10.0, "options": {"queue": "import", "expires": 10}},
    "dry-run-sweep": {
        "task": "stewardship.tasks.dry_run_sweep",
        "schedule": 10.0,
        "options": {"queue": "import", "expires": 10},
    },
    "lists-sweep": {
        "task": "stewardship.tasks.lists_sweep",
        "schedule": 10.0,
        "options": {"queue": "import", "expires": 10},
    },
    "lists-tidy": {"task": "stewardship.tasks.tidy_lists", "schedule": "03:50", "options": BY_NIGHT},
    "watch-folders": {
        "task": "mdm.tasks.watch_folders",
        "schedule": 15.0,
        "options": {"queue": "import", "expires": 15},
    },
    "end-edits": {"task": "mdm.tasks.end_edits", "schedule": 60.0, "options": {"queue": "maintenance", "expires": 60}},
    "begin-scheduled": {
        "task": "stewardship.tasks.begin_scheduled",
        "schedule": 30.0,
        "options": {"queue": "maintenance", "expires": 30},
    },
    "pulse-worker": {
        "task": "mdm.tasks.pulse",
        "args": ["worker"],
        "schedule": 5.0,
        "options": {"queue": "maintenance", "expires": 5},
    },
    "pulse-publisher": {
        "task": "mdm.tasks.pulse",
        "args": ["publisher"],
        "schedule": 5.0,
        "options": {"queue": "publish", "expires": 5},
    },
    "publishing-witness": {
        "task": "publishing.tasks.witness",
        "schedule": 10.0,
        "options": {"queue": "publish", "expires": 10},
    },
    "publishing-partitions": {
        "task": "publishing.tasks.partitions",
        "schedule": 3600.0,
        "options": {"queue": "maintenance", "expires": 3600},
    },
    "log-partitions": {
        "task": "mdm.tasks.partitions",
        "schedule": 3600.0,
        "options": {"queue": "maintenance", "expires": 3600},
    },
    "stewardship-digests": {
        "task": "stewardship.tasks.send_digests",
        "schedule": 900.0,
        "options": {"queue": "maintenance", "expires": 900},
    },
    "verify-log": {"task": "mdm.tasks.verify", "schedule": "03:10", "options": BY_NIGHT},
}
