"""The numbers in the side bar: what waits for people, by URL name."""

from django.db import connection
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from stewardship import permissions

# Each half is answered from an index alone, all of them in one round trip.
_WAITING = """
SELECT (SELECT count(*) FROM matching_matchcandidate WHERE state = 'open'),
       (SELECT count(*) FROM stewardship_changerequest WHERE state = 'open'),
       (SELECT count(*) FROM stewardship_mention WHERE person_id = %s AND seen_at IS NULL)
"""


def navigation(request: HttpRequest) -> dict[str, object]:
    """Context processor: ``navigation_counts``, read only where a side bar is drawn. One query."""
    return {"navigation_counts": SimpleLazyObject(lambda: waiting(request))}


def waiting(request: HttpRequest) -> dict[str, int]:
    """{URL name: number waiting}; nothing for people who may not see master data."""
    user = getattr(request, "user", None)
    if user is None or not permissions.may_see(user):
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_WAITING, [user.pk])
        questions, requests, mentions = cursor.fetchone()
    return {"stewardship:queue": questions, "stewardship:requests": requests, "stewardship:notices": mentions}
