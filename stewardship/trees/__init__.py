"""Changing trees: moves are drafted, sent, and approved by somebody else."""
