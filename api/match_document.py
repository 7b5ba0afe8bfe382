"""What the interface document says of search before create."""

from typing import Any

from rest_framework import serializers

from api.document import problems, writes
from api.scopes import read_scope
from api.shapes import ANYTHING, SourceKey, shape, words
from matching.searching import MOST_SHOWN
from mdm.domains import BY_NAME, DOMAINS
from mdm.intake.given import MOST_ROWS
from mdm.models import GoldenState

BANDS = ("auto", "review", "new")

Asked = shape(
    "MatchRequest",
    domain=words(BY_NAME),
    attributes=serializers.DictField(
        child=ANYTHING(allow_null=True),
        required=False,
        help_text="{attribute: value} as a source would send it; half a name is enough. A reference is the id or code "
        'of a golden record, {"record": id} or {"system": ..., "key": ...}.',
    ),
    parts=serializers.DictField(
        required=False, help_text=f"{{part: [{{attribute: value}}]}}, at most {MOST_ROWS} rows of each."
    ),
    limit=serializers.IntegerField(required=False, min_value=1, max_value=MOST_SHOWN, default=10),
)
Comparison = shape(
    "MatchEvidence",
    feature=serializers.CharField(),
    label=serializers.CharField(),
    left=serializers.CharField(help_text="What you gave, made comparable."),
    right=serializers.CharField(help_text="What the record says."),
    similarity=serializers.FloatField(),
    level=words(("equal", "close", "weak", "different")),
    weight=serializers.FloatField(help_text="Points for (above 0) or against; each doubles or halves the odds."),
)
Likeness = shape(
    "MatchItem",
    id=serializers.UUIDField(),
    code=serializers.CharField(),
    domain=serializers.CharField(),
    state=words(GoldenState.values),
    version=serializers.IntegerField(),
    title=serializers.CharField(),
    href=serializers.CharField(),
    probability=serializers.FloatField(help_text="0..1, that this record is what you mean."),
    band=words(BANDS, "What matching would do: link it, ask a person, make a new record."),
    sentence=serializers.CharField(help_text="Why, in one sentence."),
    points=serializers.FloatField(help_text="before_any_evidence and all weights together."),
    before_any_evidence=serializers.FloatField(),
    evidence=Comparison(many=True),
    vetoes=serializers.ListField(child=serializers.CharField(), help_text="What forbids an automatic link."),
    closest=SourceKey(help_text="The source record of it that was compared."),
)
LeftOut = shape(
    "MatchLeftOut",
    pointer=serializers.CharField(allow_blank=True),
    detail=serializers.CharField(),
)
Answer = shape(
    "Match",
    domain=serializers.CharField(),
    band=words(BANDS, "What would become of a record like this if it arrived now."),
    compared=serializers.IntegerField(help_text="Source records that were looked at."),
    items=Likeness(many=True, help_text="Likest first."),
    left_out=LeftOut(many=True, help_text="What could not be compared or looked for, and why."),
)
match_document: Any = writes(
    operation_id="match",
    tags=["Match"],
    summary="Search before create",
    description="Which golden records may these values mean? Give what you know of a record you are about to create; "
    "use the one that is there already if `band` is `auto`, let a person look if it is `review`. Writes nothing. "
    f"Needs the domain's own scope ({read_scope(DOMAINS[0])} and so on).",
    request=Asked,
    responses={200: Answer, **problems(400)},
)
