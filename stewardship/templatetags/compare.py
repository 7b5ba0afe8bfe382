"""Tags of the compare grid. A group of three hundred has thousands of cells: a cell is one call, no template."""

from collections.abc import Sequence
from typing import Any

from django import template
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from stewardship.grid import EQUAL, Cell, Line, Row
from stewardship.templatetags.assay import differ, icon, source_chip

register = template.Library()

LINES = 4
# Beyond so many members what all agree on is said once.
ONCE = 12
NOTHING = format_html('<span class="muted" aria-label="{}">&ndash;</span>', "no value")


@register.simple_tag
def compare_cells(row: Row, *, choose: bool) -> SafeString:
    """``{% compare_cells row choose=True %}``: the cells of a row; with ``choose`` any value can survive."""
    if row.state == EQUAL and len(row.cells) > ONCE:
        first = row.cells[0]
        said = _lines(first.lines) if row.is_part else _value(row, first)
        return format_html('<td colspan="{}">{} <span class="muted small">all agree</span></td>', len(row.cells), said)
    if not any(cell.value for cell in row.cells):
        return format_html('<td class="compare__cell--empty" colspan="{}">{}</td>', len(row.cells), NOTHING)
    choosing = choose and not row.is_part
    return format_html_join(
        "", "{}", ((_cell(row, cell, number, choosing),) for number, cell in enumerate(row.cells, 1))
    )


def _cell(row: Row, cell: Cell, number: int, choose: bool) -> SafeString:
    css = "compare__cell--survives" if cell.survives else "" if cell.value else "compare__cell--empty"
    if cell.taken:
        css += " compare__cell--taken"
    if row.is_part:
        return format_html('<td class="{}">{}</td>', css, _lines(cell.lines) if cell.value else NOTHING)
    shown = _value(row, cell) if cell.value else NOTHING
    if choose:
        label = f"{row.label}: take the value of record {number}"
        shown = format_html(
            '<label class="compare__choice" title="{}"><input type="radio" name="take-{}" value="{}" form="decision" '
            'id="take-{}-{}" aria-label="{}"{}><span>{}</span></label>',
            "This value survives", row.name, cell.record, row.name, number, label,
            SafeString(" checked") if cell.taken else "", shown,
        )  # fmt: skip
    if cell.survives:
        shown = format_html(
            '{} <span class="compare__survives" title="This value survives">{}</span>',
            shown,
            icon("circle-check", label="survives"),
        )
    return format_html('<td class="{}">{}{}</td>', css, shown, _origin(cell))


def _value(row: Row, cell: Cell) -> SafeString:
    return differ(cell.value, cell.reference) if row.state == "differs" else conditional_escape(cell.value)


def _origin(cell: Cell) -> SafeString | str:
    """Source chip, date and rule, small under the value."""
    if cell.source is None:
        return ""
    when = (
        format_html('<time datetime="{}">{}</time>', cell.date.isoformat(), f"{cell.date:%d %b %Y}")
        if cell.date
        else ""
    )
    facts: Sequence[Any] = [fact for fact in (when, cell.rule) if fact]
    said = format_html_join(" · ", "{}", ((fact,) for fact in facts))
    return format_html(
        '<span class="review-origin">{}<span class="review-origin__facts">{}</span></span>',
        source_chip(cell.source),
        said,
    )


def _lines(lines: Sequence[Line]) -> SafeString:
    shown = format_html_join("", "{}", ((_line(line),) for line in lines[:LINES]))
    rest = lines[LINES:]
    if not rest:
        return format_html('<ul class="review-lines">{}</ul>', shown)
    more = format_html_join("", "<li>{}</li>", ((line.text,) for line in rest))
    return format_html(
        '<ul class="review-lines">{}</ul><details class="review-more"><summary>{} more</summary>'
        '<ul class="review-lines">{}</ul></details>',
        shown, len(rest), more,
    )  # fmt: skip


def _line(line: Line) -> SafeString:
    if line.own and line.reference:
        return format_html("<li>{}</li>", differ(line.text, line.reference))
    css = SafeString(' class="review-lines__own" title="Only here"') if line.own else ""
    return format_html("<li{}>{}</li>", css, line.text)
