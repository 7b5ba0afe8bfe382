"""The systems that may use the API."""

import hashlib
import secrets
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

PREFIX = "assay_"  # lets secret scanners and people recognise a token that leaked
HINT_LENGTH = len(PREFIX) + 4
USE_NOTED_EVERY = timedelta(minutes=1)


class ApiClient(models.Model):
    """A system with a token. The token itself is shown once and never stored; ``hint`` is its recognisable start.

    ``endpoint`` is the target it speaks for when it sends receipts or says what it holds.
    """

    name = models.CharField(max_length=100)
    token_hash = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=20)
    scopes = ArrayField(models.CharField(max_length=40), default=list)
    endpoint = models.ForeignKey(
        "publishing.Endpoint", null=True, blank=True, on_delete=models.PROTECT, related_name="clients"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                Lower("name"), condition=models.Q(revoked_at__isnull=True), name="api_client_name_is_in_use_once"
            ),
            models.CheckConstraint(
                name="api_client_token_is_kept_as_sha256",
                condition=models.Q(token_hash__regex=r"^[0-9a-f]{64}$"),  # noqa: S106 - a pattern
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_authenticated(self) -> bool:
        """What Django REST framework asks of whoever makes a request."""
        return True

    def may(self, scope: str) -> bool:
        """Whether the client holds the scope."""
        return scope in self.scopes

    def note_use(self) -> None:
        """Remember that the token was used, at most once a minute: a read must not cost a write each time."""
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at >= USE_NOTED_EVERY:
            ApiClient.objects.filter(pk=self.pk).update(last_used_at=now)


class FeedConsumer(models.Model):
    """A place in the change feed that the hub remembers for a client under a name; ``version`` guards each move."""

    client = models.ForeignKey(ApiClient, on_delete=models.CASCADE, related_name="consumers")
    name = models.SlugField(max_length=60)
    cursor = models.TextField()
    sequence = models.BigIntegerField()
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["client", "name"], name="feed_consumer_is_named_once")]

    def __str__(self) -> str:
        return self.name


def new_token() -> str:
    """A token of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """How a token is stored. A random token needs no slow hash: there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()
