"""From files of the DeepLense release and of lens finding to ranked tables by one command."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

SHIPPED, SUPERVISED = "mae-vit + none + ridge", "resnet18 + none + finetune"


def ranked(lensbench, folder, task, dataset):
    """Entrants of a table, and what they predict of every test image."""
    done = lensbench(
        "run", "--encoder", "mae-vit", "--transfer", "ridge", "--task", task, "--dataset",
        f"stored:path={dataset}", "--budget", "smoke", "--store", str(folder / "store"),
        "--workers", "0", "--quiet", "--out", str(folder / "results"),
    )  # fmt: skip
    assert done.code == 0, done.err
    table = pl.read_csv(folder / "results" / "predictions.csv")
    entrants = table["entrant"].unique().to_list()
    assert all(entrant in done.out for entrant in entrants)
    assert {SHIPPED, SUPERVISED} < set(entrants)
    counts = table.group_by("entrant").len()["len"].unique()
    assert len(counts) == 1  # every entrant has every test image
    return table


@pytest.mark.slow
@pytest.mark.parametrize("task", ["morphology", "regression:targets=log10_mass"])
def test_the_release_becomes_a_ranked_table(task, shared_data, lensbench, tmp_path):
    """Folders `axion`, `cdm` and `no_sub`, where axion files are pickles of image and mass."""
    h5 = tmp_path / "model_II.h5"
    release = shared_data / "deeplense" / "model_II"
    assert lensbench("data", "convert", str(release), str(h5), "--quiet").code == 0
    table = ranked(lensbench, tmp_path, task, h5)
    if task == "morphology":
        own = table.filter(pl.col("entrant") == "spectrum-logreg")
        right = own["true_substructure"] == own["predicted_substructure"]
        assert set(own["true_substructure"]) == {"vortex", "cdm", "no_sub"}
        assert right.mean() > 0.6
        assert {"pca-logreg", "hog-svm", "shape-boosting"} < set(table["entrant"])
    else:
        known = table.filter(pl.col("true_log10_mass").is_finite())
        assert known["true_log10_mass"].min() > -24.1
        assert known["true_log10_mass"].max() < -21.9
        assert known.group_by("entrant").len()["len"].min() >= 8


@pytest.mark.slow
def test_lenses_of_three_bands_become_a_ranked_table(lensbench, tmp_path):
    """Folders `train_lenses`, `train_nonlenses`, `test_lenses`, … of (3, 64, 64) arrays."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64] - 31.5
    radius = np.hypot(x, y)
    colours = np.array([0.5, 1.0, 1.5])[:, None, None]
    for split, count in (("train", 30), ("test", 12)):
        for kind in ("lenses", "nonlenses"):
            folder = tmp_path / "images" / f"{split}_{kind}"
            folder.mkdir(parents=True)
            for k in range(count):
                image = 40 * np.exp(-radius / 4) * colours
                if kind == "lenses":
                    ring = np.exp(-(((radius - random.uniform(10, 18)) / 2) ** 2))
                    image = image + 8 * ring * colours[::-1]
                np.save(folder / f"{k}.npy", image + random.normal(size=image.shape))
    table = ranked(lensbench, tmp_path, "finding", tmp_path / "images")
    own = table.filter(pl.col("entrant") == SHIPPED)
    assert len(own) == 24
    assert (own["true_lens"] == own["predicted_lens"]).mean() > 0.8
