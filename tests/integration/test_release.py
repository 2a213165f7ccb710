"""From files of the DeepLense release and of lens finding to ranked tables by one command."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from tests.calls import called
from tests.release import write_pairs, write_release

SHIPPED, SUPERVISED = "mae-vit + none + ridge", "resnet18 + none + finetune"


def ranked(lensbench, folder, task, dataset, transfer="ridge"):
    """What the entrants of one run predict of every test image, as it is written down."""
    done = lensbench(
        "run", "--encoder", "mae-vit", "--transfer", transfer, "--task", task, "--dataset",
        f"stored:path={dataset}", "--budget", "smoke", "--store", str(folder / "store"),
        "--workers", "0", "--quiet", "--out", str(folder / "results"),
    )  # fmt: skip
    assert done.code == 0, done.err
    table = pl.read_csv(folder / "results" / "predictions.csv")
    entrants = table["entrant"].unique().to_list()
    assert all(entrant in done.out for entrant in entrants)
    counts = table.group_by("entrant").len()["len"].unique()
    assert len(counts) == 1  # every entrant has every test image
    return table


@pytest.fixture(scope="module")
def images(request, tmp_path_factory):
    """A folder of the release, converted: Model I (150²), Model II (64²), and one that others made.

    Axion files are pickles of image and mass.
    """
    folder = tmp_path_factory.mktemp("release")
    if request.param == "shipped":
        release = request.getfixturevalue("shared_data") / "deeplense" / "model_II"
    else:
        release = write_release(folder / "files", request.param, 60)
    done = called("data", "convert", release, folder / "images.h5", "--quiet")
    assert done.code == 0, done.err
    return folder / "images.h5"


@pytest.mark.slow
@pytest.mark.parametrize("images", ["i", "shipped"], indirect=True)
def test_classes_of_the_release(images, lensbench, tmp_path, request):
    """Shipped model, supervised network and hand-made features, ranked."""
    table = ranked(lensbench, tmp_path, "morphology", images)
    assert {SHIPPED, SUPERVISED, "pca-logreg", "hog-svm"} < set(table["entrant"])
    folders = {"axion": "vortex", "cdm": "cdm", "no_sub": "no_sub"}
    truth = [folders[name.partition("/")[0]] for name in table["image"]]
    assert table["true_substructure"].to_list() == truth and set(truth) == set(folders.values())
    shares = [f"probability_{name}" for name in folders.values()]
    assert (table.select(pl.sum_horizontal(shares)).to_series() - 1).abs().max() < 1e-4
    if "shipped" in request.node.name:  # sixty images a class; of twenty nobody learns much
        own = table.filter(pl.col("entrant") == "spectrum-logreg")
        assert (own["true_substructure"] == own["predicted_substructure"]).mean() > 0.6


@pytest.mark.slow
@pytest.mark.parametrize("images", ["i", "ii"], indirect=True)
def test_masses_of_the_release(images, lensbench, tmp_path):
    """The mass of the axion is known where it is one."""
    table = ranked(lensbench, tmp_path, "regression:targets=log10_mass", images)
    assert {SHIPPED, SUPERVISED, "ring-radius"} <= set(table["entrant"])
    known = table.filter(pl.col("true_log10_mass").is_finite())
    assert known["true_log10_mass"].is_between(-24, -22).all()
    assert known.group_by("entrant").len()["len"].min() >= 4


@pytest.mark.slow
@pytest.mark.parametrize("images", ["i", "ii"], indirect=True)
def test_anomalies_of_the_release(images, lensbench, tmp_path):
    """Lenses without substructure are normal; nothing learns from labels of the others."""
    table = ranked(lensbench, tmp_path, "anomaly:normal=no_sub", images, "mahalanobis")
    assert {"mae-vit + none + mahalanobis", "ocsvm", "pca-residual"} <= set(table["entrant"])
    own = table.filter(pl.col("entrant") == "pca-residual")
    normal = own["true_substructure"] == "no_sub"
    assert len(own) == 12 and normal.sum() == 4
    assert own.filter(~normal)["score"].median() > own.filter(normal)["score"].median()


@pytest.mark.slow
@pytest.mark.parametrize("task", ["superres:scale=2", "denoising"])
def test_pairs_of_the_release(task, lensbench, tmp_path):
    """LR and HR of 75² and 150², or noisy and clean ones: a network against deconvolution."""
    pairs = write_pairs(tmp_path / "pairs", 24)
    if task == "denoising":
        for image in (pairs / "HR").iterdir():
            pixels = np.load(image)
            np.save(image, pixels.reshape(75, 2, 75, 2).mean((1, 3)))
        (pairs / "HR").rename(pairs / "clean")
        (pairs / "LR").rename(pairs / "noisy")
    table = ranked(lensbench, tmp_path, task, pairs, "finetune")
    classical = {"richardson-lucy", "wiener"} | ({"bicubic"} if "superres" in task else set())
    assert {"mae-vit + none + finetune"} | classical <= set(table["entrant"])
    assert table.filter(pl.col("entrant") == "wiener")["psnr"].min() > 20


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
    assert {SHIPPED, SUPERVISED, "shape-boosting"} < set(table["entrant"])
    own = table.filter(pl.col("entrant") == SHIPPED)
    assert len(own) == 24
    assert (own["true_lens"] == own["predicted_lens"]).mean() > 0.8
