"""What the interface document says of relations and of the quality of matching."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from api.document import CURSOR, limit, problems, query, reads
from api.shapes import Onward, shape, words
from api.views import measurements, relations
from matching.models import RelationKind
from mdm.domains import DOMAINS

Related = shape(
    "Relation",
    id=serializers.IntegerField(),
    domain=serializers.CharField(),
    kind=words(RelationKind.values),
    words=serializers.CharField(help_text='What is said of the first: "Parent of" the second, and so on.'),
    first=Onward(help_text="Of a parent and of a former record, that one; else the order says nothing."),
    second=Onward(),
    by=serializers.CharField(),
    at=serializers.DateTimeField(),
    reason=serializers.CharField(allow_blank=True),
)
Relations = shape(
    "Relations",
    items=Related(many=True),
    next_cursor=serializers.CharField(allow_null=True),
    has_more=serializers.BooleanField(),
)
Share = shape(
    "Share",
    value=serializers.FloatField(allow_null=True, help_text="Null where nobody looked."),
    low=serializers.FloatField(help_text="The true share lies from here with 95 % certainty,"),
    high=serializers.FloatField(help_text="up to here."),
    hits=serializers.IntegerField(),
    of=serializers.IntegerField(),
)
Stratum = shape("Stratum", pairs=serializers.FloatField(), said=Share(help_text="What people called the same."))
Recall = shape(
    "Recall", value=serializers.FloatField(), low=serializers.FloatField(), high=serializers.FloatField()
)  # fmt: skip
Bin = shape(
    "CalibrationBin",
    low=serializers.FloatField(),
    high=serializers.FloatField(),
    predicted=serializers.FloatField(),
    said=Share(),
)
Bar = shape(
    "HistogramBar",
    **{"from": serializers.IntegerField(help_text="Points; two to a bar.")},
    one=serializers.IntegerField(help_text="Pairs that are one golden record today."),
    two=serializers.IntegerField(help_text="Pairs that are two."),
)
Pass = shape(
    "BlockingPass",
    features=serializers.ListField(child=serializers.CharField()),
    records=serializers.IntegerField(help_text="Sampled records it speaks for."),
    left_out=serializers.IntegerField(help_text="Those of them whose keys all are held by too many to compare."),
)
Undone = shape(
    "UndoneLinks",
    links=serializers.IntegerField(help_text="Links made without a person that no longer stand."),
    median_days=serializers.FloatField(allow_null=True),
)
Sample = shape(
    "Measurement",
    id=serializers.IntegerField(),
    domain=serializers.CharField(),
    at=serializers.DateTimeField(),
    by=serializers.CharField(),
    records=serializers.IntegerField(),
    sampled=serializers.IntegerField(),
    pairs_per_record=serializers.FloatField(),
    most_pairs=serializers.IntegerField(),
    without_pair=serializers.IntegerField(),
    near_pairs=serializers.FloatField(),
    histogram=Bar(many=True),
    review=serializers.FloatField(),
    auto=serializers.FloatField(),
    block_cap=serializers.IntegerField(),
    passes=Pass(many=True),
    seconds=serializers.FloatField(),
    undone=Undone(),
)
Samples = shape(
    "Measurements",
    items=Sample(many=True),
    next_cursor=serializers.CharField(allow_null=True),
    has_more=serializers.BooleanField(),
)
Quality = shape(
    "MatchingQuality",
    domain=serializers.CharField(),
    links=Stratum(help_text="Links matching made by itself; of some, drawn at random, people said whether they hold."),
    questions=Stratum(help_text="Pairs people were asked about."),
    near=Stratum(help_text="Pairs that score just below a question, as far as a sample tells."),
    found=Recall(allow_null=True, help_text="Recall of what matching links by itself."),
    asked=Recall(allow_null=True, help_text="Recall of links and questions together."),
    calibration=Bin(many=True),
    off_by=serializers.FloatField(allow_null=True, help_text="By how much scores and decisions differ on average."),
    waiting=serializers.IntegerField(help_text="Open questions."),
    measurement=Sample(allow_null=True, help_text="The newest sample."),
)
_DOMAIN = query("domain", "Only these domains, separated by commas; else all the token may read.")
relations_document: Any = reads(
    operation_id="list_relations",
    tags=["Relations"],
    summary="What is related and not the same",
    description="Parent and subsidiary, former record and successor, equivalents: what people said and did not take "
    "back, oldest first. Merges are followed. Needs the scope of each domain it is about.",
    parameters=[
        CURSOR,
        limit(relations.PAGE, relations.MOST),
        _DOMAIN,
        query("kind", f"Only these kinds, separated by commas: {', '.join(RelationKind.values)}."),
        query("record", "Only relations of this golden record, by id or code."),
    ],
    responses={200: Relations, **problems(400, 404)},
)
measurements_document: Any = reads(
    operation_id="list_measurements",
    tags=["Quality of matching"],
    summary="Samples measured, newest first",
    description="One is measured every night, for every domain; nothing in it shows the values of a record.",
    parameters=[CURSOR, limit(measurements.PAGE, measurements.MOST), _DOMAIN],
    responses={200: Samples, **problems(400)},
)
quality_document: Any = reads(
    operation_id="read_quality",
    tags=["Quality of matching"],
    summary="Precision and recall from people's decisions",
    description="The figures of the hub's own page, each with its interval.",
    parameters=[
        OpenApiParameter("slug", OpenApiTypes.STR, OpenApiParameter.PATH, description=f"{DOMAINS[0].slug} and so on.")
    ],
    responses={200: Quality, **problems(400, 404)},
)
