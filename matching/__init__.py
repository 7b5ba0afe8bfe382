"""Which source record is which golden record."""
