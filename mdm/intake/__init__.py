"""From a file to source records: receive keeps a file as a batch, read takes its rows; bad rows wait in quarantine."""

from mdm.intake.batches import due, read
from mdm.intake.feeds import feeds_for, find_feed, save_feed
from mdm.intake.receiving import receive, stored_file

__all__ = ["due", "feeds_for", "find_feed", "read", "receive", "save_feed", "stored_file"]
