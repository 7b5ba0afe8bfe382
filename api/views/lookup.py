"""Look-up by any system's own key, or by any identifier."""

from rest_framework.request import Request
from rest_framework.response import Response

from api import present
from api.views.base import ApiView, client_of, only
from api.views.changes import readable_domains
from mdm.domains import BY_NAME
from mdm.errors import Invalid, NotFound
from mdm.queries import lookup
from publishing.crosswalk import by_local_id

PARAMS = ("system", "key", "identifier", "domain")


class LookupView(ApiView):
    """Which golden record is this? Merges are followed; within the domains the token may read."""

    def get(self, request: Request) -> Response:
        params = request.query_params
        only(params, PARAMS)
        asked = [word for word in params.get("domain", "").split(",") if word]
        unknown = [word for word in asked if word not in BY_NAME]
        if unknown:
            known = ", ".join(BY_NAME)
            raise Invalid("There is no such domain.", problems=[("domain", f"{unknown[0]} is none of {known}.")])
        hits = lookup(
            system=params.get("system", ""),
            key=params.get("key", ""),
            identifier=params.get("identifier", ""),
            domains=readable_domains(client_of(request), asked),
            also=by_local_id,
        )
        if not hits:
            raise NotFound(
                "No golden record is known by that.",
                "Check the spelling. A record sent a moment ago may still be waiting to be matched.",
            )
        return Response({"items": [present.hit(found) for found in hits]})
