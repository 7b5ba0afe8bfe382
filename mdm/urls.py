"""Where addresses begin; every room brings its own, named here as dotted strings only."""

from django.urls import include, path

urlpatterns = [
    path("api/", include("api.urls")),
    path("publishing/", include("publishing.urls")),
    path("metrics", include("publishing.metric_urls")),
    path("", include("stewardship.urls")),
]
