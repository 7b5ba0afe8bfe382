"""A small storm: everybody at once for some seconds, then everything is as it must be (large: bench/storm.py)."""

import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest
from django.db import connection

from bench import storming
from matching import preparing, run

CREW = ("import", "match", "match", "steward", "steward", "sequence", "sequence")
SECONDS = 4


def work(role: str, seed: int, end: float) -> Counter[str]:
    dice, done = random.Random(seed), Counter[str]()  # noqa: S311 (decides what happens in a test)
    try:
        while monotonic() < end:
            done[storming.act(role, dice)] += 1
    finally:
        connection.close()
    return done


@pytest.mark.django_db(transaction=True)
def test_after_everybody_worked_at_once_nothing_is_amiss(
    settings: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (run, preparing):  # the storm changes these; the tests after it must not
        monkeypatch.setattr(module, "BATCH", module.BATCH)
    settings.DATA_DIR = tmp_path  # type: ignore[attr-defined]
    storming.prepare()
    dice = random.Random(7)  # noqa: S311
    for _ in range(8):  # so that the stewards find something
        storming.bring(dice)
        storming.pair_up(dice)
    end = monotonic() + SECONDS
    with ThreadPoolExecutor(len(CREW)) as pool:
        working = [pool.submit(work, role, seed, end) for seed, role in enumerate(CREW)]
    done = sum((one.result() for one in working), Counter[str]())
    storming.settle()
    assert storming.violations() == []
    assert storming.facts()["golden records"] > 20
    assert min(done["files read"], done["matching runs"], done["sequencer turns"]) > 0
