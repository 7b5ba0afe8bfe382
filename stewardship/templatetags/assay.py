"""Template tags of the look: icons, chips, badges, marked differences, times, small drawings.

Every tag that returns markup builds it with ``format_html``: what came from a source file is always escaped.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from django import template
from django.http import QueryDict
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from mdm import people
from stewardship import differences, display, drawing, navigation, tables
from stewardship.permissions import may_administer, may_propose

register = template.Library()

FOLDED = 300  # characters of a value that are shown at once


@register.simple_tag
@lru_cache(maxsize=1000)  # a page has some fifty, of a hundred there are
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """``{% icon "search" %}``: a drawing of the sprite. Without ``label`` it is hidden from screen readers."""
    address = f"{static('assay/icons/sprite.svg')}#{name}"
    classes = f"icon {css}".strip()
    if label:
        return format_html('<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', classes, label, address)
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, address)


@register.filter
def source_class(source: Any) -> str:
    """The colour class of a source system, given itself (with ``code``) or its code."""
    return display.source_class(str(getattr(source, "code", source)))


@register.simple_tag
def source_chip(source: Any, key: str = "") -> SafeString:
    """``{% source_chip source key %}``: name of the source system with its colour, and the key it uses there."""
    label = getattr(source, "label", "") or getattr(source, "name", "") or str(source)
    shown_key = format_html('<span class="chip__key">{}</span>', key) if key else ""
    return format_html(
        '<span class="chip {}"><span class="chip__dot"></span>{}{}</span>', source_class(source), label, shown_key
    )


@register.simple_tag
def state_badge(state: str, label: str = "", tone: str = "") -> SafeString:
    """``{% state_badge record.state %}``: badge of a state; the tone follows from the state unless given."""
    chosen = tone or display.tone(str(state))
    css = "badge--info badge--busy" if chosen == "busy" else f"badge--{chosen}"
    if chosen == "plain":
        css = "badge--still"
    return format_html('<span class="badge {}">{}</span>', css, label or display.wording(str(state)))


@register.filter
def tone(state: str) -> str:
    """The tone of a state (ok, warn, danger, info, violet, busy, plain) for components of one's own."""
    return display.tone(str(state))


@register.filter
def differ(value: Any, other: Any) -> SafeString:
    """``{{ value|differ:other }}``: the value, with the characters that are not so in the other one marked."""
    return format_html_join(
        "", "{}", ((_marked(*run),) for run in differences.differing_runs(_text(value), _text(other)))
    )


@register.filter
def at(found: Any, key: Any) -> Any:
    """``{{ mapping|at:key }}``: what stands there, None where nothing does."""
    return found.get(key)


@register.filter
def part(found: Any, name: str) -> Any:
    """``{{ filters|part:name }}``: an attribute whose name is a variable."""
    return getattr(found, name)


@register.filter
def fold(value: Any) -> SafeString | str:
    """``{{ value|fold }}``: a long text folded to its beginning, with "show all"; without any script."""
    text = _text(value)
    if len(text) <= FOLDED:
        return text
    more = format_html('<span class="fold__more">show all {} characters</span>', f"{len(text):,}")
    shown, rest = text[:FOLDED], text[FOLDED:]
    return format_html('<details class="fold"><summary>{}… {}</summary>{}</details>', shown, more, rest)


@register.filter
def same_as(value: Any, other: Any) -> bool:
    """Whether two values read the same but for case."""
    return _text(value).casefold() == _text(other).casefold()


@register.simple_tag
def ago(moment: datetime | date | None, never: str = "never") -> SafeString:
    """``{% ago batch.received_at %}``: relative time, with the exact one in the title and in ``datetime``."""
    if moment is None:
        return format_html('<span class="muted">{}</span>', never)
    if not isinstance(moment, datetime):
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), f"{moment:%d %b %Y}")
    exact = timezone.localtime(moment) if timezone.is_aware(moment) else moment
    now = timezone.now() if timezone.is_aware(moment) else datetime.now()  # noqa: DTZ005 - compared with a naive one
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        exact.isoformat(timespec="seconds"),
        f"{exact:%d %b %Y, %H:%M:%S %Z}".strip(),
        display.relative_time(moment, now),
    )


