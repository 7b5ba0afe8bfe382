"""What an edit would do, before it is sent: what is stored, which rules it breaks or mends, who is concerned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from mdm import queries
from mdm.errors import Invalid
from mdm.mastering.edits import check_values
from mdm.models import GoldenRecord
from mdm.quality import failed
from mdm.queries import RecordDetail, Reference, Referrers
from mdm.queries.values import references_to
from mdm.spec import Domain, Kind, Severity
from stewardship import showing
from stewardship.forms import ProposalForm
from stewardship.models import ChangeRequest, RequestState

CONSEQUENCES: Mapping[Severity, str] = {
    Severity.REFUSE: "a source row like this would wait in quarantine",
    Severity.HOLD: "a record that is not published yet would stay held back",
    Severity.WARN: "a warning stays on the record",
}


@dataclass(frozen=True)
class Checked:
    """One value while it is typed. ``stored`` is how it would read, "" where it is blank or as it was."""

    problems: Sequence[str] = ()
    stored: str = ""
    differs: bool = False
    breaks: Sequence[str] = ()
    mends: Sequence[str] = ()


@dataclass(frozen=True)
class Preview:
    """An edit of several values, ready to be looked at."""

    lines: Sequence[Mapping[str, Any]]
    breaks: Sequence[str]
    mends: Sequence[str]
    referrers: Sequence[Referrers] = ()
    waiting: Sequence[ChangeRequest] = field(default=())


def plain_values(detail: RecordDetail) -> dict[str, Any]:
    """{attribute: JSON value} as the rules of quality read it; references by id."""
    shown = ((value.attribute.name, value.value) for value in (*detail.values, *detail.extension))
    return {name: str(v.record) if isinstance(v, Reference) else v for name, v in shown if v not in (None, "")}


def consequences(domain: Domain, before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """(rules broken, rules mended) by going from one set of values to the other. Rules about parts are not asked."""
    own = [rule for rule in domain.validations if "." not in rule.attributes[0]]
    was, now = failed(own, before), failed(own, after)
    broken = [f"{rule.message} If approved, {CONSEQUENCES[rule.severity]}." for rule in now if rule not in was]
    return broken, [rule.message for rule in was if rule not in now]


def check_one(form: ProposalForm, name: str) -> Checked:
    """One value of a form in the making, the others counting for the rules as they stand in it."""
    form.is_valid()
    domain, changed = form.detail.domain, form.proposed()
    if name in form.errors:
        return Checked(problems=[str(text) for text in form.errors[name]])
    if name not in changed:
        return Checked()
    try:
        fitting = check_values(domain, form.detail.id, {name: changed[name]})
    except Invalid as refusal:
        return Checked(problems=[text for _, text in refusal.problems])
    before = plain_values(form.detail)
    breaks, mends = consequences(domain, before, _merged(before, {**_fitting(form, changed, name), **fitting}))
    typed = str(form.data.get(name, "")).strip()
    stored = _shown(form, name, fitting[name])
    return Checked(stored=stored, differs=bool(stored) and stored != typed, breaks=breaks, mends=mends)


def _fitting(form: ProposalForm, changed: Mapping[str, Any], but: str) -> dict[str, Any]:
    """The other changed values as they would be stored; those that do not fit count as not given."""
    found: dict[str, Any] = {}
    for name, value in changed.items():
        if name != but and name not in form.errors:
            try:
                found |= check_values(form.detail.domain, form.detail.id, {name: value})
            except Invalid:
                continue
    return found


def _merged(before: Mapping[str, Any], fitting: Mapping[str, Any]) -> dict[str, Any]:
    flat = {name: value["record"] if isinstance(value, Mapping) else value for name, value in fitting.items()}
    return {name: value for name, value in {**before, **flat}.items() if value not in (None, "")}


def _shown(form: ProposalForm, name: str, value: Any) -> str:
    attribute = next(one for one in form.attributes if one.name == name)
    if attribute.kind is Kind.REFERENCE and isinstance(value, Mapping):
        value = references_to([UUID(value["record"])]).get(UUID(value["record"]))
    return showing.shown(attribute, value)


def preview(form: ProposalForm, record: GoldenRecord) -> Preview:
    """The edit of a form that fits. Raises Invalid naming every value that does not."""
    detail, changed = form.detail, form.proposed()
    pinned = form.pins
    fitting = check_values(detail.domain, detail.id, changed)
    before = plain_values(detail)
    after = _merged(before, fitting)
    held = {value.attribute.name: value for value in (*detail.values, *detail.extension)}
    lines = [
        {
            "label": held[name].attribute.label,
            "before": showing.shown(held[name].attribute, held[name].value),
            "after": _shown(form, name, value),
            "pinned": name in pinned,
        }
        for name, value in fitting.items()
    ]
    breaks, mends = consequences(detail.domain, before, after)
    open_ones = ChangeRequest.objects.filter(
        record=record, state__in=(RequestState.OPEN, RequestState.SCHEDULED)
    ).select_related("requested_by")
    touching = [one for one in open_ones if one.before.keys() & fitting.keys()]
    return Preview(lines, breaks, mends, queries.referrers(record.pk, record.domain, sample=0), touching)
