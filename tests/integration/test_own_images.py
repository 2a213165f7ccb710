"""A user's own images: from files to a ranked table, a table of objects, and predictions."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest


def rings(root, count):
    """Rings of several radii, with a table of these in arcsec; pixels are 0.1 arcsec."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:24, :24] - 11.5
    root.mkdir()
    rows = ["file,theta_E [arcsec],pixel_scale"]
    for k in range(count):
        radius = random.uniform(4, 9)
        ring = 20 * np.exp(-(((np.hypot(x, y) - radius) / 1.5) ** 2))
        np.save(root / f"{k}.npy", ring + random.normal(size=ring.shape))
        rows.append(f"{k}.npy,{radius / 10:.4f},0.1")
    (root / "catalogue.csv").write_text("\n".join(rows))
    return root


@pytest.mark.slow
def test_radii_of_a_folder_with_a_table(tmp_path, lensbench, monkeypatch):
    """`run --out` writes every test image with truth and prediction; `predict` does unknown ones.

    The same pixels at half the scale have half the radius, for the scale is the files' own.
    """
    monkeypatch.chdir(tmp_path)
    rings(tmp_path / "images", 40)
    words = ["run", "--baseline", "ring-radius", "--task", "regression", "--budget", "smoke",
             "--dataset", "stored:path=images", "--store", "store", "--workers", "0",
             "--quiet", "--out", "results"]  # fmt: skip
    done = lensbench(*words)
    assert done.code == 0, done.err
    table = pl.read_csv("results/predictions.csv").filter(pl.col("entrant") == "ring-radius")
    known = pl.read_csv(tmp_path / "images" / "catalogue.csv")
    truth = dict(known.select("file", "theta_E [arcsec]").rows())
    assert len(table) == 8
    assert {name: truth[name] for name in table["image"]} == pytest.approx(
        dict(table.select("image", "true_theta_E").rows()), abs=1e-6
    )
    assert (table["theta_E"] - table["true_theta_E"]).abs().max() < 0.05
    for name, scale in (("same", 0.1), ("half", 0.05)):
        (tmp_path / name).mkdir()
        for k in range(3):
            np.save(tmp_path / name / f"{k}.npy", np.load(tmp_path / "images" / f"{k}.npy"))
        rows = [f"{k}.npy,{scale}" for k in range(3)]
        (tmp_path / name / "t.csv").write_text("\n".join(["file,pixel_scale", *rows]))
        done = lensbench("predict", name, "--entrant", "ring-radius", "--store", "store",
                         "--out", f"{name}-out", "--quiet")  # fmt: skip
        assert done.code == 0, done.err
        assert "theta_E: median" in done.out
    same, half = (pl.read_csv(f"{name}-out/predictions.csv") for name in ("same", "half"))
    assert same.columns == ["id", "theta_E", "theta_E_error", "error"]
    assert [truth[f"{k}.npy"] for k in range(3)] == pytest.approx(same["theta_E"], abs=0.05)
    assert half["theta_E"].to_list() == pytest.approx((same["theta_E"] / 2).to_list(), abs=0.08)


