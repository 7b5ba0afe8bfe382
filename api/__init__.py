"""Machines in and out: /api/v1, JSON only."""
