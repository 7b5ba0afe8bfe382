"""People decide: work queues, change requests, permissions, pages."""
