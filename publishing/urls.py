"""Addresses of publishing. A first word that is no endpoint's code stands in ``views.setup.RESERVED``."""

from django.urls import URLPattern, URLResolver, path, re_path

from publishing.views import (
    calls,
    dead_letters,
    deliveries,
    drift,
    endpoints,
    files,
    history,
    mapping,
    replays,
    setup,
    sides,
)

app_name = "publishing"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", endpoints.endpoint_list, name="endpoints"),
    path("new/", setup.new, name="new"),
    path("files/new/", files.new, name="new_file"),
    path("files/host-key/", files.host_key, name="file_host_key"),
    path("search/", setup.find, name="find"),
    path("notices/seen/", endpoints.see_notices, name="see_notices"),
    path("dead-letters/", dead_letters.dead_letters, name="dead_letters"),
    re_path(r"^dead-letters/(?P<verb>release|resend|skip)/$", dead_letters.act_on_parked, name="act_on_parked"),
    path("records/sides/", sides.sides, name="sides"),
    path("records/<uuid:record_id>/", deliveries.record_deliveries, name="record_deliveries"),
    path("deliveries/<int:pk>/", deliveries.delivery_page, name="delivery"),
    re_path(
        r"^deliveries/(?P<pk>\d+)/(?P<verb>release|resend|skip)/$",
        deliveries.act_on_delivery,
        name="act_on_delivery",
    ),
    *drift.urls,
    path("<slug:code>/", endpoints.endpoint_page, name="endpoint"),
    path("<slug:code>/parked/", dead_letters.parked_of, name="parked_of"),
    path("<slug:code>/calls/", calls.call_list, name="calls"),
    path("<slug:code>/replays/", replays.replay_list, name="replays"),
    path("<slug:code>/replays/count/", replays.count, name="replay_count"),
    path("<slug:code>/replays/start/", replays.start, name="start_replay"),
    path("<slug:code>/replays/<int:pk>/cancel/", replays.cancel, name="cancel_replay"),
    path("<slug:code>/mapping/", mapping.edit, name="mapping"),
    path("<slug:code>/mapping/preview/", mapping.show, name="preview"),
    path("<slug:code>/mapping/test/", mapping.try_out, name="test_send"),
    path("<slug:code>/mapping/words/", mapping.translate, name="translate"),
    path("<slug:code>/settings/", setup.settings, name="settings"),
    path("<slug:code>/settings/change/", setup.edit, name="edit"),
    path("<slug:code>/files/", files.run_list, name="files"),
    path("<slug:code>/files/write/", files.write, name="write_file"),
    path("<slug:code>/files/change/", files.edit, name="edit_file"),
    path("<slug:code>/files/<int:number>/<str:name>", files.download, name="file_download"),
    path("<slug:code>/history/", history.history, name="history"),
    path("<slug:code>/verify/", endpoints.verify, name="verify"),
    path("<slug:code>/rotate-secret/", endpoints.rotate, name="rotate"),
    path("<slug:code>/resume/", endpoints.resume, name="resume"),
    re_path(r"^(?P<code>[-\w]+)/(?P<verb>pause|try-now|disable)/$", endpoints.act, name="act"),
]
