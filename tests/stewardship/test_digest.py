"""Notices: what is new for a person, on the page and by mail, once, and nothing where nothing is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.utils import timezone

from mdm.errors import Invalid
from mdm.people import AUDITOR, VIEWER
from stewardship.models import Digest, Wish
from stewardship.requests import propose
from stewardship.tasks import send_digests
from stewardship.work import digest, talk, verbs
from tests.factories import supplier
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import question, someone, twins

pytestmark = pytest.mark.django_db


def reader(name: str = "Rita", chosen: str = Digest.DAILY, *groups: str) -> Any:
    """Somebody who is mailed, and was told all up to three days ago."""
    user = someone(name, *groups)
    digest.choose(user=user, digest=chosen, address=f"{name.lower()}@example.org")
    Wish.objects.filter(person=user).update(told_through=timezone.now() - timedelta(days=9))
    user.refresh_from_db()
    return user


def news_for(rita: Any) -> None:
    """A mention, work given and late, and a request to approve."""
    otto = someone("Otto")
    asked = question(*twins(name="Given"))
    type(asked).objects.filter(pk=asked.pk).update(created_at=timezone.now() - timedelta(days=4))
    verbs.assign(work=[("duplicates", str(asked.pk))], to=rita, user=otto)
    talk.comment(kind="duplicates", key=str(asked.pk), text="@rita what do you\nthink?\r\nBcc: x", user=otto)
    record = supplier("V9", "Old name")
    propose(record_id=record.pk, values={"name": "Newer"}, base_version=record.version, reason="It moved", user=otto)


def test_a_digest_tells_what_is_new_once(settings: Any) -> None:
    settings.PUBLIC_URL = "https://hub.example.org"
    news_for(reader())
    assert send_digests() == 1
    sent = mail.outbox[0]
    assert sent.to == ["rita@example.org"]
    assert sent.subject == "Assay: 1 mention, 1 assigned to you, 1 overdue, 1 change request"
    body = str(sent.body)
    assert "Otto: @rita what do you think? Bcc: x\n  https://hub.example.org/work/duplicates/" in body
    assert "Old name: It moved (Otto)\n  https://hub.example.org/requests/" in body
    assert "https://hub.example.org/notices/" in body
    assert send_digests() == 0
    Wish.objects.update(told_through=timezone.now() - timedelta(hours=1), digest=Digest.WEEKLY)
    assert len(mail.outbox) == 1


def test_nobody_is_mailed_without_news_choice_address_or_role() -> None:
    rita = reader()
    assert send_digests() == 0
    assert Wish.objects.get().told_through > timezone.now() - timedelta(minutes=1)
    news_for(rita)
    for change in ({"digest": Digest.NEVER}, {"person__email": ""}, {"person__is_active": False}):
        Wish.objects.update(told_through=timezone.now() - timedelta(days=9), digest=change.get("digest", Digest.DAILY))
        type(rita).objects.filter(pk=rita.pk).update(
            email=change.get("person__email", "rita@example.org"), is_active=change.get("person__is_active", True)
        )
        assert send_digests() == 0, change
    rita.groups.clear()
    Wish.objects.update(told_through=timezone.now() - timedelta(days=9), digest=Digest.DAILY)
    type(rita).objects.filter(pk=rita.pk).update(email="rita@example.org", is_active=True)
    assert send_digests() == 0
    assert mail.outbox == []


def test_requests_are_told_to_those_who_may_approve_and_not_to_their_author() -> None:
    reader("Vera", Digest.DAILY, VIEWER)
    otto = reader("Otto")
    record = supplier("V9", "Old name")
    propose(record_id=record.pk, values={"name": "Newer"}, base_version=record.version, reason="It moved", user=otto)
    assert send_digests() == 0


def test_a_mail_that_fails_is_told_again_and_loses_nothing(settings: Any, monkeypatch: Any) -> None:
    news_for(reader())
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens there
    with transaction.atomic():
        assert send_digests() == 0
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    assert send_digests() == 1


@pytest.mark.parametrize(
    ("chosen", "now", "expected"),
    [
        (Digest.DAILY, datetime(2026, 3, 4, 6, 0, tzinfo=UTC), datetime(2026, 3, 4, 6, tzinfo=UTC)),
        (Digest.DAILY, datetime(2026, 3, 4, 5, 59, tzinfo=UTC), datetime(2026, 3, 3, 6, tzinfo=UTC)),
        (Digest.WEEKLY, datetime(2026, 3, 4, 12, 0, tzinfo=UTC), datetime(2026, 3, 2, 6, tzinfo=UTC)),
        (Digest.WEEKLY, datetime(2026, 3, 2, 5, 0, tzinfo=UTC), datetime(2026, 2, 23, 6, tzinfo=UTC)),
    ],
)
def test_turns_begin_at_six_each_day_or_on_monday(chosen: str, now: datetime, expected: datetime) -> None:
    assert digest.turn(chosen, now) == expected


def test_a_choice_is_kept_or_refused_with_every_mistake_and_what_was_typed() -> None:
    rita = someone("Rita")
    client = client_of(rita)
    refused = client.post("/notices/choose/", {"digest": "hourly", "address": "not <mail>"})
    assert refused.status_code == 422
    assert "Choose never" in text_of(refused)
    assert "That is no mail address" in text_of(refused)
    assert "not &lt;mail&gt;" in refused.content.decode()
    assert not Wish.objects.exists()
    assert client.post("/notices/choose/", {"digest": "weekly", "address": "rita@example.org"}).status_code == 302
    told = Wish.objects.get().told_through
    client.post("/notices/choose/", {"digest": "weekly", "address": "rita2@example.org"})
    assert Wish.objects.get().told_through == told
    rita.refresh_from_db()
    assert rita.email == "rita2@example.org"
    with pytest.raises(Invalid):
        digest.choose(user=rita, digest=Digest.DAILY, address="")


def test_the_page_shows_unread_mentions_and_the_side_bar_counts_them() -> None:
    rita = someone("Rita")
    news_for(rita)
    client = client_of(rita)
    page = client.get("/notices/")
    assert "1 unread" in text_of(page)
    assert 'id="count-notices">1<' in page.content.decode()
    assert client.post("/notices/seen/").status_code == 302
    assert 'id="count-notices"><' in client.get("/notices/").content.decode()


def test_auditors_and_outsiders_choose_nothing() -> None:
    for client in (outsider(), client_of(someone("Ann", AUDITOR))):
        assert client.post("/notices/choose/", {"digest": "daily", "address": "a@b.org"}).status_code == 403
        assert client.post("/notices/seen/").status_code == 403
    assert not Wish.objects.exists()


def test_an_unknown_digest_is_refused_by_the_database() -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Wish.objects.create(person=someone("Rita"), digest="hourly", told_through=timezone.now())
