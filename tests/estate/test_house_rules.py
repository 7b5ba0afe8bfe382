"""Rules of the house that no linter knows: sizes, rooms, words."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import URLPattern

from publishing import urls as publishing_urls
from stewardship import urls as stewardship_urls

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("mdm", "matching", "stewardship", "publishing", "api", "ops", "demo")
CODE = (*ROOMS, "tests", "bench")
# The demo's receivers stand for other people's systems: our words and our browser walls are not theirs.
OURS = tuple(room for room in ROOMS if room != "demo")
LONGEST_FILE = {".py": 400, ".html": 150, ".js": 400, ".css": 400}
LONGEST_FUNCTION = 60
DOMAINS = ("supplier", "item", "cost_center", "facility", "contract")
ASKS_WHICH_DOMAIN = re.compile(rf"\bdomain(\.name|\.slug|_name)?\s*(==|!=|in)\s*[(\[{{]?\s*[\"']({'|'.join(DOMAINS)})")
FORBIDDEN_WORDS = {"entity", "entities", "sync", "handle", "handler"}

# Methods a framework calls by these names: the body of a command, DRF's choice of error answers.
NAMED_BY_FRAMEWORKS = {"handle", "get_exception_handler", "handle_exception", "handle_no_permission"}


def files(suffix: str, *folders: str) -> Iterator[Path]:
    for folder in folders:
        for path in sorted((PROJECT / folder).rglob(f"*{suffix}")):
            if not {"migrations", "vendor", "tables", "__pycache__"} & set(path.parts) and ".min." not in path.name:
                yield path


def named(path: Path) -> str:
    return str(path.relative_to(PROJECT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


@pytest.mark.parametrize(("suffix", "most"), LONGEST_FILE.items())
def test_no_file_is_longer_than_the_house_allows(suffix: str, most: int) -> None:
    lengths = {named(path): len(path.read_text().splitlines()) for path in files(suffix, *CODE, "templates")}
    assert {path: lines for path, lines in lengths.items() if lines > most} == {}


def test_no_function_is_longer_than_the_house_allows() -> None:
    long = {
        f"{named(path)}:{node.name}": node.end_lineno - node.lineno + 1
        for path in files(".py", *CODE)
        for node in functions(path)
        if node.end_lineno and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    }
    assert long == {}


def test_nobody_outside_the_declarations_asks_which_domain() -> None:
    found = [
        f"{named(path)}:{number}: {line.strip()}"
        for path in files(".py", *ROOMS)
        if "mdm/domains" not in named(path)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if ASKS_WHICH_DOMAIN.search(line)
    ]
    assert found == []


def test_nothing_is_imported_inside_a_function() -> None:
    found = [
        f"{named(path)}:{inner.lineno}"
        for path in files(".py", *ROOMS)
        for node in functions(path)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert found == []


def test_names_use_the_words_of_the_house() -> None:
    found = [
        f"{named(path)}:{node.lineno}: {node.name}"
        for path in files(".py", *OURS)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and node.name not in NAMED_BY_FRAMEWORKS
        and FORBIDDEN_WORDS & set(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", node.name).lower().split("_"))
    ]
    assert found == []


def test_no_page_loads_anything_from_elsewhere_or_carries_inline_code() -> None:
    found = [
        f"{named(path)}:{number}"
        for path in files(".html", "templates", *OURS)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if re.search(
            r"(src|href)=[\"'](https?:)?//|<script(?![^>]*\b(src|type=[\"']application/json))|\son\w+=[\"']", line
        )
    ]
    assert found == []


def test_no_two_addresses_share_a_name() -> None:
    """Links lead to the last one of a name; the other one silently loses all of its own."""
    for module in (stewardship_urls, publishing_urls):
        names = Counter(one.name for one in module.urlpatterns if isinstance(one, URLPattern) and one.name)
        assert [name for name, number in names.items() if number > 1] == []
