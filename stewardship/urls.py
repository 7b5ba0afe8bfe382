"""Addresses of stewardship: each module of ``stewardship.views`` brings its own as ``urls``; add yours to the list."""

from django.urls import URLPattern

from stewardship.views import (
    audit,
    audit_proof,
    batches,
    batches_page,
    compare,
    create,
    explain,
    feeds,
    measure,
    merges,
    proposals,
    quarantine,
    quarantine_alike,
    queue,
    record,
    record_acts,
    record_history,
    records,
    rematches,
    requests,
    review,
    rules,
    search,
    sign_in,
)

app_name = "stewardship"

urlpatterns: list[URLPattern] = [
    *sign_in.urls,
    *queue.urls,
    *review.urls,
    *compare.urls,
    *explain.urls,
    *measure.urls,
    *merges.urls,
    *search.urls,
    *requests.urls,
    *create.urls,
    *records.urls,
    *record_acts.urls,
    *proposals.urls,
    *record_history.urls,
    *record.urls,
    *batches.urls,
    *batches_page.urls,
    *quarantine_alike.urls,
    *quarantine.urls,
    *feeds.urls,
    *rematches.urls,
    *rules.urls,
    *audit_proof.urls,
    *audit.urls,
]
