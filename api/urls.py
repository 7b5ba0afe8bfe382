"""Addresses of the API. Every domain has a list and a detail; whatever is unknown is answered in JSON."""

from django.urls import URLPattern, URLResolver, include, path, re_path

from api import document, hierarchy_document, match_document, quality_document, target_document
from api.views.batches import BatchesView, BatchView, QuarantineView
from api.views.changes import ChangesView
from api.views.consumers import ConsumerView
from api.views.documentation import DocumentationView, SchemaView
from api.views.fallback import UnknownPathView
from api.views.hierarchies import HierarchiesView, HierarchyMovesView, HierarchyNodesView, HierarchyView
from api.views.lookup import LookupView
from api.views.match import MatchView
from api.views.measurements import MeasurementsView, QualityView
from api.views.message_schemas import MessageSchemasView, MessageSchemaView
from api.views.receipts import ReceiptsView
from api.views.reconcile import ReconcileView
from api.views.records import RecordDetailView, RecordListView
from api.views.relations import RelationsView
from mdm.domains import DOMAINS
from mdm.spec import Domain

app_name = "api"


def domain_paths(domain: Domain) -> list[URLPattern]:
    """The list and the detail of a domain, each with its own part of the interface document."""
    name = domain.model.__name__
    many = type(f"{name}ListView", (RecordListView,), {"domain": domain, "__doc__": RecordListView.__doc__})
    one = type(f"{name}DetailView", (RecordDetailView,), {"domain": domain, "__doc__": RecordDetailView.__doc__})
    return [
        path(f"{domain.slug}/", document.list_document(domain)(many).as_view(), name=f"{domain.slug}-list"),
        path(
            f"{domain.slug}/<str:name>", document.detail_document(domain)(one).as_view(), name=f"{domain.slug}-detail"
        ),
    ]


version_one: list[URLPattern | URLResolver] = [
    *(pattern for domain in DOMAINS for pattern in domain_paths(domain)),
    path("changes", document.changes_document(ChangesView).as_view(), name="changes"),
    path("consumers/<str:name>", document.consumer_document(ConsumerView).as_view(), name="consumer"),
    path("lookup", document.lookup_document(LookupView).as_view(), name="lookup"),
    path("relations", quality_document.relations_document(RelationsView).as_view(), name="relations"),
    path("hierarchies", hierarchy_document.list_document(HierarchiesView).as_view(), name="hierarchies"),
    path(
        "hierarchies/<slug:slug>/<slug:name>",
        hierarchy_document.tree_document(HierarchyView).as_view(),
        name="hierarchy",
    ),
    path(
        "hierarchies/<slug:slug>/<slug:name>/nodes",
        hierarchy_document.nodes_document(HierarchyNodesView).as_view(),
        name="hierarchy-nodes",
    ),
    path(
        "hierarchies/<slug:slug>/<slug:name>/moves",
        hierarchy_document.moves_document(HierarchyMovesView).as_view(),
        name="hierarchy-moves",
    ),
    path("measurements", quality_document.measurements_document(MeasurementsView).as_view(), name="measurements"),
    path("quality/<str:slug>", quality_document.quality_document(QualityView).as_view(), name="quality"),
    path("match", match_document.match_document(MatchView).as_view(), name="match"),
    path("batches", document.send_document(BatchesView).as_view(), name="batches"),
    path("batches/<uuid:batch_id>", document.batch_document(BatchView).as_view(), name="batch"),
    path(
        "batches/<uuid:batch_id>/quarantine",
        document.quarantine_document(QuarantineView).as_view(),
        name="quarantine",
    ),
    path("receipts", target_document.receipts_document(ReceiptsView).as_view(), name="receipts"),
    path("reconcile", target_document.reconcile_document(ReconcileView).as_view(), name="reconcile"),
    path("message-schemas", document.hidden(MessageSchemasView).as_view(), name="message-schemas"),
    path("message-schemas/<str:message_type>", document.hidden(MessageSchemaView).as_view(), name="message-schema"),
    path("schema", SchemaView.as_view(), name="schema"),
    path("docs/", DocumentationView.as_view(), name="docs"),
]
urlpatterns: list[URLPattern | URLResolver] = [
    path("v1/", include(version_one)),
    re_path(r"^.*$", document.hidden(UnknownPathView).as_view(), name="unknown"),
]
