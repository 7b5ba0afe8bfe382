"""The interface document, and a page to read it: for clients with any token and for people signed in."""

from typing import Any

from csp.constants import SELF, UNSAFE_INLINE
from csp.decorators import csp_update
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.decorators import method_decorator
from django.views import View
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from api import document as documents
from api.authentication import PersonAuthentication, TokenAuthentication
from api.views.base import ApiView


class SchemaView(ApiView):
    """OpenAPI 3.1 as JSON."""

    authentication_classes = (TokenAuthentication, PersonAuthentication)

    def check_permissions(self, request: Request) -> None:
        if not getattr(request.user, "is_authenticated", False):
            raise NotAuthenticated("Nothing is readable without a token.")

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response(interface_document(), content_type="application/json")


def interface_document() -> dict[str, Any]:
    """The whole document, the same for every reader."""
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]
    document: dict[str, Any] = generator.get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return documents.complete(document)


# The reader writes styles into elements; scripts stay ours alone.
@method_decorator(csp_update({"style-src": [SELF, UNSAFE_INLINE]}), name="dispatch")
class DocumentationView(View):
    """A readable page of the document for people who are signed in."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return redirect_to_login(request.get_full_path())
        return super().dispatch(request, *args, **kwargs)

    def get(self, request: HttpRequest) -> HttpResponse:
        kit = "drf_spectacular_sidecar/swagger-ui-dist"
        return render(
            request,
            "api/documentation.html",
            {"style": static(f"{kit}/swagger-ui.css"), "reader": static(f"{kit}/swagger-ui-bundle.js")},
        )
