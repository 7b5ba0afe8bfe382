"""What people decide, kept for good."""

from stewardship.models.decisions import Decision, Verb
from stewardship.models.requests import ChangeRequest, RequestState

__all__ = ["ChangeRequest", "Decision", "RequestState", "Verb"]
