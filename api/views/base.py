"""What every view of the API does before and after its own work."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated, PermissionDenied
from rest_framework.request import Request
from rest_framework.views import APIView

from api.authentication import TokenAuthentication
from api.models import ApiClient
from api.problems import answer
from api.rendering import AlwaysJson, JsonRenderer
from mdm.errors import Invalid

Found = TypeVar("Found")


class ApiView(APIView):
    """JSON in and out, a token with ``scope``, problems as problem+json. Nothing is cached on the way."""

    authentication_classes: Sequence[type[BaseAuthentication]] = (TokenAuthentication,)
    permission_classes = ()
    renderer_classes = (JsonRenderer,)
    content_negotiation_class = AlwaysJson
    scope = ""

    def get_exception_handler(self) -> Any:
        return answer

    def check_permissions(self, request: Request) -> None:
        require_scope(client_of(request), self.scope)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response.headers.setdefault("Cache-Control", "private, no-cache")
        return super().finalize_response(request, response, *args, **kwargs)


def client_of(request: Request) -> ApiClient:
    """The client that asks. Raises NotAuthenticated, answered with 401."""
    client: object = request.user
    if not isinstance(client, ApiClient):
        raise NotAuthenticated("Nothing is readable without a token.")
    return client


def require_scope(client: ApiClient, scope: str) -> None:
    """Refuse a client without the scope, naming it. "" asks for nothing."""
    if scope and not client.may(scope):
        raise PermissionDenied(f"This token does not have the scope {scope}.")


def only(params: Iterable[str], known: Iterable[str]) -> None:
    """Refuse parameters nobody reads: a misspelled filter must not answer with everything."""
    known = sorted(known)
    unknown = [name for name in params if name not in known]
    if unknown:
        words = f"Known are: {', '.join(known)}." if known else "This path takes none."
        raise Invalid(
            "There are parameters here that nobody reads.",
            "Correct or leave out what is named.",
            [(name, f"There is no parameter {name}. {words}") for name in unknown],
        )


def whole_number(text: str, name: str, *, least: int, most: int, default: int, cap: bool = False) -> int:
    """The parameter as a number between two bounds; with ``cap`` a larger one counts as the largest."""
    if text == "":
        return default
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else -1
    if number > most and cap:
        return most
    if not least <= number <= most:
        raise Invalid(
            f"The parameter {name} cannot be understood.", f"Give a whole number from {least} to {most}.",
            [(name, f"{text} is not a whole number from {least} to {most}.")],
        )  # fmt: skip
    return number


class AllAtOnce:
    """Checks one after another, so that a request hears of all its mistakes in one answer."""

    def __init__(self) -> None:
        self._refusals: list[Invalid] = []

    def of(self, check: Callable[[], Found], otherwise: Found) -> Found:
        """What the check gives; ``otherwise`` where it refuses, which `end` then says."""
        try:
            return check()
        except Invalid as error:
            self._refusals.append(error)
            return otherwise

    def end(self) -> None:
        """Raises Invalid where anything was refused: the one refusal there was, or all problems together."""
        if not self._refusals:
            return
        if len(self._refusals) == 1:
            raise self._refusals[0]
        problems = [problem for refusal in self._refusals for problem in refusal.problems]
        raise Invalid("The parameters cannot be understood.", "Correct what is named, or leave it out.", problems)
