"""Walking the pages as a person: signed-in clients, and what every page owes the outsider."""

import re
from html import unescape
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from mdm.models import ChangeEvent
from stewardship.models import ChangeRequest, Decision
from tests.stewardship.questions import someone


def client_of(user: User) -> Client:
    """A signed-in browser of this person."""
    client = Client()
    client.force_login(user)
    return client


def outsider() -> Client:
    """Somebody with an account and no role."""
    user = someone("Otto Outsider")
    user.groups.clear()
    return client_of(user)


def text_of(response: Any) -> str:
    """What a page says, without its markup."""
    plain = re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", response.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(plain).split())


def traces() -> tuple[int, int, int]:
    """What any act of a person leaves behind: events, decisions, change requests."""
    return ChangeEvent.objects.count(), Decision.objects.count(), ChangeRequest.objects.count()
