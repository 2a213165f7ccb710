"""`lensbench predict`, from a fit that a sweep kept to answers for shards of images."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load_file, save_file
from tests.killing import killed_when

from lensbench.store import Store
from lensbench.store.predictions import read_predictions
from lensbench.store.sidecars import seal, unseal

STUDY = """
name = "fitted"
budget = "smoke"
[axes]
dataset = ["lenses:population=pedagogical"]
task = ["regression"]
encoder = ["mae-vit:depth=1,heads=2,width=16"]
pretraining = ["none"]
transfer = ["linear"]
baseline = []
[tests]
condition = []
"""
ENTRANT = "mae-vit:depth=1,heads=2,width=16 + none + linear"


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a study, the store of its sweep, and shards of its test scenes."""
    folder = tmp_path_factory.mktemp("predict")
    (folder / "study.toml").write_text(STUDY)
    return folder


@pytest.fixture
def called(home, lensbench, monkeypatch):
    """The command line in that folder, where the sweep is done and two shards are made."""
    monkeypatch.chdir(home)
    monkeypatch.setenv("LENSBENCH_STORE", str(home / "store"))

    def call(*words):
        done = lensbench(*words)
        assert done.code == 0, done.err
        return done.out

    if not (home / "shards").exists():
        call("sweep", "study.toml", "--workers", 0, "--quiet")
        for name, count in (("a.h5", 24), ("b.parquet", 10)):
            asked = ("--n", count, "--split", "test", "--conditions", "euclid-vis", "--quiet")
            asked += ("--dataset", "lenses:population=pedagogical")
            call("data", "make", *asked, "--out", home / "shards" / name)
    return call


@pytest.mark.slow
def test_answers_are_those_of_the_sweep(home, called):
    """Images of its test scenes, from a file, have the predictions that the sweep stored."""
    words = ("predict", "shards", "--entrant", ENTRANT, "--out", "answers", "--quiet")
    assert "34 images in 2 Parquet files" in called(*words)
    store = Store(home / "store")
    (key,) = store.stored("predictions")
    ids, stored = read_predictions(store.find("predictions", key))
    for name, count in (("a.h5.parquet", 24), ("b.parquet", 10)):
        found = pl.read_parquet(home / "answers" / name)
        assert found["id"].to_list() == ids[:count] and found["error"].null_count() == count
        assert set(found.columns) == {"id", "error", "theta_E", "theta_E_error"}
        for column, values in (("theta_E", stored["mean"]), ("theta_E_error", stored["sigma"])):
            answers = np.array(found[column].to_list())
            assert np.allclose(answers, values[:count, 0], rtol=1e-4, atol=1e-5)
    table = pl.read_csv(home / "answers" / "predictions.csv")
    assert len(table) == 34 and table.columns == found.columns


@pytest.mark.slow
def test_an_entrant_can_be_named_by_its_encoder(home, called):
    """In any spelling; and by its whole name with the options of the encoder in another order."""
    encoder = "mae-vit:width=16,heads=2,depth=1"
    for number, text in enumerate((encoder, f"{encoder} + none + linear", ENTRANT)):
        called("predict", "shards", "--entrant", text, "--out", home / f"by{number}", "--quiet")
        tables = [(home / f"by{one}" / "predictions.csv").read_bytes() for one in (0, number)]
        assert tables[0] == tables[1]


@pytest.mark.slow
def test_a_killed_prediction_goes_on_by_shards(home, called):
    """After SIGKILL outputs are whole or absent; the same command makes what lacks, no more."""
    out = home / "killed"
    words = ["predict", "shards", "--entrant", ENTRANT, "--out", str(out), "--quiet"]
    words += ["--batch-size", "1"]
    code = "from lensbench.cli import main; main()"
    with subprocess.Popen([sys.executable, "-c", code, *words], env=dict(os.environ)) as process:
        killed_when(process, (out / "a.h5.parquet").exists)
    whole = {path.name: path.stat().st_mtime_ns for path in out.glob("*.parquet")}
    assert "a.h5.parquet" in whole
    assert len(pl.read_parquet(out / "a.h5.parquet")) == 24
    called(*words)
    assert len(pl.read_parquet(out / "b.parquet")) == 10
    assert all((out / name).stat().st_mtime_ns == when for name, when in whole.items())
    (out / "b.parquet").unlink()
    assert "10 images in 1 Parquet file, 1 Parquet file already there" in called(*words)
    assert "34 images" in called(*words, "--condition", "hst-acs")


@pytest.mark.slow
def test_a_fit_of_other_code_is_told(home, called, lensbench, monkeypatch):
    """It predicts with a note where the code here can restore it, and else is refused."""
    shutil.copytree(home / "store", home / "shared")
    monkeypatch.setenv("LENSBENCH_STORE", str(home / "shared"))
    (key,) = Store(home / "shared").stored("fits")
    sidecar, file = (home / "shared" / "fits" / f"{key}.{end}" for end in ("json", "safetensors"))
    facts = unseal(sidecar.read_bytes())
    facts["from"]["code"]["source"] = "0" * 20
    sidecar.write_text(seal(facts))
    words = ("predict", "shards", "--entrant", ENTRANT, "--quiet", "--out")
    done = lensbench(*words, home / "noted")
    assert done.code == 0, done.err
    assert f"note: fit {key} was made by other code than that of this lensbench" in done.err
    tensors = load_file(file)
    del tensors[min(tensors)]
    save_file(tensors, file)
    sidecar.write_text(seal(facts | {"sha256": hashlib.sha256(file.read_bytes()).hexdigest()}))
    done = lensbench(*words, home / "refused")
    assert done.code == 2
    error = done.err.splitlines()[-2]
    assert error.startswith(f"error: fit {key} was made by other code and cannot be restored here:")
    assert f"lensbench why {key}" in done.err


def test_an_entrant_that_is_not_there_is_refused(called, lensbench):
    """The line names it, and one that is nearly so."""
    done = lensbench("predict", "shards", "--entrant", ENTRANT[:-1] + "s", "--out", "no")
    assert done.code == 2 and "no entrant" in done.err and ENTRANT in done.err
