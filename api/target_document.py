"""What the interface document says of receipts and reconciling, shapes included."""

from typing import Any

from rest_framework import serializers

from api.document import problems, writes
from api.shapes import ANYTHING, MistakeShape, shape, words
from publishing.models import Compared, DifferenceKind, JobState
from publishing.receipts import MOST, Taking
from publishing.reconciling import TOLD_AT_MOST

ReceiptShape = shape(
    "Receipt",
    key=serializers.CharField(help_text="Your own key of this receipt: the same again changes nothing."),
    event_id=serializers.UUIDField(required=False, help_text="Id of the message (`webhook-id`, `idempotency-key`)."),
    record=serializers.CharField(required=False, help_text="Id or code of the record; with `version` instead."),
    version=serializers.IntegerField(required=False, min_value=1),
    accepted=serializers.BooleanField(),
    code=serializers.CharField(required=False, help_text="Why not, as your system calls it, or one of Assay's codes."),
    reason=serializers.CharField(required=False, help_text="Why not, in words; shown to whoever has to mend it."),
    local_id=serializers.CharField(required=False, help_text="Your own id of the record."),
)
ReceiptAnswer = shape(
    "ReceiptAnswer",
    key=serializers.CharField(allow_blank=True),
    state=words([str(state) for state in Taking], "What became of it; `later`: give it again in a moment."),
    retryable=serializers.BooleanField(),
    problems=MistakeShape(many=True),
)
ReceiptAnswers = shape(
    "ReceiptAnswers",
    items=ReceiptAnswer(many=True, help_text="In the order given."),
    counts=serializers.DictField(child=serializers.IntegerField(), help_text="How many of each state."),
)
receipts_document = writes(
    operation_id="send_receipts",
    tags=["Targets"],
    summary="Say what became of messages",
    description=f"One receipt, or a list of up to {MOST:,}: taken or not, why, and under which id of your own. Each is "
    "answered for itself. A refusal parks the message for whoever has to mend it, unless you accepted a newer version "
    "since. Needs a token that speaks for an endpoint.",
    request=shape("Receipts", receipts=ReceiptShape(many=True)),
    responses={200: ReceiptAnswers, **problems(400)},
)
TheirRecord = shape(
    "TheirRecord",
    id=serializers.CharField(required=False, help_text="Assay's id of the record."),
    local_id=serializers.CharField(required=False, help_text="Your own id, where you keep no other."),
    version=serializers.IntegerField(required=False),
    digest=serializers.CharField(required=False, help_text="SHA-256 of the content you were given; see the guide."),
    fields=serializers.DictField(required=False, help_text="Fields as you hold them, to be compared one by one."),
)
DifferenceShape = shape(
    "Difference",
    kind=words(DifferenceKind.values),
    record=serializers.UUIDField(allow_null=True),
    their_id=serializers.CharField(allow_blank=True),
    field=serializers.CharField(allow_blank=True),
    ours=ANYTHING(allow_null=True),
    theirs=ANYTHING(allow_null=True),
    our_version=serializers.IntegerField(allow_null=True),
    their_version=serializers.IntegerField(allow_null=True),
)
BUCKETS = {"type": "array", "items": {"type": "string"}}
Step = shape(
    "CheckStep",
    by=words(Compared.values, "Step 1.", required=False),
    domains=serializers.ListField(child=serializers.CharField(), required=False, help_text="Step 1: only these."),
    check=serializers.IntegerField(required=False, help_text="Step 2: the number step 1 answered with."),
    records=TheirRecord(many=True, required=False, help_text=f"Step 2: at most {TOLD_AT_MOST:,} at a time."),
    buckets=ANYTHING(
        required=False,
        help_text="Step 1: {bucket: digest} of all you hold. Step 2: the buckets you have now told completely, or all.",
    ),
)
Begun = shape(
    "CheckBegun",
    check=serializers.IntegerField(),
    state=words(JobState.values),
    by=words(Compared.values),
    compared=serializers.IntegerField(help_text="Records the hub holds for you."),
    differing=serializers.ListField(child=serializers.CharField(), help_text="Tell the records of these in step 2."),
    expected_empty=serializers.ListField(child=serializers.CharField(), help_text="Of those: you were given nothing."),
    on_their_way=serializers.IntegerField(help_text="Records left out because something is on its way to you."),
)
Heard = shape(
    "CheckHeard",
    check=serializers.IntegerField(),
    state=words(JobState.values),
    by=words(Compared.values),
    found=serializers.IntegerField(),
    differences=DifferenceShape(many=True, help_text="The first thousand; all of them are on the page of drift."),
    ask_fields_of=serializers.ListField(
        child=serializers.CharField(), help_text="Send these again with `fields` to learn which field differs."
    ),
    on_their_way=serializers.ListField(child=serializers.CharField(), help_text="Left out."),
    unknown_fields=serializers.ListField(child=serializers.CharField(), help_text="You were never given these."),
    remaining=serializers.ListField(child=serializers.CharField(), help_text="Buckets still to be told."),
)
reconcile_document: Any = writes(
    operation_id="reconcile",
    tags=["Targets"],
    summary="Compare what you hold",
    description="Two steps, so that only what differs travels. Step 1: the digests of your buckets; the answer (201) "
    "names those that differ. Step 2: the records of these, with the number of the check; the answer (200) names the "
    "differences. Records with something on its way are left out. The guide receipts-and-drift has the recipes.",
    request=Step,
    responses={200: Heard, 201: Begun, **problems(400, 404, http409="The check has ended; begin a new one.")},
)