@register.filter
def attribute_label(attribute: Any) -> str:
    """The label of a declared attribute, or a readable form of a bare name (``tax_id`` is ``Tax ID``)."""
    return str(getattr(attribute, "label", "") or display.wording(str(attribute)))


@register.filter
def number(value: Any) -> str:
    """A whole number with thin groups (``12,345``); anything else comes back as text, nothing as a dash."""
    if value is None or value == "":
        return "\N{EN DASH}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@register.filter
def minus(one: float, other: float) -> float:
    """The difference of two places of a drawing, never less than nothing."""
    return round(max(one - other, 0), 2)


@register.filter
def points(weight: float) -> str:
    """Points of evidence with their sign, a true minus, one decimal."""
    return drawing.signed(weight)


@register.filter
def percent(score: float | None) -> str:
    """A score in 0..1 as per cent, cut rather than rounded, so that only a certain 1 reads 100."""
    return "\N{EN DASH}" if score is None else f"{int(score * 1000) / 10:.1f}%"


@register.filter
def initials(person: Any) -> str:
    """One or two capitals of a person's name."""
    return display.initials(person_name(person))


@register.filter
def person_name(person: Any) -> str:
    """Full name, else sign-in name, of a person; whatever else is given, as text."""
    full = getattr(person, "get_full_name", None)
    return str((full() if full else "") or person or "")


@register.filter
def role_of(person: Any) -> str:
    """The roles of a person in words, for the user menu."""
    if getattr(person, "is_superuser", False):
        return "Administrator"
    return ", ".join(display.wording(name) for name in people.GROUPS if people.in_group(person, name)) or "No role yet"


@register.filter
def administers(person: Any) -> bool:
    """Whether the person looks after the installation."""
    return may_administer(person)


@register.simple_tag(takes_context=True)
def theme(context: Context) -> str:
    """The colour scheme this browser chose: ``light``, ``dark``, or ``auto`` to follow the machine."""
    request = context.get("request")
    chosen = request.COOKIES.get("assay_theme", "") if request else ""
    return chosen if chosen in {"light", "dark"} else "auto"


@register.simple_tag(takes_context=True)
def side_bar(context: Context) -> tuple[navigation.Section, ...]:
    """The sections of the side bar; ``navigation_counts`` in the context adds numbers by URL name."""
    request = context.get("request")
    user = getattr(request, "user", None)
    return navigation.sections(request.path if request else "", context.get("navigation_counts"), user)


@register.inclusion_tag("partials/sort_header.html", takes_context=True)
def sort_header(context: Context, field: str, label: str, css: str = "") -> dict[str, Any]:
    """``{% sort_header "name" "Name" %}``: a column head that sorts by ``?sort=``; a second press turns it round."""
    request = context.get("request")
    query = request.GET.copy() if request else QueryDict(mutable=True)
    current = [one for one in query.get("sort", "").split(",") if one]
    descending = f"-{field}" in current
    turned = f"-{field}" if field in current else field
    for name in ("cursor", "after", "before"):
        query.pop(name, None)
    query["sort"] = ",".join([turned if one.lstrip("-") == field else one for one in current][:3])
    if field not in current and not descending:
        query["sort"] = ",".join([*current, field][-3:])
    more = f"?{query.urlencode()}"
    query["sort"] = turned
    order = "descending" if descending else "ascending" if field in current else ""
    return {
        "label": label,
        "href": f"?{query.urlencode()}",
        "more": more,
        "order": order,
        "rank": [one.lstrip("-") for one in current].index(field) + 1 if order and len(current) > 1 else "",
        "css": css,
        "target": context.get("sort_target", ""),
    }


