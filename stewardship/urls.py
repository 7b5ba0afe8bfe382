"""Addresses of stewardship: each module of ``stewardship.views`` brings its own as ``urls``; add yours to the list."""

from django.urls import URLPattern

from stewardship.views import sign_in

app_name = "stewardship"

urlpatterns: list[URLPattern] = [
    *sign_in.urls,
]
