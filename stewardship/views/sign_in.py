"""Sign in and out."""

import tomllib
from typing import Any

from django.conf import settings
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, LogoutView
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import path, reverse
from django.views.decorators.http import require_safe

from stewardship import resume


class SignIn(LoginView):
    """Name and password. In the demo the page also names the people one can sign in as.

    Asked with ``?again=1`` it is the dialog of a page whose session ended, and answers with a fresh token.
    """

    template_name = "stewardship/sign_in.html"
    redirect_authenticated_user = False

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Who is signed in already goes on, unless the dialog asks."""
        if request.user.is_authenticated and not self._again():
            onward = self.get_success_url()
            return redirect("stewardship:queue" if onward.startswith(request.path) else onward)
        return super().dispatch(request, *args, **kwargs)

    def _again(self) -> bool:
        return self.request.GET.get("again") == "1"

    def get_template_names(self) -> list[str]:
        """The page, or the form alone for the dialog."""
        return ["stewardship/sign_in_again.html" if self._again() else self.template_name]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, where to go next, and the demo's people."""
        return super().get_context_data(demo_people=demo_people(), kept=resume.KEPT in self.request.session, **kwargs)

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """In; a form that was sent after the session had ended comes first."""
        kept = resume.KEPT in self.request.session
        response: HttpResponse = super().form_valid(form)
        if self._again():
            response = JsonResponse({"person": form.get_user().pk, "token": get_token(self.request)})
        elif kept:
            response.headers["Location"] = reverse("stewardship:kept")
        resume.remember_author(response, form.get_user().pk)
        return response

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        """The page again, with what is wrong; the dialog's script reads the code."""
        return render(
            self.request, self.get_template_names()[0], self.get_context_data(form=form),
            status=422 if self._again() else 200,
        )  # fmt: skip


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """What browsers ask for beside a fragment or a file opened by itself: the mark every page names in its head."""
    return redirect(static("assay/icons/mark.svg"))


def demo_people() -> list[dict[str, str]]:
    """[{name, password, role}] of the demo, empty elsewhere."""
    file = settings.BASE_DIR / "demo" / "logins.toml"
    if not settings.DEMO or not file.is_file():
        return []
    logins = tomllib.loads(file.read_text(encoding="utf-8")).get("login", [])
    return [{"name": login["user"], "password": login["password"], "role": login["role"]} for login in logins]


urls = [
    path("favicon.ico", favicon, name="favicon"),
    path("sign-in/", SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
]
