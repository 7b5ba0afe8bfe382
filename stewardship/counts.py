"""The numbers in the side bar: what waits for people, by URL name."""

from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from matching.models import CandidateState, MatchCandidate
from stewardship import permissions
from stewardship.models import ChangeRequest, RequestState


def navigation(request: HttpRequest) -> dict[str, object]:
    """Context processor: ``navigation_counts``, read only where a side bar is drawn. Two index-only queries."""
    return {"navigation_counts": SimpleLazyObject(lambda: waiting(request))}


def waiting(request: HttpRequest) -> dict[str, int]:
    """{URL name: number waiting}; nothing for people who may not see master data."""
    if not permissions.may_see(getattr(request, "user", None)):
        return {}
    return {
        "stewardship:queue": MatchCandidate.objects.filter(state=CandidateState.OPEN).count(),
        "stewardship:requests": ChangeRequest.objects.filter(state=RequestState.OPEN).count(),
    }
