"""Addresses of stewardship: each module of ``stewardship.views`` brings its own as ``urls``; add yours to the list."""

from django.urls import URLPattern

from stewardship.views import (
    compare,
    merges,
    proposals,
    queue,
    record,
    record_acts,
    record_history,
    records,
    requests,
    review,
    search,
    sign_in,
)

app_name = "stewardship"

urlpatterns: list[URLPattern] = [
    *sign_in.urls,
    *queue.urls,
    *review.urls,
    *compare.urls,
    *merges.urls,
    *search.urls,
    *requests.urls,
    *records.urls,
    *record_acts.urls,
    *proposals.urls,
    *record_history.urls,
    *record.urls,
]
