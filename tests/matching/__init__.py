"""Matching: which source record is which golden record."""
