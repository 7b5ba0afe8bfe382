"""Sign in and out."""

import tomllib
from typing import Any

from django.conf import settings
from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path


class SignIn(LoginView):
    """Name and password. In the demo the page also names the people one can sign in as."""

    template_name = "stewardship/sign_in.html"
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """The form, where to go next, and the demo's people."""
        return super().get_context_data(demo_people=demo_people(), **kwargs)


def demo_people() -> list[dict[str, str]]:
    """[{name, password, role}] of the demo, empty elsewhere."""
    file = settings.BASE_DIR / "demo" / "logins.toml"
    if not settings.DEMO or not file.is_file():
        return []
    logins = tomllib.loads(file.read_text(encoding="utf-8")).get("login", [])
    return [{"name": login["user"], "password": login["password"], "role": login["role"]} for login in logins]


urls = [
    path("sign-in/", SignIn.as_view(), name="sign_in"),
    path("sign-out/", LogoutView.as_view(), name="sign_out"),
]
