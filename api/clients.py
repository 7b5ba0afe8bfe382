"""Giving systems access and taking it away."""

from collections.abc import Sequence

from django.db import IntegrityError, transaction
from django.utils import timezone

from api.models import HINT_LENGTH, ApiClient, new_token, token_hash
from api.scopes import READ_SCOPES, SCOPES
from mdm.errors import Invalid, NotFound, Refused
from publishing.models import Endpoint


def create_client(*, name: str, scopes: Sequence[str] = READ_SCOPES, endpoint: str = "") -> tuple[ApiClient, str]:
    """A client and its token, which nobody can show again; with ``endpoint`` it speaks for the target of that code.

    Raises Invalid for a blank name, unknown scopes or endpoint, Refused when the name is in use.
    """
    name = name.strip()
    problems = [("scope", f"There is no scope {scope}. Known are: {', '.join(SCOPES)}.") for scope in scopes
                if scope not in SCOPES]  # fmt: skip
    if not name or len(name) > 100:
        problems.append(("name", "A client needs a name of at most 100 characters."))
    target = Endpoint.objects.filter(code=endpoint).first() if endpoint else None
    if endpoint and target is None:
        known = ", ".join(Endpoint.objects.order_by("code").values_list("code", flat=True)) or "none"
        problems.append(("endpoint", f"There is no endpoint {endpoint}. There are: {known}."))
    if problems:
        raise Invalid("The client was not created.", "Correct what is named.", problems)
    token = new_token()
    client = ApiClient(
        name=name, token_hash=token_hash(token), hint=token[:HINT_LENGTH], scopes=sorted(set(scopes)), endpoint=target
    )
    try:
        with transaction.atomic():
            client.save(force_insert=True)
    except IntegrityError:
        raise Refused(f"There is a client {name} already.", "Revoke it first, or choose another name.") from None
    return client, token


def revoke_client(*, name: str) -> ApiClient:
    """Refuse the client's token from now on; what it did stays under its name. Raises NotFound."""
    client = ApiClient.objects.filter(name__iexact=name.strip(), revoked_at__isnull=True).first()
    if client is None:
        raise NotFound(f"There is no client {name} in use.", "Look at the names given when clients were created.")
    client.revoked_at = timezone.now()
    client.save(update_fields=["revoked_at"])
    return client
