"""How good matching is: the figures of the page, and the samples they were measured from."""

from dataclasses import asdict
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from api.cursors import list_cursor, read_list_cursor
from api.scopes import read_scope
from api.views.base import AllAtOnce, ApiView, client_of, only, require_scope, whole_number
from api.views.changes import readable_domains, words
from matching.measured import Picture, picture
from matching.measuring import Stratum
from matching.models import Measurement
from mdm.domains import BY_NAME
from mdm.errors import NotFound

PAGE, MOST = 30, 200
# What is told of a sample. Values of records, which may be restricted, are not: neither keys nor rows.
FIGURES = (
    "records", "sampled", "pairs_per_record", "most_pairs", "without_pair", "near_pairs", "histogram", "review", "auto",
    "block_cap", "passes", "seconds",
)  # fmt: skip


class QualityView(ApiView):
    """Precision and recall of one domain's matching as far as people's decisions tell, each with its interval."""

    def get(self, request: Request, slug: str) -> Response:
        only(request.query_params, ())
        domain = next((one for one in BY_NAME.values() if one.slug == slug), None)
        if domain is None:
            raise NotFound(f"There is no domain {slug}.", f"Known are: {', '.join(d.slug for d in BY_NAME.values())}.")
        require_scope(client_of(request), read_scope(domain))
        return Response(_quality(picture(domain)))


class MeasurementsView(ApiView):
    """A page of the samples measured, newest first. The permission is looked at on every page."""

    def get(self, request: Request) -> Response:
        params = request.query_params
        checks = AllAtOnce()
        checks.of(lambda: only(params, ("cursor", "limit", "domain")), None)
        domains = checks.of(lambda: words(params.get("domain", ""), "domain", list(BY_NAME)), list[str]())
        limit = checks.of(
            lambda: whole_number(params.get("limit", ""), "limit", least=1, most=MOST, default=PAGE, cap=True), 1
        )
        checks.end()
        question = {"domain": sorted(domains)}
        before = read_list_cursor(params.get("cursor", ""), question)
        kept = Measurement.objects.filter(domain__in=readable_domains(client_of(request), domains))
        if before:
            kept = kept.filter(pk__lt=int(before))
        rows = list(kept.order_by("-pk")[: limit + 1])
        more, rows = len(rows) > limit, rows[:limit]
        return Response(
            {
                "items": [_measurement(row) for row in rows],
                "next_cursor": list_cursor(str(rows[-1].pk) if more else "", question),
                "has_more": more,
            }
        )


def _quality(found: Picture) -> dict[str, Any]:
    return {
        "domain": found.domain.name,
        "links": _stratum(found.links),
        "questions": _stratum(found.questions),
        "near": _stratum(found.near),
        "found": asdict(found.found) if found.found else None,
        "asked": asdict(found.asked) if found.asked else None,
        "calibration": [
            {"low": one.low, "high": one.high, "predicted": one.predicted, "said": _share(one.said)}
            for one in found.bins
        ],
        "off_by": found.off_by,
        "waiting": found.waiting,
        "measurement": _measurement(found.measurement) if found.measurement else None,
    }


def _stratum(found: Stratum) -> dict[str, Any]:
    return {"pairs": found.pairs, "said": _share(found.said)}


def _share(found: Any) -> dict[str, Any]:
    return {"value": found.value, "low": found.low, "high": found.high, "hits": found.hits, "of": found.of}


def _measurement(row: Measurement) -> dict[str, Any]:
    undone = row.figures.get("undone", {})
    return {
        "id": row.pk,
        "domain": row.domain,
        "at": row.at,
        "by": row.by,
        **{name: row.figures.get(name) for name in FIGURES},
        "undone": {"links": undone.get("links", 0), "median_days": undone.get("median_days")},
    }
