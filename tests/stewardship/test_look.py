"""The look as a whole: contrast in both schemes, no markup the content security policy would refuse, no lost icon."""

import re
from pathlib import Path

import pytest

from mdm.domains import DOMAINS
from mdm.people import ADMINISTRATOR, DOMAIN_OWNER
from stewardship import display
from stewardship.views.design import MEANINGS
from tests.stewardship.pages import client_of, text_of
from tests.stewardship.questions import someone

ROOT = Path(__file__).resolve().parents[2]
STATIC = ROOT / "stewardship" / "static" / "assay"
TOKENS = (STATIC / "css" / "tokens.css").read_text()
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
GROUNDS = ("canvas", "surface", "surface-hover", "surface-sunken", "surface-raised")
TEXT_PAIRS = [
    *((ink, ground) for ink in ("ink", "ink-soft", "ink-faint", "accent-text", "danger") for ground in GROUNDS),
    *((tone, f"{tone}-soft") for tone in ("ok", "warn", "danger", "info", "violet", "gold")),
    *((ink, f"{tone}-soft") for ink in ("ink", "ink-soft") for tone in ("ok", "warn", "danger", "info", "gold")),
    ("accent-text", "accent-soft"),
    ("ink-faint", "gold-soft"),
    ("accent-ink", "accent"),
    ("accent-ink", "accent-hover"),
    ("mark-ink", "mark-soft"),
]
SHAPE_PAIRS = [
    *((f"source-{number}", "surface") for number in range(10)),
    ("line-control", "surface"),
    ("focus", "surface"),
    ("focus", "canvas"),
    ("danger-mark", "surface"),
    ("info-mark", "surface"),
]


def schemes() -> dict[str, dict[str, str]]:
    """Colours by scheme."""
    pairs = re.findall(r"--([\w-]+):\s*light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", TOKENS)
    same = dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", TOKENS))
    return {
        "light": same | {name: light for name, light, _ in pairs},
        "dark": same | {name: dark for name, _, dark in pairs},
    }


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("pairs", "least"), [(TEXT_PAIRS, 4.5), (SHAPE_PAIRS, 3.0)], ids=["text", "shapes"])
def test_contrast_reaches_wcag_aa(scheme: str, pairs: list[tuple[str, str]], least: float) -> None:
    colours = schemes()[scheme]
    weak = {
        f"{front} on {ground}": round(contrast(colours[front], colours[ground]), 2)
        for front, ground in pairs
        if contrast(colours[front], colours[ground]) < least
    }
    assert weak == {}


def test_white_on_the_danger_button_is_readable() -> None:
    for colours in schemes().values():
        assert contrast("#ffffff", colours["danger-fill"]) >= 4.5
        assert contrast("#ffffff", colours["danger-fill-hover"]) >= 4.5


def test_colours_are_written_in_one_file_only() -> None:
    strays = {
        path.name: found
        for path in (STATIC / "css").glob("*.css")
        if path.name != "tokens.css" and (found := set(re.findall(r"#[0-9a-f]{3,8}\b", path.read_text())) - {"#ffffff"})
    }
    assert strays == {}


def test_every_token_used_is_defined() -> None:
    defined = set(re.findall(r"--([\w-]+):", "".join(path.read_text() for path in (STATIC / "css").glob("*.css"))))
    for path in (STATIC / "css").glob("*.css"):
        assert set(re.findall(r"var\(--([\w-]+)", path.read_text())) <= defined, path.name


def test_head_loads_every_style_sheet_and_script() -> None:
    head = (ROOT / "templates" / "partials" / "head.html").read_text()
    loaded = set(re.findall(r"assay/(?:css|js)/([\w.-]+)", head))
    assert loaded == {path.name for folder in ("css", "js") for path in (STATIC / folder).iterdir()}


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_templates_hold_nothing_the_browser_would_refuse(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle=", text)
    assert not re.search(r"\son[a-z]+=|hx-on|javascript:", text)
    assert not re.search(r"<style|<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)


def test_every_icon_used_is_in_the_sprite() -> None:
    drawn = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "icons" / "sprite.svg").read_text()))
    used = set()
    for path in TEMPLATES:
        used |= set(re.findall(r'\{% icon "([\w-]+)"|icon="([\w-]+)"', path.read_text()))
    names = {name for pair in used for name in pair if name} | {domain.icon for domain in DOMAINS}
    assert names - drawn == set()


def test_files_of_the_look_stay_small() -> None:
    for path in (*(STATIC / "css").iterdir(), *(STATIC / "js").iterdir()):
        assert len(path.read_text().splitlines()) < 400, path.name
    for path in TEMPLATES:
        assert len(path.read_text().splitlines()) <= 150, path.name


@pytest.mark.django_db
def test_the_page_of_the_design_shows_both_schemes_to_administrators_and_leads_there() -> None:
    answer = client_of(someone("Alex", ADMINISTRATOR)).get("/design/")
    page = answer.content.decode()
    assert page.count('class="design__side in-light"') == page.count('class="design__side in-dark"') == 1
    assert 'href="/design/"' in page
    assert all(meaning in text_of(answer) for meaning in MEANINGS.values())
    olga = client_of(someone("Olga", DOMAIN_OWNER))
    assert olga.get("/design/").status_code == 403
    assert "/design/" not in olga.get("/search/").content.decode()


def test_every_tone_of_a_state_has_a_meaning_on_the_page_of_the_design() -> None:
    assert set(display.TONES.values()) <= set(MEANINGS)