@pytest.mark.slow
@pytest.mark.parametrize("pairs", [("LR", "HR"), ("noisy", "clean")])
def test_pairs_of_images(pairs, tmp_path, lensbench, monkeypatch):
    """Super-resolution and denoising on a user's pairs, ranked with the traditional methods."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    factor = 2 if pairs[0] == "LR" else 1
    for side in pairs:
        (tmp_path / "pairs" / side).mkdir(parents=True)
    for k in range(24):
        small = random.uniform(10, 20) * np.exp(-((np.arange(16) - 7.5) ** 2)[:, None] / 20)
        sharp = np.kron(small + np.zeros((16, 16)), np.ones((factor, factor)))
        np.save(tmp_path / "pairs" / pairs[0] / f"{k}.npy", small + random.normal(size=(16, 16)))
        np.save(tmp_path / "pairs" / pairs[1] / f"{k}.npy", sharp)
    task, entrant = ("superres:scale=2", "bicubic") if factor == 2 else ("denoising", "wiener")
    done = lensbench("run", "--baseline", entrant, "--beside", "--task", task, "--budget", "smoke",
                     "--dataset", "stored:path=pairs", "--store", "store", "--workers", "0",
                     "--quiet", "--out", "results")  # fmt: skip
    assert done.code == 0, done.err
    assert entrant in done.out and "richardson-lucy" in done.out
    table = pl.read_csv("results/predictions.csv").filter(pl.col("entrant") == entrant)
    assert len(table) == 5 and table["psnr"].min() > 10


@pytest.mark.slow
def test_pretraining_on_unlabelled_images(tmp_path, lensbench, monkeypatch):
    """`--pretraining-dataset` takes images without labels; other bands are refused."""
    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    for label in ("a", "b"):
        (tmp_path / "labelled" / label).mkdir(parents=True)
        for k in range(12):
            image = random.normal(size=(24, 24)) * (1 if label == "a" else 1 + np.arange(24))
            np.save(tmp_path / "labelled" / label / f"{k}.npy", image)
    for name, shape in (("plain", (24, 24)), ("bands", (3, 24, 24))):
        (tmp_path / name).mkdir()
        for k in range(20):
            np.save(tmp_path / name / f"{k}.npy", random.normal(size=shape))
    words = ["run", "--encoder", "mae-vit:depth=1,heads=2,width=16", "--pretraining", "mae",
             "--transfer", "linear", "--task", "classification", "--budget", "smoke", "--dataset",
             "stored:path=labelled", "--store", "store", "--workers", "0", "--quiet"]  # fmt: skip
    done = lensbench(*words, "--pretraining-dataset", "stored:path=plain")
    assert done.code == 0, done.err
    assert "mae + linear" in done.out
    refused = lensbench(*words, "--pretraining-dataset", "stored:path=bands")
    assert refused.code == 2 and "has 3 bands" in refused.err


def sizes(root):
    """Images of two sizes whose borders are NaN, and options that take them."""
    for k in range(24):
        side = (24, 32)[k % 2]
        array = np.random.default_rng(k).normal(size=(side, side)) + 9 * (k % 3 > 0)
        array[side // 2, side // 2] += 40 + 20 * (k % 3 > 0)
        array[:2] = np.nan
        (root / "ab"[k % 3 > 0]).mkdir(parents=True, exist_ok=True)
        np.save(root / "ab"[k % 3 > 0] / f"{k}.npy", array)
    return ",sizes=crop,nan=mask"


def band_files(root):
    """A file for each of two bands of an object, in no order of the alphabet."""
    for k in range(24):
        for number, band in enumerate("rg"):
            array = np.random.default_rng(10 * k + number).normal(size=(24, 24))
            array[12, 12] += 50 * (1 + number * (k % 2))
            (root / "ab"[k % 2]).mkdir(parents=True, exist_ok=True)
            np.save(root / "ab"[k % 2] / f"{k}_{band}.npy", array)
    return ",condition=r+g"


def band_columns(root):
    """The same as columns of a Parquet file, with a noise map each."""
    root.mkdir()
    random, rows = np.random.default_rng(0), {"name": [f"J{k}" for k in range(24)]}
    rows["label"] = ["ab"[k % 2] for k in range(24)]
    for number, band in enumerate("rg"):
        arrays = random.normal(size=(24, 24, 24)) + number
        arrays[:, 12, 12] += 50 * (1 + number * (np.arange(24) % 2))
        rows[f"image_{band}"] = arrays.tolist()
        rows[f"noise_{band}"] = np.full((24, 24, 24), 1.0 + number).tolist()
    pl.DataFrame(rows).write_parquet(root / "a.parquet")
    return ",condition=r+g"


@pytest.mark.parametrize("written", [sizes, band_files, band_columns])
def test_predict_sees_images_as_the_training_did(written, tmp_path, lensbench, monkeypatch):
    """Cropping, masking and joining of bands are those of the run: predictions are the same."""
    monkeypatch.chdir(tmp_path)
    options = written(tmp_path / "images")
    entrant = "mae-vit:depth=1,heads=2,width=16"
    done = lensbench("run", "--encoder", entrant, "--alone", "--task", "classification",
                     "--budget", "smoke", "--dataset", f"stored:path=images{options}", "--store",
                     "store", "--workers", "0", "--quiet", "--out", "results")  # fmt: skip
    assert done.code == 0, done.err
    done = lensbench("predict", "images", "--entrant", f"{entrant} + mae + finetune", "--store",
                     "store", "--out", "answers", "--quiet")  # fmt: skip
    assert done.code == 0, done.err
    known = pl.read_csv("results/predictions.csv")
    found = dict(pl.read_csv("answers/predictions.csv").select("id", "probability_b").rows())
    assert len(found) == 24 and known["probability_b"].n_unique() > 1
    for name, probability in known.select("image", "probability_b").rows():
        assert found[name] == pytest.approx(probability, abs=1e-5)
