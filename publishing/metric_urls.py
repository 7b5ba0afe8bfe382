"""`/metrics`, where monitoring systems look for it."""

from django.urls import URLPattern

from publishing.views import metrics

urlpatterns: list[URLPattern] = metrics.urls
