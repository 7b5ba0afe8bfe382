"""Settings are read by typed readers, and what cannot be read is told by name."""

import base64
from pathlib import Path

import pytest

from mdm import env
from ops import guard
from ops.children import meaning
from ops.surroundings import make_once


@pytest.mark.parametrize(
    ("word", "meant"), [("1", True), ("yes", True), ("ON", True), ("0", False), ("off", False), ("", True)]
)
def test_a_flag_knows_its_words_and_blank_means_the_default(
    monkeypatch: pytest.MonkeyPatch, word: str, meant: bool
) -> None:
    monkeypatch.setenv("ASSAY_SOME_FLAG", word)
    assert env.flag("ASSAY_SOME_FLAG", default=True) is meant


def test_an_unknown_word_for_a_flag_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_SOME_FLAG", "perhaps")
    with pytest.raises(env.WrongSetting, match="ASSAY_SOME_FLAG is 'perhaps'"):
        env.flag("ASSAY_SOME_FLAG", default=True)


def test_a_secret_comes_from_the_variable_then_its_file_then_the_fallback(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "named").write_text("from the named file\n")
    (tmp_path / "made").write_text("made by the starter\n")
    with pytest.raises(env.WrongSetting, match="SOME_SECRET is not set"):
        env.secret("SOME_SECRET")
    assert env.secret("SOME_SECRET", fallback=tmp_path / "made") == "made by the starter"
    monkeypatch.setenv("SOME_SECRET_FILE", str(tmp_path / "named"))
    assert env.secret("SOME_SECRET", fallback=tmp_path / "made") == "from the named file"
    monkeypatch.setenv("SOME_SECRET", "given")
    assert env.secret("SOME_SECRET") == "given"


def test_a_database_url_may_name_a_host_or_a_socket_folder() -> None:
    there = env.database("postgresql://me:p%40ss@db.example:5433/assay?sslmode=require")
    assert (there["HOST"], there["PORT"], there["USER"], there["PASSWORD"]) == ("db.example", "5433", "me", "p@ss")
    assert there["OPTIONS"] == {"sslmode": "require"}
    here = env.database("postgresql://assay_app@/assay?host=/somewhere/run")
    assert (here["HOST"], here["PORT"], here["NAME"]) == ("/somewhere/run", "", "assay")
    for wrong in ("mysql://x/y", "postgresql://x@y"):
        with pytest.raises(env.WrongSetting):
            env.database(wrong)


def test_a_secret_file_is_made_once_and_closed(tmp_path: Path) -> None:
    file = tmp_path / "keys"
    make_once(file, "1:" + base64.b64encode(b"k" * 32).decode())
    before = file.read_text()
    make_once(file, "another")
    assert file.read_text() == before
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["keys"]


def test_the_guard_keeps_only_groups_that_were_not_taken_off() -> None:
    assert guard.watch(["+11\n", "+12\n", "-11\n", "+13\n"]) == {12, 13}


def test_an_exit_code_is_told_in_words() -> None:
    assert (meaning(-9), meaning(3)) == ("signal SIGKILL", "exit code 3")
