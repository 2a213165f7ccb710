"""Lenses in three bands, from the command line: trained, tested, written to a file and drawn."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image as picture

from lensbench.data.layouts import open_source
from lensbench.registry import load_catalogue

LOOK_ALIKES = "lenses:population=look-alikes"


@pytest.mark.slow
@pytest.mark.parametrize("entrant", ["baseline=spectrum-logreg:bands=each", "encoder=small-resnet"])
def test_finding_in_three_bands(
    tmp_path: Path, lensbench: Callable[..., Any], entrant: str
) -> None:
    """Features of each band and a network are trained under one survey and tested under three."""
    kind, _, name = entrant.partition("=")
    words = f"run --{kind} {name} --task finding --dataset {LOOK_ALIKES} --alone"
    options = "--train-condition des-gri --budget smoke --quiet --json --workers 0 --store"
    done = lensbench(*words.split(), *options.split(), tmp_path)
    assert done.code == 0, done.err
    rows = [row for row in json.loads(done.out) if row["metric"] == "auroc"]
    assert [row["test_condition"] for row in rows] == ["des-gri", "hsc-gri", "rubin-gri"]
    assert all(row["n"] == 24 and 0 <= row["value"] <= 1 for row in rows)


@pytest.mark.parametrize("suffix", ["h5", "parquet"])
def test_a_file_of_three_bands_is_read_with_their_names(
    tmp_path: Path, lensbench: Callable[..., Any], suffix: str
) -> None:
    """Images have a channel a band, `stored` takes them, and a preview shows them in colours."""
    file, sheet = tmp_path / f"three.{suffix}", tmp_path / "three.png"
    words = f"data make --dataset {LOOK_ALIKES} --conditions hsc-gri,rubin-gri-y1 --n 24 --quiet"
    made = lensbench(*words.split(), "--out", file)
    assert made.code == 0, made.err
    first = open_source(file).read(0)
    assert first.pixels.shape == (3, 40, 40)
    assert first.bands == ("g", "r", "i")
    stored = load_catalogue().build("dataset", f"stored:path={file},condition=rubin-gri-y1")
    assert stored.channels == 3
    assert lensbench("data", "preview", file, "--out", sheet, "--quiet").code == 0
    shown = picture.imread(sheet)[..., :3]
    assert float(np.ptp(shown, axis=2).max()) > 0.5  # red lenses and blue galaxies, not greys
