"""The figures and the alert rules: each rule is broken by what it is for, and by nothing on a quiet hub."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from mdm import liveness, verification
from mdm.models import ChangeEvent, Heartbeat
from mdm.verification import keep_verdict
from mdm.verify import Finding, Verdict
from publishing.alerts import RULES, broken, prometheus_rules
from publishing.clock import now
from publishing.metrics import HELP, exposition, figures
from publishing.models import Delivery, Difference, DriftCheck, Endpoint, FileDrop, ReplayKind
from publishing.replaying import start_replay
from tests.factories import publish, supplier
from tests.publishing.dropping import file_endpoint, folder_drop
from tests.publishing.making import OWNER, Answer, Target, pass_time, run, suppliers, webhook

RUNBOOK = Path(__file__).resolve().parents[2] / "docs" / "runbooks" / "running.md"
HOUR = 3600
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _quiet(clock: None, settings: Settings, tmp_path: Path) -> None:
    """A hub whose programs live and whose log was verified."""
    settings.DATA_DIR = tmp_path
    liveness.forget()
    for program in ("sequencer", "publisher", "worker"):
        liveness.beat(program)
    verified()


def verified(*findings: Finding) -> None:
    keep_verdict(Verdict(events=0, versions=0, records=0, head=0, epoch="", findings=list(findings)))


def values() -> dict[str, float]:
    """{name of a figure with its labels: value}."""
    return {" ".join([f.name, *(value for _, value in f.labels)]): f.value for f in figures()}


def alerts() -> set[str]:
    return {alert.rule.name for alert in broken(figures())}


def test_a_quiet_hub_breaks_no_rule(target: Target) -> None:
    suppliers(2)
    run(webhook(target.url))
    ChangeEvent.objects.all()
    found = values()
    assert found["log_head"] == 2
    assert found["log_unnumbered"] == 0
    assert found["endpoint_backlog hook"] == 0
    assert found["endpoint_oldest_undelivered_seconds hook"] == 0
    assert found["endpoint_state hook active"] == 1
    assert found["endpoint_state hook paused"] == 0
    assert alerts() == set()


def test_backlog_and_age_count_what_is_ahead_of_the_cursor_and_what_waits(target: Target) -> None:
    suppliers(3)
    endpoint = webhook(target.url)
    pass_time(HOUR)
    assert values()["endpoint_backlog hook"] == 3
    assert 3590 < values()["endpoint_oldest_undelivered_seconds hook"] < 3700
    target.answer = Answer(503)
    run(endpoint)
    assert values()["endpoint_backlog hook"] == 3
    assert values()["endpoint_oldest_undelivered_seconds hook"] > 3590


def test_a_scheduled_file_is_late_only_once_its_turn_is_past(outbox: Path) -> None:
    suppliers(1)
    file_endpoint(folder_drop("legacy"))
    FileDrop.objects.update(next_run_at=now() + timedelta(hours=2))
    pass_time(HOUR)
    assert values()["endpoint_backlog drop"] == 1
    assert values()["endpoint_oldest_undelivered_seconds drop"] == 0
    assert "DeliveriesLate" not in alerts()
    pass_time(3 * HOUR)
    assert 3500 < values()["endpoint_oldest_undelivered_seconds drop"] < 3700
    assert "DeliveriesLate" in alerts()


def test_a_replay_says_how_much_of_the_log_it_has_before_it(target: Target) -> None:
    suppliers(3)
    endpoint = webhook(target.url)
    run(endpoint)
    start_replay(endpoint=endpoint, kind=ReplayKind.RANGE, from_seq=2, by=OWNER)
    assert values()["endpoint_replay_left hook"] == 2


def _not_numbered() -> None:
    supplier("1", "Acme")
    pass_time(60)


def _nobody_lives() -> None:
    Heartbeat.objects.all().delete()


def _altered() -> None:
    verified(Finding("event 1", "its text is another"))


def _not_verified() -> None:
    folder = Path(configured.DATA_DIR)
    moment = timezone.now() - timedelta(hours=27)
    text = (folder / verification.FILE).read_text()
    at = text[text.index('"at": "') + 7 :].partition('"')[0]
    (folder / verification.FILE).write_text(text.replace(at, moment.isoformat()))


def _no_checkpoint() -> None:
    suppliers(1)
    pass_time(HOUR)


def _owed_for_long() -> None:
    suppliers(1)
    webhook("http://127.0.0.1:8899")
    pass_time(HOUR)


def _failing() -> None:
    suppliers(1)
    with Target(Answer(503)) as dead:
        run(webhook(dead.url))
    pass_time(5 * HOUR)


def _parked() -> None:
    suppliers(1)
    with Target(Answer(422)) as picky:
        run(webhook(picky.url, retry_seconds=()))


def _stands() -> None:
    webhook("http://127.0.0.1:8899")
    Endpoint.objects.update(state="paused")


def _drifted() -> None:
    endpoint = webhook("http://127.0.0.1:8899", domains=("item",))
    check = DriftCheck.objects.create(endpoint=endpoint, by="x", via="sent", started_at=now())
    Difference.objects.create(check_run=check, endpoint=endpoint, kind="extra", found_at=now())


BREAK: Mapping[str, Callable[[], None]] = {
    "EventsNotNumbered": _not_numbered,
    "ProgramSilent": _nobody_lives,
    "LogAltered": _altered,
    "LogNotVerified": _not_verified,
    "CheckpointLate": _no_checkpoint,
    "DeliveriesLate": _owed_for_long,
    "TargetFailing": _failing,
    "RecordsParked": _parked,
    "EndpointStands": _stands,
    "TargetDrifted": _drifted,
}


@pytest.mark.parametrize("name", [rule.name for rule in RULES])
def test_each_rule_is_broken_by_what_it_is_for(name: str) -> None:
    assert name not in alerts()
    BREAK[name]()
    assert name in alerts()


def test_a_paused_endpoint_is_not_called_late() -> None:
    _owed_for_long()
    Endpoint.objects.update(state="paused")
    assert {"DeliveriesLate", "TargetFailing"} & alerts() == set()


def test_every_rule_asks_a_figure_there_is_and_has_its_row_in_the_runbook() -> None:
    text = RUNBOOK.read_text()
    assert [rule.name for rule in RULES if rule.figure not in HELP] == []
    assert [rule.name for rule in RULES if f"`{rule.name}`" not in text] == []
    rules = prometheus_rules()
    assert rules.count("- alert: Assay") == len(RULES)
    assert "expr: assay_endpoint_failing_seconds > 14400 and on(endpoint) assay_endpoint_live == 1" in rules


def test_the_command_names_broken_rules_and_exits_with_one(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("alerts")
    _stands()
    with pytest.raises(SystemExit) as ended:
        call_command("alerts")
    assert ended.value.code == 1
    call_command("alerts", "--rules")
    said = capsys.readouterr().out
    assert "No alert rule is broken." in said
    assert "EndpointStands hook (0): An endpoint is paused" in said
    assert "groups:" in said


def test_the_text_is_what_prometheus_reads(client: Client) -> None:
    webhook("http://127.0.0.1:8899")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=0.0.4")
    lines = answer.content.decode().splitlines()
    assert "# TYPE assay_log_head gauge" in lines
    assert "assay_log_head 0" in lines
    assert 'assay_endpoint_state{endpoint="hook",state="active"} 1' in lines
    assert 'assay_endpoint_success_seconds{endpoint="hook"} +Inf' in lines
    samples = [line for line in lines if not line.startswith("#")]
    assert len(samples) == len({line.rpartition(" ")[0] for line in samples})
    assert exposition([]) == "\n"


def test_only_callers_on_this_machine_or_with_the_token_read_the_figures(client: Client, settings: Settings) -> None:
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    assert client.get("/metrics", REMOTE_ADDR="192.0.2.7").status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="").status_code == 403
    assert client.get("/metrics", headers={"x-forwarded-for": "192.0.2.7"}).status_code == 403
    settings.METRICS_TOKEN = "figures"
    assert client.get("/metrics").status_code == 403
    assert client.get("/metrics", headers={"authorization": "Bearer figurez"}).status_code == 403
    assert (
        client.get("/metrics", headers={"authorization": "Bearer figures"}, REMOTE_ADDR="192.0.2.7").status_code == 200
    )
    assert client.post("/metrics").status_code == 405


def test_figures_name_no_record() -> None:
    suppliers(2)
    run(webhook("http://127.0.0.1:8899"))
    publish()
    assert "Company" not in exposition(figures())
    assert Delivery.objects.exists()
