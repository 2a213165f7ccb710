"""`lensbench run` as a user calls it."""

import json

import numpy as np
import polars as pl
import pytest
from matplotlib import image as picture

from lensbench.cli.run import populations_of
from lensbench.leaderboard.page.evidence import kept_predictions
from lensbench.leaderboard.page.gallery_scenes import stored_scenes
from lensbench.leaderboard.page.payload import combine
from lensbench.leaderboard.page.scenes import draw_scenes
from lensbench.registry import load_catalogue
from lensbench.store import open_store
from lensbench.store.records import read_records

SMOKE = ("--dataset", "lenses:population=pedagogical", "--budget", "smoke", "--quiet")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """One store for the runs of this file."""
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def run(lensbench, store):
    """`lensbench run` with this store."""
    return lambda *words: lensbench("run", *words, *SMOKE, "--store", store)


def test_super_resolution_ends_in_a_table_that_the_store_gives_again(run, store):
    """Entrant, CNN and baseline under four conditions; the second call prints the same bytes."""
    first = run("--encoder", "mae-vit", "--task", "superres")
    assert first.code == 0, first.err
    for word in ("mae-vit + none + finetune", "resnet18 + none + finetune", "bicubic", "worst"):
        assert word in first.out
    again = run("--encoder", "mae-vit", "--task", "superres")
    assert again.out == first.out
    assert not list((store / "writing").iterdir())


def test_a_table_names_the_population_that_its_dataset_leaves_open():
    """The default one; a dataset that names its population says it already."""
    named = populations_of(load_catalogue(), {"lenses", "lenses:population=pedagogical"})
    assert named == ["Scenes of lenses: population survey."]


def test_json_is_the_records_alone(run):
    """stdout holds JSON: a row for every metric, with an interval where the metric shows one."""
    result = run("--encoder", "mae-vit", "--task", "superres", "--json")
    records = json.loads(result.out)
    entrants = {(record["encoder"], record["baseline"]) for record in records}
    assert {("resnet18", ""), ("", "bicubic"), ("", "wiener")} < entrants
    names = {record["metric"] for record in records}
    assert len(records) == len(entrants) * 4 * len(names)
    assert {"psnr", "ssim", "flux_error", "image_chi2", "arc_radius"} < names
    done = [record for record in records if record["state"] == "done"]
    shown = [record for record in done if record["metric"] != "residual_chi2"]
    assert all(record["low"] <= record["value"] <= record["high"] for record in shown)
    assert all(record["n"] == 24 for record in done)
    assert not any(record["state"] == "undefined" for record in records)


def test_scores_follow_from_the_stored_predictions(run, store):
    """A PSNR computed anew from the files of the store is the recorded one."""
    import h5py

    records = json.loads(run("--encoder", "mae-vit", "--task", "superres", "--json").out)
    record = next(r for r in records if r["metric"] == "psnr" and r["baseline"] == "bicubic")
    with h5py.File(store / "predictions" / f"{record['predictions']}.h5") as answers:
        answer, ids = answers["sky"][:].astype(float), answers["scene"][:]
    with h5py.File(store / "images" / f"{record['images']}.h5") as images:
        assert list(images["scene"][:]) == list(ids)
    with h5py.File(store / "skies" / f"{record['truth']}.h5") as skies:
        assert list(skies["scene"][:]) == list(ids)
        error = ((answer - skies["sky"][:]) ** 2).mean((1, 2, 3))
    from lensbench.sky.instruments import CONDITIONS

    level = {c.name: c.noise_level for c in CONDITIONS.values()}[record["test_condition"]]
    psnr = 20 * np.log10(record["data_range"] / level) - 10 * np.log10(error)
    assert record["value"] == pytest.approx(psnr.mean(), abs=1e-3)


def test_morphology_runs_with_every_pretraining_and_both_transfers(run):
    """Any combination that fits gives records."""
    for pretraining in ("simclr", "supervised:target=theta_E", "none"):
        result = run(
            "--encoder", "mae-vit:depth=1,width=32", "--pretraining", pretraining,
            "--transfer", "linear", "--task", "morphology", "--test-conditions", "euclid-vis",
        )  # fmt: skip
        assert result.code == 0, result.err
        assert "spectrum-logreg" in result.out
        assert "Chance level 0.5" in result.out


