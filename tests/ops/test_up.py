"""`python -m ops up`: starts everything, stops everything, survives being killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ops.place import PROJECT_DIR
from tests.ops.launching import Running, await_nobody, belongings, clean_environment, free_port, manage, wait_for

ADD_GROUP = "from django.contrib.auth.models import Group; Group.objects.create(name='night shift')"
COUNT_GROUPS = "from django.contrib.auth.models import Group; print('groups', Group.objects.count())"


def up(folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "ops", "up"],
        cwd=PROJECT_DIR,
        env=clean_environment(folder, **settings),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_killed_programs_come_back_and_a_killed_starter_leaves_nothing_and_loses_nothing(folder: Path) -> None:
    first = Running(folder).start().ready()
    # A command beside the running one uses its database and leaves it running.
    added = manage(folder, "shell", "--verbosity", "0", "--command", ADD_GROUP)
    assert added.returncode == 0, added.stderr
    second = up(folder, PORT=str(first.port + 1))
    assert (second.returncode, "already runs" in second.stderr) == (2, True), second.stderr
    assert first.health() == 200

    for pid in [pid for pid, words in belongings(folder).items() if "granian" in words]:
        os.kill(pid, signal.SIGKILL)
    wait_for(lambda: "web ended (signal SIGKILL), again in 1 s" in first.said())
    first.ready()

    first.starter.kill()
    first.starter.wait()
    first.log.close()
    assert await_nobody(folder) == {}

    again = Running(folder, port=first.port).start().ready()
    counted = manage(folder, "shell", "--verbosity", "0", "--command", COUNT_GROUPS)
    assert "groups 1" in counted.stdout, counted.stderr
    assert again.end(signal.SIGINT) == 0
    assert belongings(folder) == {}
    order = [line.split("|")[1].strip() for line in again.said().splitlines() if line.split()[1] == "assay"]
    assert order[-2:] == ["stopping", "stopped"]


def test_a_taken_port_is_one_sentence_and_exit_code_2(folder: Path, tmp_path: Path) -> None:
    other = subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with other:
        assert other.stdout is not None
        port = other.stdout.readline().split("port ")[1].split()[0]
        refused = up(folder, PORT=port)
        other.terminate()
    assert refused.returncode == 2
    assert refused.stderr == (
        f"assay: Port {port} (the web server) is taken: stop what uses it, or choose another with PORT\n"
    )
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"PORT": "many"}, "PORT is 'many'"),
        ({"ASSAY_DATA_DIR": "/proc/nowhere"}, "The data folder /proc/nowhere is not writable"),
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}, "The database cannot be used"),
    ],
)
def test_what_stands_in_the_way_is_one_sentence_and_exit_code_2(
    folder: Path, settings: dict[str, str], sentence: str
) -> None:
    refused = up(folder, **{"PORT": str(free_port()), **settings})
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"assay: {sentence}")
    assert refused.stderr.count("\n") == 1
    assert "Traceback" not in refused.stderr + refused.stdout
