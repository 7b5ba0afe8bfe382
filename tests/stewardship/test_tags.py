"""Template tags of the look: what they draw, and that nothing from a source file reaches the page unescaped."""

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from stewardship import display
from stewardship.templatetags import assay

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOSTILE = '<script>alert("x")</script>'


def render(source: str, **context: object) -> str:
    return Template("{% load assay %}" + source).render(Context(context))


def test_icon_is_hidden_unless_labelled() -> None:
    assert 'aria-hidden="true"' in assay.icon("search")
    assert 'role="img" aria-label="Find"' in assay.icon("search", label="Find")
    assert "sprite.svg#search" in assay.icon("search")


@pytest.mark.parametrize(
    "source",
    [
        "{{ value|differ:'other' }}",
        "{{ 'other'|differ:value }}{{ value|differ:value }}",
        "{% source_chip value value %}",
        "{% state_badge value %}{% state_badge 'active' value %}",
        "{% icon value value value %}",
        "{{ value|attribute_label }}{{ value|number }}{{ value|person_name }}{{ value|initials }}",
        "{% ago None value %}",
        "{% include 'partials/notice.html' with title=value text=value %}",
        "{% include 'partials/toast.html' with text=value tone=value undo_url=value undo_value=value %}",
    ],
)
def test_hostile_values_are_escaped(source: str) -> None:
    assert "<script" not in render(source, value=HOSTILE)


def test_differ_marks_and_keeps_the_text() -> None:
    assert assay.differ("60015-4625", "60015") == '60015<mark class="differs">-4625</mark>'
    assert assay.differ("6015", "60015") == '6<mark class="lacks"></mark>015'
    assert assay.differ(None, "x") == ""


def test_usual_source_systems_have_colours_of_their_own() -> None:
    usual = ("erp", "ap", "procurement", "billing", "legacy", "inventory", "contracts", "stewardship")
    assert len({display.source_class(code) for code in usual}) == len(usual)
    assert assay.source_class(SimpleNamespace(code="erp")) == assay.source_class("erp")


def test_source_chip_shows_name_and_key() -> None:
    chip = assay.source_chip(SimpleNamespace(code="erp", name="ERP vendor master"), "V-1")
    assert "ERP vendor master" in chip
    assert "V-1" in chip


@pytest.mark.parametrize(
    ("state", "css"),
    [
        ("active", "badge--ok"),
        ("pending", "badge--warn"),
        ("merged", "badge--violet"),
        ("retired", "badge--still"),
        ("failed", "badge--danger"),
        ("never heard of", "badge--still"),
    ],
)
def test_badge_tone_follows_the_state(state: str, css: str) -> None:
    assert css in assay.state_badge(state)


def test_badge_words_are_readable() -> None:
    assert ">Not a match<" in assay.state_badge("not_a_match")


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        (NOW, "just now"),
        (NOW - timedelta(seconds=50), "1 minute ago"),
        (NOW - timedelta(minutes=5), "5 minutes ago"),
        (NOW - timedelta(hours=3), "3 hours ago"),
        (NOW - timedelta(days=2), "2 days ago"),
        (NOW - timedelta(days=70), "2 months ago"),
        (NOW - timedelta(days=800), "2 years ago"),
        (NOW + timedelta(hours=4), "in 4 hours"),
    ],
)
def test_relative_time(moment: datetime, words: str) -> None:
    assert display.relative_time(moment, NOW) == words


def test_ago_gives_machines_the_exact_time() -> None:
    assert 'datetime="2026-03-01T12:00:00+00:00"' in assay.ago(NOW)
    assert assay.ago(date(2026, 3, 1)) == '<time datetime="2026-03-01">01 Mar 2026</time>'
    assert "never" in assay.ago(None)


@pytest.mark.parametrize(
    ("name", "words"), [("tax_id", "Tax ID"), ("ndc", "NDC"), ("remit-to", "Remit to"), ("legal_name", "Legal name")]
)
def test_wording(name: str, words: str) -> None:
    assert display.wording(name) == words


def test_a_declared_label_wins() -> None:
    assert assay.attribute_label(SimpleNamespace(label="Name in law", name="name")) == "Name in law"


def test_percent_never_rounds_up_to_certainty() -> None:
    assert assay.percent(0.9999) == "99.9%"
    assert assay.percent(1) == "100.0%"
    assert assay.percent(None) == "\N{EN DASH}"


def test_number_groups_digits() -> None:
    assert assay.number(1234567) == "1,234,567"
    assert assay.number(0) == "0"
    assert assay.number(None) == "\N{EN DASH}"


def test_reasons_are_sorted_and_scaled() -> None:
    lines = display.reason_lines([("Phone", -2.0, ""), ("Name", 8.0, "rare"), ("DUNS", 0.0, "missing")])
    assert [line.label for line in lines] == ["Name", "Phone", "DUNS"]
    assert [(line.side, line.x, line.width) for line in lines] == [
        ("for", 0.0, 50.0),
        ("against", -12.5, 12.5),
        ("", 0.0, 0.0),
    ]
    assert [line.shown for line in lines] == ["+8.0", "\N{MINUS SIGN}2.0", "0"]


def test_weak_evidence_never_fills_the_bar() -> None:
    (line,) = display.reason_lines([("Name", 0.5, "")])
    assert line.width == 5.0


def test_score_meter_places_the_limits() -> None:
    html = render("{% score_meter 0.871 'review' 0.5 0.95 %}")
    assert "87.1%" in html
    assert '<rect class="score__fill" width="87.1"' in html
    assert 'x="50.0" width="45.0"' in html


def test_sort_header_turns_round_and_drops_the_cursor() -> None:
    request = RequestFactory().get("/records/", {"sort": "name", "cursor": "abc", "state": "active"})
    html = render("{% sort_header 'name' 'Name' %}", request=request)
    assert 'aria-sort="ascending"' in html
    assert 'href="?sort=-name&amp;state=active"' in html


@pytest.mark.parametrize(
    ("cookie", "expected"), [("dark", "dark"), ("light", "light"), ('"><b>', "auto"), ("", "auto")]
)
def test_theme_accepts_only_its_own_words(cookie: str, expected: str) -> None:
    request = RequestFactory().get("/")
    request.COOKIES["assay_theme"] = cookie
    assert render("{% theme %}", request=request) == expected


def test_spark_spans_its_box() -> None:
    assert display.spark_points([0, 10, 5], 96, 24) == [(0.0, 23.0), (48.0, 1.0), (96.0, 12.0)]
    assert display.spark_points([], 96, 24) == []


@pytest.mark.parametrize(("name", "letters"), [("Ines Moreau", "IM"), ("ines", "I"), ("jan.de.vries", "JV"), ("", "?")])
def test_initials(name: str, letters: str) -> None:
    assert display.initials(name) == letters