def test_pictures_are_drawn_for_both_tasks(lensbench, run, store, tmp_path):
    """One PNG a condition, with something on it."""
    run("--encoder", "mae-vit", "--task", "superres")
    drawn = lensbench("show-run", "--store", store, "--out", tmp_path / "sky", "--scenes", 1)
    assert drawn.code == 0, drawn.err
    run("--baseline", "spectrum-logreg", "--task", "morphology")
    drawn_classes = lensbench("show-run", "--store", store, "--out", tmp_path / "class")
    paths = (drawn.out + drawn_classes.out).split()
    assert len(paths) == 8
    for path in paths:
        assert picture.imread(path).std() > 0.05


def test_the_gallery_of_a_page_has_scenes_of_a_real_run(lensbench, tmp_path):
    """Whatever form the answers have: classes, numbers or skies, each beside the truth."""
    study = tmp_path / "gallery.toml"
    study.write_text(
        'name = "gallery"\nbudget = "smoke"\n[axes]\ntask = ["morphology"]\n'
        'dataset = ["lenses:population=pedagogical"]\n'
        'baseline = ["spectrum-logreg"]\n[tests]\ncondition = ["rubin-r"]\n'
        '[[include]]\ntask = "regression"\nbaseline = "ring-radius"\n'
        '[[include]]\ntask = "denoising"\nbaseline = "wiener"\n'
    )
    swept = lensbench("sweep", study, "--store", tmp_path / "store", "--quiet")
    assert swept.code == 0, swept.err
    records = read_records((tmp_path / "store" / "runs").glob("*.parquet"))
    find = open_store(tmp_path / "store").find
    drawn = draw_scenes(combine(records), stored_scenes(find), kept_predictions(find))["sets"]
    shown = {(one["table"]["task"], one["condition"]) for one in drawn}
    assert shown == set(records.select("task", "test_condition").rows())
    assert len(shown) == 6
    for one in drawn:
        for scene in one["scenes"]:
            assert scene["input"].startswith("data:image/png") and scene["truth"]
        assert len({scene["answers"][0]["loss"] for scene in one["scenes"]}) == 3


def test_a_fit_that_fails_is_a_record_and_exit_1(run, monkeypatch):
    """The failure has its row and its error; the rest goes on; nothing of it is kept."""
    from lensbench_reference.baselines.interpolation import Bicubic

    def broken(self, context):
        raise ValueError("the chip melted")

    words = ("--encoder", "mae-vit", "--task", "superres", "--test-conditions", "euclid-vis")
    words += ("--seed", "5")
    with monkeypatch.context() as patch:
        patch.setattr(Bicubic, "fit", broken)
        result = run(*words, "--workers", "0")
    assert result.code == 1
    assert "the chip melted" in result.err
    assert "failed" in result.out
    assert "mae-vit" in result.out
    mended = run(*words)
    assert mended.code == 0
    assert "failed" not in mended.out


@pytest.mark.parametrize(
    "entrant", [("--encoder", "spectrum", "--alone"), ("--baseline", "pca-logreg")]
)
def test_an_entrant_alone(run, entrant):
    """Neither the supervised CNN nor another baseline is fitted; a baseline runs so by default."""
    words = ("--task", "morphology", "--transfer", "linear", "--test-conditions", "euclid-vis")
    records = json.loads(run(*entrant, *words, "--json").out)
    assert {record["encoder"] or record["baseline"] for record in records} == {entrant[1]}


def test_another_seed_or_option_is_another_result(run):
    """Keys tell them apart, and labels are a budget of their own."""

    def value(*words):
        records = json.loads(run("--task", "morphology", *words, "--json").out)
        frame = pl.DataFrame(records).filter(pl.col("primary"))
        return frame["cell"][0], frame["value"].to_list()

    base = value("--baseline", "spectrum-logreg")
    assert value("--baseline", "spectrum-logreg", "--seed", "1")[1] != base[1]
    assert value("--baseline", "spectrum-logreg", "--labels", "40")[0] != base[0]
    assert value("--baseline", "spectrum-logreg") == base


def test_real_images_are_scored(lensbench, run, shared_data, store, tmp_path):
    """Trained on simulations, tested on all files of real/lenses."""
    result = run(
        "--encoder", "mae-vit", "--task", "superres",
        "--test-dataset", f"images:path={shared_data / 'real' / 'lenses'}", "--json",
    )  # fmt: skip
    assert result.code == 0, result.err
    records = json.loads(result.out)
    done = [record for record in records if record["state"] == "done"]
    assert {record["n"] for record in done} == {10}
    assert all(np.isfinite(record["value"]) for record in done)
    assert {record["metric"] for record in done} >= {"psnr", "ssim", "flux_error"}
    drawn = lensbench("show-run", "--store", store, "--out", tmp_path, "--scenes", 1)
    assert len(drawn.out.split()) == 4
