"""Addresses of publishing."""

from django.urls import URLPattern, URLResolver, path, re_path

from publishing import views

app_name = "publishing"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.endpoint_list, name="endpoints"),
    path("parked/", views.parked_anywhere, name="parked"),
    path("records/<uuid:record_id>/", views.record_deliveries, name="record_deliveries"),
    path("deliveries/<int:pk>/", views.delivery_page, name="delivery"),
    re_path(r"^deliveries/(?P<pk>\d+)/(?P<verb>release|resend)/$", views.offer_again, name="offer_again"),
    path("<slug:code>/", views.endpoint_page, name="endpoint"),
    path("<slug:code>/verify/", views.verify, name="verify"),
    path("<slug:code>/rotate-secret/", views.rotate, name="rotate"),
    path("<slug:code>/release/", views.release_parked, name="release"),
    re_path(r"^(?P<code>[-\w]+)/(?P<verb>pause|resume|try-now|disable)/$", views.act, name="act"),
]
