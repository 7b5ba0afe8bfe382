"""Rules of matching in the browser: reading, drafting, trying, approving, and watching a re-match."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from matching import rematch, rules, rules_trial
from matching.models import Rematch, RuleSet, RuleState, RuleTrial
from matching.rules_content import content_of, digest
from mdm.domains import BY_NAME, DOMAINS
from mdm.people import DOMAIN_OWNER
from mdm.spec import Domain
from stewardship import rules_form
from stewardship.requests import person
from tests.matching.conftest import Run
from tests.matching.conftest import run as run
from tests.mdm.making import source
from tests.stewardship.pages import client_of, outsider, text_of
from tests.stewardship.questions import someone

pytestmark = pytest.mark.django_db
SUPPLIER = BY_NAME["supplier"]


@pytest.fixture
def dora() -> Any:
    return someone("Dora Owner", DOMAIN_OWNER)


@pytest.fixture
def owen() -> Any:
    return someone("Owen Other", DOMAIN_OWNER)


def typed(domain: Domain) -> dict[str, str]:
    """The form of the shipped rules as a browser sends it."""
    shown = rules_form.shown(domain, content_of(domain.matching))
    data = {line["name"]: line["value"] for line in shown["thresholds"]} | {"blocking": shown["blocking"]}
    data |= {"one_per_source": "on"} if shown["one_per_source"] else {}
    for line in shown["comparisons"]:
        feature = line["feature"]
        for level in line["levels"]:
            number = level["number"]
            data |= {f"{feature}.{number}.at": level["at"], f"{feature}.{number}.weight": level["weight"]}
        data |= {f"{feature}.otherwise": line["otherwise"], f"{feature}.rarity": line["rarity"]}
        data |= {f"{feature}.{name}": "on" for name in ("used", "veto", "anchor") if line[name]}
    return data


def sent(**values: str) -> dict[str, str]:
    """The form of suppliers with other values."""
    seen = digest(rules.standing(SUPPLIER).content)
    return {**typed(SUPPLIER), "reason": "Too many wrong links", "seen": seen, **values}


def drafted(client: Client, **values: str) -> RuleSet:
    """A draft made with the form."""
    answer = client.post("/rules/suppliers/draft/", sent(**values))
    made = RuleSet.objects.latest("pk")
    assert answer.url == f"/rules/suppliers/{made.number}/"
    return made


def tried(client: Client, made: RuleSet) -> RuleTrial:
    """Tried to the end."""
    client.post(f"/rules/suppliers/{made.number}/try/")
    trial = RuleTrial.objects.latest("pk")
    rules_trial.advance(trial.pk, 600)
    trial.refresh_from_db()
    return trial


def two_links(run: Run) -> None:
    source("erp", "supplier", "V1", name="Acme Medical Inc", phone="+18054471000")
    source("ap", "supplier", "1", name="Acme Medical Supplies", phone="+18054471000")
    source("erp", "supplier", "V2", name="Waters Corporation", tax_id="133668640")
    source("ap", "supplier", "2", name="Zeta Orthopedics", tax_id="133668640")
    run("supplier")


@pytest.mark.parametrize("domain", DOMAINS, ids=lambda domain: domain.name)
def test_the_form_sends_back_the_rules_it_shows(domain: Domain) -> None:
    content = content_of(domain.matching)
    back = rules_form.read(domain, typed(domain))
    assert {**back, "anchors": sorted(back["anchors"])} == {**content, "anchors": sorted(content["anchors"])}


def test_everybody_with_a_role_reads_and_nobody_else_gets_in() -> None:
    stella = client_of(someone("Stella Steward"))
    said = text_of(stella.get("/rules/"))
    assert "Suppliers Rules 1 as shipped" in said
    page = stella.get("/rules/suppliers/1/")
    assert "In force" in text_of(page)
    assert "Tax id" in text_of(page)
    assert "Nothing was matched again yet" in text_of(stella.get("/rules/suppliers/"))
    nobody = outsider()
    for address in ("/rules/", "/rules/suppliers/", "/rules/suppliers/1/"):
        assert nobody.get(address).status_code == 403
    assert stella.get("/rules/nothing/").status_code == 404
    assert stella.get("/rules/suppliers/99/").status_code == 404


def test_a_steward_neither_drafts_nor_approves(dora: Any) -> None:
    stella = client_of(someone("Stella Steward"))
    made = drafted(client_of(dora), auto="0.98")
    before = RuleSet.objects.count()
    for address in ("draft/", f"{made.number}/change/", f"{made.number}/try/", f"{made.number}/approve/"):
        assert stella.post(f"/rules/suppliers/{address}", sent(auto="0.9")).status_code == 403
    assert (RuleSet.objects.count(), RuleTrial.objects.count()) == (before, 0)
    assert "needs the role domain owner" in text_of(stella.get(f"/rules/suppliers/{made.number}/"))


def test_every_fault_is_named_at_once_and_what_was_typed_is_kept(dora: Any) -> None:
    client = client_of(dora)
    values = {"auto": "high", "blocking": "shoe size\n", "core.0.at": "2", "tax.otherwise": "99", "reason": ""}
    answer = client.post("/rules/suppliers/draft/", sent(**values))
    said = text_of(answer)
    assert answer.status_code == 422
    for word in ("5 things", "give a probability", 'no attribute "shoe size"', "Tax id: disagreement", "Say why"):
        assert word in said
    assert 'value="high"' in answer.content.decode()
    assert 'href="#id-tax-otherwise"' in answer.content.decode()
    assert RuleSet.objects.filter(state=RuleState.DRAFT).count() == 0


def test_from_draft_to_re_match_and_back(run: Run, dora: Any, owen: Any) -> None:
    two_links(run)
    client = client_of(dora)
    made = drafted(client, auto="0.98")
    page = client.get(f"/rules/suppliers/{made.number}/")
    assert "Linked without a person from 0.95 0.98" in text_of(page)
    assert "You wrote these rules yourself" in text_of(page)
    other = client_of(owen)
    assert "Nobody has seen yet" in text_of(other.get(page.request["PATH_INFO"]))
    client.post(f"/rules/suppliers/{made.number}/try/")
    live = client.get(f"/rules/suppliers/{made.number}/trial/", headers={"HX-Request": "true"})
    assert "hx-get" in live.content.decode()
    trial = tried(client, made)
    shown = text_of(other.get(f"/rules/suppliers/{made.number}/"))
    for word in ("All 3 records were looked at", "Fall apart 1", "Would fall apart", "Acme Medical Supplies"):
        assert word in shown
    done = other.get(f"/rules/suppliers/{made.number}/trial/", headers={"HX-Request": "true"})
    assert done.headers["HX-Refresh"] == "true"
    assert trial.figures["split"] == 1
    assert client.post(f"/rules/suppliers/{made.number}/approve/", {"reason": "Mine"}).status_code == 409
    answer = other.post(f"/rules/suppliers/{made.number}/approve/", {"seen": trial.digest, "reason": "Agreed"})
    going = Rematch.objects.get()
    assert answer.url == f"/rules/runs/{going.pk}/"
    assert "Running" in text_of(other.get(answer.url))
    other.post(f"/rules/runs/{going.pk}/pause/")
    assert "It rests" in text_of(other.get(answer.url))
    other.post(f"/rules/runs/{going.pk}/resume/")
    rematch.advance(going.pk, 600)
    said = text_of(other.get(answer.url))
    assert "Split off 1" in said
    assert "Acme Medical" in said
    assert other.post(f"/rules/runs/{going.pk}/revert/", {"reason": ""}).status_code == 422
    other.post(f"/rules/runs/{going.pk}/revert/", {"reason": "It was wrong"})
    rematch.advance(going.pk, 600)
    assert "Reverted." in text_of(other.get(answer.url))
    events = text_of(other.get(f"/rules/suppliers/{made.number}/"))
    for word in ("Drafted by Dora Owner", "Approved by Owen Other", "Revert begun by Owen Other", "It was wrong"):
        assert word in events


def test_a_draft_changed_in_two_windows_is_changed_once(dora: Any) -> None:
    client = client_of(dora)
    made = drafted(client, auto="0.98")
    seen = digest(made.content)
    address = f"/rules/suppliers/{made.number}/change/"
    assert client.post(address, sent(auto="0.97", seen=seen)).status_code == 302
    assert client.post(address, sent(auto="0.96", seen=seen)).status_code == 409
    made.refresh_from_db()
    assert made.content["auto"] == 0.97


def test_a_draft_is_turned_down_with_a_reason(dora: Any, owen: Any) -> None:
    made = drafted(client_of(dora), auto="0.98")
    other = client_of(owen)
    other.post(f"/rules/suppliers/{made.number}/refuse/", {"reason": "Too strict"})
    said = text_of(other.get(f"/rules/suppliers/{made.number}/"))
    assert "Turned down by Owen Other" in said
    assert "Too strict" in said


def test_the_queries_of_a_trial_do_not_grow_with_its_examples(run: Run, dora: Any) -> None:
    client = client_of(dora)
    two_links(run)
    made = drafted(client, auto="0.98")
    counted = []
    for number in range(2):
        tried(client, made)
        client.get(f"/rules/suppliers/{made.number}/")
        with CaptureQueriesContext(connection) as caught:
            client.get(f"/rules/suppliers/{made.number}/")
        counted.append(len(caught))
        source("erp", "supplier", f"X{number}", name=f"Delta {number} Medical", phone=f"+1805447200{number}")
        source("ap", "supplier", f"X{number}", name=f"Delta {number} Medical Supplies", phone=f"+1805447200{number}")
        run("supplier")
    assert counted[0] == counted[1]


def test_a_trial_of_a_sample_says_what_it_means_for_all(run: Run, dora: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    two_links(run)
    monkeypatch.setattr(rules_trial, "ALL", 2)
    monkeypatch.setattr(rules_trial, "SAMPLE", 2)
    client = client_of(dora)
    made = drafted(client, auto="0.98")
    tried(client, made)
    said = text_of(client.get(f"/rules/suppliers/{made.number}/"))
    assert "A random sample of 2 of 3 records" in said
    assert "of all 3:" in said


def test_who_wrote_a_draft_is_named(dora: Any) -> None:
    made = drafted(client_of(dora), auto="0.98")
    assert (made.author, person(dora).name) == (dora, "Dora Owner")
