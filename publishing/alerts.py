"""The alert rules: declared once, judged here, written for Prometheus by `manage.py alerts --rules`.

Each names the row of docs/runbooks/running.md that says what to do.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from publishing.metrics import Figure


@dataclass(frozen=True)
class Rule:
    """A figure above ``limit`` for ``minutes`` is told; with ``live`` only of endpoints that may be sent to."""

    name: str
    figure: str
    limit: float
    minutes: int
    severity: str
    words: str
    live: bool = False
    below: bool = False

    @property
    def expression(self) -> str:
        """The rule as Prometheus asks it."""
        asked = f"assay_{self.figure} {'<' if self.below else '>'} {self.limit:g}"
        return f"{asked} and on(endpoint) assay_endpoint_live == 1" if self.live else asked

    def is_broken_by(self, figure: Figure) -> bool:
        """Whether this value is one to be told of."""
        return figure.value < self.limit if self.below else figure.value > self.limit


RULES = (
    Rule("EventsNotNumbered", "log_oldest_unnumbered_seconds", 10, 1, "page",
         "Changes are committed and get no number: nothing is published. Is the sequencer alive?"),
    Rule("ProgramSilent", "program_seconds", 60, 1, "page", "A program has not been heard of for a minute."),
    Rule("LogAltered", "log_unaltered", 1, 0, "page", "The last verification found the log altered.", below=True),
    Rule("LogNotVerified", "log_verified_seconds", 26 * 3600, 10, "ticket", "The nightly verification has not run."),
    Rule("CheckpointLate", "checkpoint_seconds", 600, 5, "ticket", "No checkpoint covers what was logged since."),
    Rule("DeliveriesLate", "endpoint_oldest_undelivered_seconds", 900, 5, "ticket",
         "An endpoint that runs has been owed something for a quarter of an hour.", live=True),
    Rule("TargetFailing", "endpoint_failing_seconds", 4 * 3600, 0, "ticket",
         "A target has been failing for four hours; after five days its endpoint is disabled.", live=True),
    Rule("RecordsParked", "endpoint_parked", 0, 15, "ticket", "Records are parked until a person acts."),
    Rule("EndpointStands", "endpoint_live", 1, 60, "ticket",
         "An endpoint is paused, disabled or waits to be verified.", below=True),
    Rule("TargetDrifted", "endpoint_drift_open", 0, 60, "ticket", "A target differs from the hub."),
)  # fmt: skip


@dataclass(frozen=True)
class Alert:
    """A rule broken now, and by what: an endpoint, a program, or nothing in particular."""

    rule: Rule
    labels: Mapping[str, str]
    value: float


def broken(found: Sequence[Figure]) -> list[Alert]:
    """Every rule these figures break, in the order of the rules; how long they do so is the asker's to know. Pure."""
    live = {dict(figure.labels)["endpoint"] for figure in found if figure.name == "endpoint_live" and figure.value}
    alerts = []
    for rule in RULES:
        for figure in found:
            labels = dict(figure.labels)
            counts = not rule.live or labels.get("endpoint") in live
            if figure.name == rule.figure and counts and rule.is_broken_by(figure):
                alerts.append(Alert(rule, labels, figure.value))
    return alerts


def prometheus_rules() -> str:
    """The rules as a file for Prometheus."""
    lines = ["groups:", "  - name: assay", "    rules:"]
    for rule in RULES:
        lines += [
            f"      - alert: Assay{rule.name}",
            f"        expr: {rule.expression}",
            f"        for: {rule.minutes}m",
            f"        labels: {{severity: {rule.severity}}}",
            f'        annotations: {{summary: "{rule.words}"}}',
        ]
    return "\n".join(lines) + "\n"
