"""Runs the scenarios one after another and prints the table."""

import argparse
import time
import traceback
from pathlib import Path

from bench.chaos import report
from bench.chaos.cluster import Cluster
from bench.chaos.report import Row
from bench.chaos.scenarios import SCENARIOS, Stage
from ops.children import Guarded


def conduct(given: argparse.Namespace, folder: Path, address: str) -> int:
    """Every scenario asked for; the exit code."""
    names = [name.strip() for name in given.only.split(",") if name.strip()] or list(SCENARIOS)
    if unknown := [name for name in names if name not in SCENARIOS]:
        print(f"There is no scenario {', '.join(unknown)}. There are: {', '.join(SCENARIOS)}.")
        return 2
    print(f"seed {given.seed}, {'quick' if given.quick else 'full'}, machine {report.machine()}", flush=True)
    guarded = Guarded()
    rows: list[Row] = []
    clusters: dict[bool, Cluster] = {}
    environment = {"ASSAY_DATA_DIR": str(folder), "SECRET_KEY": "chaos" * 10, "ASSAY_DEMO": "0"}
    try:
        for name in names:
            scenario = SCENARIOS[name]
            alone = scenario.hurts_postgres or not address
            if alone not in clusters:
                clusters[alone] = Cluster(folder, "" if alone else address)
                clusters[alone].make_template(environment)
            stage = Stage(clusters[alone], folder, guarded, given.quick, given.seed, given.sabotage)
            rows += run_one(name, stage)
    finally:
        for cluster in clusters.values():
            cluster.close()
        guarded.close()
    print("\n" + report.table(rows))
    if any(row.violations for row in rows):
        print("\n" + report.complaints(rows))
    if given.json:
        report.write_json(given.json, rows, given.seed)
    return 1 if any(row.violations for row in rows) else 0


def run_one(name: str, stage: Stage) -> list[Row]:
    """The rows of one scenario; a scenario that fails itself is a violation, never silence."""
    began = time.monotonic()
    print(f"\n== {name}", flush=True)
    try:
        rows = SCENARIOS[name].run(stage)
    except Exception as error:
        traceback.print_exc()
        rows = [Row(name, "1", "", found=[f"the scenario itself failed: {type(error).__name__}: {error}"])]
    for row in rows:
        row.scenario, row.seed = name, stage.seed
        print(f"   {row.promise}: {row.violations} violations, {row.figure}", flush=True)
        for words in row.found[:5]:
            print(f"      {words[:300]}", flush=True)
    print(f"   {time.monotonic() - began:.0f} s", flush=True)
    return rows