@register.inclusion_tag("partials/table_tools.html", takes_context=True)
def table_tools(context: Context, table: str, **given: Any) -> dict[str, Any]:
    """``{% table_tools "merges" %}``: saved views of the table; columns with ``look=``, files with ``files=``."""
    request = context["request"]
    views = tables.views_of(table, request.user)
    current = request.GET.get(tables.VIEW, "")
    shown = next((view for view in views if str(view.pk) == current), None)
    own = shown is not None and shown.owner_id == request.user.pk
    look = given.get("look")
    query = request.GET.copy()
    for name in tables.LOOKS:
        query.pop(name, None)
    bare = query.urlencode()
    if look:
        query.update(look.query)
    return {
        "table": table,
        "views": views,
        "current": current,
        "current_name": shown.name if shown else "",
        "current_own_name": shown.name if shown and own else "",
        "person": request.user.pk,
        "query": tables.clean(query.urlencode()),
        "bare": bare,
        "path": request.path,
        "may_keep": may_propose(request.user),
        "csrf_token": context.get("csrf_token"),
        **given,
    }


@register.inclusion_tag("partials/spark.html")
def spark(values: Sequence[float], label: str, width: int = 96, height: int = 24) -> dict[str, Any]:
    """``{% spark values "Deliveries a day" %}``: a small line; ``label`` tells screen readers what it shows."""
    points = display.spark_points(values, width, height)
    line = " ".join(f"{x},{y}" for x, y in points)
    return {"line": line, "last": points[-1] if points else None, "label": label, "width": width, "height": height}


@register.inclusion_tag("partials/score.html")
def score_meter(score: float, band: str, review: float, auto: float) -> dict[str, Any]:
    """``{% score_meter candidate.score candidate.band domain.matching.review domain.matching.auto %}``, all in 0..1."""
    labels = {"auto": ("Automatic", "ok"), "review": ("Needs review", "warn"), "new": ("New", "info")}
    band_label, band_tone = labels.get(str(band), (str(band), ""))
    return {
        "score": score,
        "band": band,
        "band_label": band_label,
        "band_tone": band_tone,
        "review": review,
        "auto": auto,
        "score_at": round(100 * score, 2),
        "review_at": round(100 * review, 2),
        "review_width": round(100 * (auto - review), 2),
        "auto_at": round(100 * auto, 2),
        "auto_width": round(100 * (1 - auto), 2),
    }


@register.inclusion_tag("partials/score_mini.html")
def score_bar(score: float, band: str) -> dict[str, Any]:
    """``{% score_bar candidate.score candidate.band %}``: a score in a table cell."""
    return {"score": score, "band": band, "score_at": round(100 * score, 2)}


@register.inclusion_tag("partials/reasons.html")
def reasons(comparisons: Iterable[Any]) -> dict[str, Any]:
    """``{% reasons candidate.reasons %}``: items with ``label``, ``weight`` (bits) and ``note``, as keys or fields."""
    weights = [
        (str(_member(item, "label")), float(_member(item, "weight") or 0), str(_member(item, "note") or ""))
        for item in comparisons
    ]
    return {"lines": display.reason_lines(weights)}


@register.inclusion_tag("partials/waterfall.html")
def waterfall(lines: Sequence[Any], score: float, matching: Any) -> dict[str, Any]:
    """``{% waterfall evidence.lines evidence.score domain.matching %}``: how a score adds up, with its limits."""
    return {
        "fall": drawing.waterfall(lines, score, matching.review, matching.auto),
        "score": score,
        "review": matching.review,
        "auto": matching.auto,
    }


def _member(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else getattr(item, name, None)


def _marked(run: str, differs: bool) -> SafeString | str:
    if not differs:
        return run
    return format_html('<mark class="{}">{}</mark>', "differs" if run else "lacks", run)


def _text(value: Any) -> str:
    return "" if value is None else str(value)
