"""From a file to source records: readers, mapping, batch."""
