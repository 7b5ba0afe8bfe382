"""Endpoints of the demo: three receivers on this machine, with secrets made here and told to them in a file."""

import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mdm.cause import HUB
from publishing.demo_mapping import ERP, erp_words
from publishing.endpoints import Proposal, create_endpoint, new_secret
from publishing.models import AuthKind, Endpoint, EndpointKind, EndpointState, Mode
from publishing.sealing import open_sealed
from publishing.translating import load_translations
from publishing.verbs import change_state

# Short, so that a visitor who switches a receiver off and on sees it catch up at once.
BACKOFF = (2, 4, 8, 15)
RETRIES = (2, 5, 10)
HOLDINGS = "/holdings"  # where each receiver says what it holds


def ensure_demo_endpoints(*, ports: Sequence[int], folder: Path) -> list[Endpoint]:
    """The endpoints erp, procurement and billing exist, run, and their receivers know the secrets.

    ``folder`` is the data folder; the receivers read ``receivers/<code>.json`` there. Repeating it changes nothing but
    an address whose port moved, and writes the files again where they are missing.
    """
    erp, procurement, billing = (f"http://127.0.0.1:{port}" for port in ports)
    proposals = (
        Proposal(
            code="erp", name="Ledgerline ERP", kind=EndpointKind.REST, url=erp, method="PUT", path="/{slug}/{id}",
            auth_kind=AuthKind.BEARER, auth_secret=secrets.token_urlsafe(32), mode=Mode.LATEST_STATE, mapping=ERP,
            reconcile_path=HOLDINGS,
        ),
        Proposal(
            code="procurement", name="BuyWell Procurement", kind=EndpointKind.WEBHOOK, url=f"{procurement}/webhooks",
            signing_secret=new_secret(), domains=("supplier", "item", "contract", "facility"), reconcile_path=HOLDINGS,
        ),
        Proposal(
            code="billing", name="Claimworks Billing", kind=EndpointKind.WEBHOOK, url=f"{billing}/webhooks",
            signing_secret=new_secret(), domains=("facility", "item", "cost_center"), mode=Mode.LATEST_STATE,
            reconcile_path=HOLDINGS,
        ),
    )  # fmt: skip
    made = [_ensure(_hurried(proposal), folder / "receivers") for proposal in proposals]
    load_translations(endpoint=made[0], rows=list(erp_words()), by=HUB, reason="Words of the demo's ERP")
    return made


def _hurried(proposal: Proposal) -> Proposal:
    return replace(proposal, backoff_seconds=BACKOFF, retry_seconds=RETRIES, timeout_seconds=10)


def _ensure(proposal: Proposal, folder: Path) -> Endpoint:
    endpoint = Endpoint.objects.filter(code=proposal.code).first()
    if endpoint is None:
        endpoint = create_endpoint(proposal=proposal, by=HUB)
        # The receivers may not be listening yet; in the demo they are known to be ours.
        change_state(endpoint, EndpointState.ACTIVE, "", HUB)
    if (endpoint.url, endpoint.reconcile_path) != (proposal.url, proposal.reconcile_path):
        endpoint.url, endpoint.reconcile_path = proposal.url, proposal.reconcile_path
        Endpoint.objects.filter(pk=endpoint.pk).update(url=proposal.url, reconcile_path=proposal.reconcile_path)
    _tell(endpoint, folder / f"{endpoint.code}.json")
    return endpoint


def _tell(endpoint: Endpoint, file: Path) -> None:
    """The receiver's code and the secrets it proves us by."""
    known: dict[str, object] = {"code": endpoint.code}
    if endpoint.auth_sealed:
        known["bearer"] = open_sealed(endpoint, "auth_sealed")
    known["secrets"] = [open_sealed(secret, "sealed") for secret in endpoint.secrets.all()]
    tell(file, known)


def tell(file: Path, known: dict[str, object]) -> None:
    """Write down what a receiver has to know, readable by this account alone; replaced whole."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(known, stream)
    draft.replace(file)
