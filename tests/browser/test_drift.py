"""Drift in a real browser: ticked with the keyboard, narrowed without a new page, on a phone, beside the record."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from mdm.people import DOMAIN_OWNER
from publishing.models import Difference, DriftCheck, Endpoint
from tests.browser.conftest import PHONE
from tests.browser.test_records import sign_in
from tests.factories import reload
from tests.publishing.holding import compare, hold_digests, kept_by, of
from tests.publishing.making import Target, rest, run, suppliers
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def endpoint(settings: Any) -> Endpoint:
    """A target that renamed two suppliers, lost one and made one up."""
    settings.ALLOWED_NETWORKS = ["127.0.0.0/8"]
    with Target() as target:
        first, second, lost, *_ = suppliers(6)
        endpoint = rest(target.url)
        run(endpoint)
        held = kept_by(target)
        hold_digests(endpoint, held)
        held[of(first)]["attributes"]["name"] = "Compamy 0 Limited"
        held[of(second)]["attributes"]["name"] = "Quite another name, which is rather long for a supplier of a hospital"
        del held[of(lost)]
        held["V-000099"] = {"id": "V-000099", "version": 1}
        compare(endpoint, held)
    return endpoint


def open_count() -> int:
    return Difference.objects.filter(state="open").count()


def test_differences_are_narrowed_ticked_and_sent_again(page: Page, live_server: Any, endpoint: Endpoint) -> None:
    sign_in(page, str(live_server), someone("Stella Steward"))
    page.goto("/publishing/push/drift/")
    expect(page.locator("#results tbody tr")).to_have_count(4)
    expect(page.locator("#results mark").first).to_be_visible()
    expect(page.get_by_role("button", name="Adopt")).to_have_count(0)
    page.get_by_role("link", name="Altered").click()
    expect(page.locator("#results tbody tr")).to_have_count(2)
    expect(page).to_have_url(f"{live_server}/publishing/push/drift/?endpoint=push&kind=altered&state=open")
    page.get_by_label("Tick all on this page").check()
    page.locator("#pick-reason").fill("the hub is right")
    page.get_by_role("button", name="Send again").click()
    expect(page.get_by_text("2 sent again")).to_be_visible()
    assert set(Difference.objects.filter(kind="altered").values_list("state", flat=True)) == {"sent_again"}


def test_an_owner_adopts_one_and_leaves_another(page: Page, live_server: Any, endpoint: Endpoint) -> None:
    sign_in(page, str(live_server), someone("Dora Owner", DOMAIN_OWNER))
    row = Difference.objects.filter(field="attributes.name").first()
    assert row is not None
    page.goto("/publishing/drift/")
    page.get_by_label(f"Tick {row.record.code}").check()  # type: ignore[union-attr]
    page.get_by_label("Reason").fill("they know it better")
    page.get_by_role("button", name="Adopt their value").click()
    expect(page.get_by_text("1 adopted")).to_be_visible()
    assert reload(row.record_id).title == row.theirs  # type: ignore[arg-type]
    assert open_count() == 3
    page.get_by_label("Tick V-000099").check()
    page.get_by_label("Reason").fill("a one-time vendor")
    page.get_by_role("button", name="Leave it").click()
    expect(page.get_by_text("1 left as they are")).to_be_visible()
    assert open_count() == 2


def test_a_comparison_shows_how_far_it_is_and_then_its_result(page: Page, live_server: Any, endpoint: Endpoint) -> None:
    Endpoint.objects.update(reconcile_path="/holdings")
    sign_in(page, str(live_server), someone("Stella Steward"))
    page.goto("/publishing/push/drift/")
    page.get_by_role("button", name="Compare now").click()
    expect(page.get_by_role("heading", name="Push is being compared")).to_be_visible()
    DriftCheck.objects.filter(via="asked").update(state="running", told=3, compared=6)
    expect(page.get_by_text("3 records told, 6 held for it.")).to_be_visible(timeout=10_000)
    finished = DriftCheck.objects.filter(via="sent").values_list("finished_at", flat=True)[0]
    DriftCheck.objects.filter(via="asked").update(state="failed", error="Push answered HTTP 500.", finished_at=finished)
    expect(page.get_by_text("Push answered HTTP 500.")).to_be_visible(timeout=10_000)


@pytest.mark.parametrize("address", ["/publishing/drift/", "/publishing/push/drift/"])
def test_on_a_phone_nothing_moves_sideways(
    browser: Browser, live_server: Any, endpoint: Endpoint, address: str
) -> None:
    context = browser.new_context(viewport=PHONE, base_url=str(live_server))  # type: ignore[arg-type]
    phone = context.new_page()
    sign_in(phone, str(live_server), someone("Dora Owner", DOMAIN_OWNER))
    phone.goto(address)
    expect(phone.locator("#results tbody tr")).to_have_count(4)
    assert phone.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()
