"""Boards: how work, sources and quality stand. Every figure is counted from what its link shows."""
