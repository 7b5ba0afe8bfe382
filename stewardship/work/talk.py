"""What people say about work: comments, and the colleagues they name with @."""

import re

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone

from mdm.errors import Invalid
from mdm.retrying import atomic
from stewardship.models import Comment, Mention
from stewardship.work.colleagues import colleagues

LONGEST = 4000
# A name after white space or a bracket, so that no mail address is one.
NAMED = re.compile(r"(?:(?<=^)|(?<=[\s(\[]))@([\w.+-]*\w)")


@atomic
def comment(*, kind: str, key: str, text: str, user: User) -> Comment:
    """Say something about a piece of work; everybody named with @ finds it among their notices.

    Raises Invalid for an empty or overlong text and for names nobody has, all at once.
    """
    said = text.replace("\x00", "").strip()
    wanted = list(dict.fromkeys(name.lower() for name in NAMED.findall(said)))
    people = {one.username.lower(): one for one in colleagues() if one.username.lower() in wanted}
    problems = []
    if not said:
        problems.append(("text", "Write something first."))
    if len(said) > LONGEST:
        problems.append(("text", f"{len(said):,} characters are too many: at most {LONGEST:,}."))
    problems += [("text", f"There is nobody called @{name}.") for name in wanted if name not in people]
    if problems:
        raise Invalid("The comment was not kept.", "Correct it and send it again.", problems)
    made = Comment.objects.create(kind=kind, key=key, text=said, by=user)
    Mention.objects.bulk_create(Mention(comment=made, person_id=one.pk) for one in people.values() if one.pk != user.pk)
    return made


def comments_of(kind: str, key: str) -> QuerySet[Comment]:
    """What was said about one piece of work, the oldest first."""
    return Comment.objects.filter(kind=kind, key=key).select_related("by").order_by("pk")


def unseen(user: User) -> int:
    """How many comments name the person and were not seen by them. Index-only."""
    return Mention.objects.filter(person=user, seen_at__isnull=True).count()


def see(*, user: User, work: tuple[str, str] | None = None) -> int:
    """The person has seen what names them about one piece of work, or all of it. How many; the second time none."""
    rows = Mention.objects.filter(person=user, seen_at__isnull=True)
    if work is not None:
        rows = rows.filter(comment__kind=work[0], comment__key=work[1])
    return rows.update(seen_at=timezone.now())
