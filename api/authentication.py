"""Who is asking: a system by its token, or, for the documentation only, a person who is signed in."""

from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from api.models import ApiClient, token_hash

SCHEME = "Bearer"


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer TOKEN`. Unknown and revoked tokens get the same answer."""

    def authenticate(self, request: Request) -> tuple[ApiClient, str] | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != SCHEME.lower():
            return None
        client = ApiClient.objects.filter(token_hash=token_hash(token.strip()), revoked_at__isnull=True).first()
        if client is None:
            raise AuthenticationFailed("The token is not known, or it was revoked.")
        client.note_use()
        return client, token

    def authenticate_header(self, request: Request) -> str:
        return SCHEME


class PersonAuthentication(BaseAuthentication):
    """A person signed in to the pages. Reads only: no unsafe request is answered with it."""

    def authenticate(self, request: Request) -> tuple[AbstractBaseUser, Any] | None:
        person = getattr(request._request, "user", None)
        if request.method not in ("GET", "HEAD") or person is None or not person.is_authenticated:
            return None
        return person, None
