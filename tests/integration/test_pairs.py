"""The reference plugins work together: every pair that is compatible stands in some cell."""

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from lensbench.registry import load_catalogue, parse_reference

STUDY = Path(__file__).resolve().parents[2] / "studies" / "smoke.toml"
ELSEWHERE = {"hf", "zoobot"}
"""Encoders that need a file; tests of their own have small ones."""


@pytest.mark.slow
def test_every_compatible_pair_runs(tmp_path):
    """None fails, the others say why they cannot be, and no plugin is left out."""
    command = [sys.executable, "-c", "from lensbench.cli import main; main()", "sweep", str(STUDY)]
    ended = subprocess.run(
        [*command, "--store", str(tmp_path), "--workers", "2", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr[-2000:]
    records = pl.DataFrame(json.loads(ended.stdout), infer_schema_length=None)
    assert set(records["state"]) <= {"done", "undefined", "incompatible"}
    assert records.filter(state="incompatible")["error"].is_null().sum() == 0
    done = records.filter(pl.col("state").is_in(["done", "undefined"]))
    for kind in ("encoder", "pretraining", "transfer", "baseline", "task"):
        ran = {parse_reference(text).name for text in done[kind].unique() if text}
        known = {item.entry.name for item in load_catalogue().of_kind(kind)}
        assert known - ran - ELSEWHERE == set(), kind
