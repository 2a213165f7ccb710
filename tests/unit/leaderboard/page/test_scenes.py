"""The gallery: which scenes are shown, and that what is drawn is what was answered."""

from __future__ import annotations

import base64
import io

import h5py
import numpy as np
import polars as pl
import pytest
from PIL import Image
from tests.board_records import study_records

from lensbench.leaderboard.page.evidence import kept_predictions
from lensbench.leaderboard.page.gallery_scenes import stored_scenes
from lensbench.leaderboard.page.payload import combine
from lensbench.leaderboard.page.scenes import draw_scenes
from lensbench.store.arrays import write_arrays
from lensbench.store.predictions import write_predictions

IDS = [f"test-{number}" for number in range(5)]
RANDOM = np.random.default_rng(3)


@pytest.fixture
def artefacts(tmp_path):
    """Finds files by kind and key, of those that a test writes."""
    return lambda kind, key: next(tmp_path.glob(f"{kind}-{key}.*"), None)


def rows_of(task: str, /, **columns) -> pl.DataFrame:
    records = study_records(entrants=1, tasks=2, conditions=1, labels=(None,))
    named = {"predictions": "pp", "images": "ii", "truth": "tt", **columns}
    mine = records.filter(pl.col("task") == task)
    return combine(mine.with_columns(pl.lit(value).alias(name) for name, value in named.items()))


def pixels(url: str) -> np.ndarray:
    assert url.startswith("data:image/png;base64,")
    raw = base64.b64decode(url.partition(",")[2])
    return np.asarray(Image.open(io.BytesIO(raw)).convert("RGB")).astype(int)


def write_skies(tmp_path, errors) -> np.ndarray:
    truth = RANDOM.uniform(5, 50, (5, 1, 16, 16)).astype(np.float32)
    truth[:, 0, 0, 0] = 100.0  # bottom left, the brightest
    sky = truth + np.asarray(errors, np.float32)[:, None, None, None]
    image = truth.reshape(5, 1, 8, 2, 8, 2).mean((3, 5))
    scene = np.array(IDS, dtype="S")
    write_arrays(tmp_path / "images-ii.h5", {"scene": scene, "images": image})
    write_arrays(tmp_path / "skies-tt.h5", {"sky": truth})
    write_predictions(tmp_path / "predictions-pp.h5", IDS, {"sky": sky})
    return truth


def test_best_median_and_worst_are_by_error(tmp_path, artefacts):
    """Of five scenes with known errors the least, the middle and the greatest are shown."""
    write_skies(tmp_path, [4.0, 0.5, 8.0, 1.0, 2.0])
    (drawn,) = draw_scenes(
        rows_of("superres"), stored_scenes(artefacts), kept_predictions(artefacts)
    )["sets"]
    shown = [(scene["rank"], scene["id"]) for scene in drawn["scenes"]]
    assert shown == [("best", "test-1"), ("median", "test-4"), ("worst", "test-2")]
    losses = [scene["answers"][0]["loss"] for scene in drawn["scenes"]]
    assert losses == pytest.approx([20 * np.log10(100 / e) for e in (0.5, 2.0, 8.0)], rel=1e-4)


def test_pictures_have_the_first_row_below(tmp_path, artefacts):
    """The first row of a sky is drawn at the bottom, as the field does."""
    write_skies(tmp_path, [0.0] * 5)
    (drawn,) = draw_scenes(
        rows_of("superres"), stored_scenes(artefacts), kept_predictions(artefacts)
    )["sets"]
    picture = pixels(drawn["scenes"][0]["truth"]).sum(-1)
    assert picture.shape == (16, 16)
    assert np.unravel_index(picture.argmax(), picture.shape) == (15, 0)
    assert (pixels(drawn["scenes"][0]["answers"][0]["picture"]).sum(-1) == picture).all()


def test_classes_are_shown_with_their_truth(tmp_path, artefacts):
    """Probabilities stand beside the true class; the best scene is the least surprising one."""
    probability = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.5, 0.5], [0.7, 0.3]], np.float32)
    scene = np.array(IDS, dtype="S")
    images = np.ones((5, 1, 8, 8), np.float32)
    path = tmp_path / "images-ii.h5"
    write_arrays(path, {"scene": scene, "images": images, "kind": np.zeros(5, np.int64)})
    with h5py.File(path, "a") as file:
        file.attrs["classes"] = '{"kind": ["smooth", "clumpy"]}'
    write_predictions(tmp_path / "predictions-pp.parquet", IDS, {"probability": probability})
    (drawn,) = draw_scenes(
        rows_of("morphology"), stored_scenes(artefacts), kept_predictions(artefacts)
    )["sets"]
    assert drawn["columns"] == ["smooth", "clumpy"]
    assert [scene["id"] for scene in drawn["scenes"]] == ["test-0", "test-1", "test-2"]
    assert drawn["scenes"][0]["truth"] == "smooth"
    assert drawn["scenes"][2]["answers"][0]["values"] == pytest.approx([0.2, 0.8])


def test_anomaly_scores_are_shown_by_rank(tmp_path, artefacts):
    """The best scene is the anomalous one that ranks first, or the normal one that ranks last."""
    scene = np.array(IDS, dtype="S")
    images = np.ones((5, 1, 8, 8), np.float32)
    path = tmp_path / "images-ii.h5"
    kinds = np.array([0, 1, 0, 1, 0], np.int64)
    write_arrays(path, {"scene": scene, "images": images, "kind": kinds})
    with h5py.File(path, "a") as file:
        file.attrs["classes"] = '{"kind": ["smooth", "clumpy"]}'
    score = np.array([-3.0, 1e6, 7.0, -5.0, 2.0])
    write_predictions(tmp_path / "predictions-pp.parquet", IDS, {"score": score})
    (drawn,) = draw_scenes(
        rows_of("morphology", task="anomaly"), stored_scenes(artefacts), kept_predictions(artefacts)
    )["sets"]
    shown = [(scene["id"], scene["truth"]) for scene in drawn["scenes"]]
    assert shown == [("test-1", "clumpy"), ("test-4", "smooth"), ("test-3", "clumpy")]
    values = [scene["answers"][0]["values"] for scene in drawn["scenes"]]
    assert values == [[0.9], [0.5], [0.1]]


def write_two_class_targets(tmp_path) -> None:
    """Images with two class targets of as many classes, whose truths are opposite."""
    kinds = np.array([0, 1, 0, 1, 0], np.int64)
    arrays = {"scene": np.array(IDS, dtype="S"), "images": np.ones((5, 1, 8, 8), np.float32)}
    path = tmp_path / "images-ii.h5"
    write_arrays(path, arrays | {"light": kinds, "mass": 1 - kinds})
    with h5py.File(path, "a") as file:
        file.attrs["classes"] = '{"light": ["round", "edge-on"], "mass": ["smooth", "clumpy"]}'


def test_the_true_class_is_the_one_that_the_task_asks_for(tmp_path, artefacts):
    """Where two targets have as many classes, the task's counts, and without it the first."""
    write_two_class_targets(tmp_path)
    probability = np.tile(np.array([[0.9, 0.1]], np.float32), (5, 1))
    write_predictions(tmp_path / "predictions-pp.parquet", IDS, {"probability": probability})

    def truths(*class_of) -> tuple[list[str], set[str]]:
        (drawn,) = draw_scenes(
            rows_of("morphology"), stored_scenes(artefacts), kept_predictions(artefacts), *class_of
        )["sets"]
        best = [scene["truth"] for scene in drawn["scenes"] if scene["rank"] == "best"]
        return drawn["columns"], set(best)

    assert truths(lambda task: ("mass", "")) == (["smooth", "clumpy"], {"smooth"})
    assert truths() == (["round", "edge-on"], {"round"})


def test_the_normal_class_of_an_anomaly_is_the_tasks(tmp_path, artefacts):
    """An anomalous scene of the task's target that ranks first is shown as the best."""
    write_two_class_targets(tmp_path)
    score = np.array([-3.0, 1e6, 7.0, -5.0, 2.0])
    write_predictions(tmp_path / "predictions-pp.parquet", IDS, {"score": score})
    rows = rows_of("morphology", task="anomaly:normal=clumpy,target=mass")
    (drawn,) = draw_scenes(
        rows, stored_scenes(artefacts), kept_predictions(artefacts), lambda task: ("mass", "clumpy")
    )["sets"]
    assert "of class clumpy" in drawn["loss"]
    shown = [(scene["rank"], scene["id"], scene["truth"]) for scene in drawn["scenes"]]
    assert shown[0] == ("best", "test-1", "smooth")
    assert shown[-1] == ("worst", "test-3", "smooth")


@pytest.mark.parametrize(
    ("task", "names"),
    [
        ("regression", ["theta_E"]),
        ("regression:targets=theta_E", ["theta_E"]),
        ("regression:targets=theta_E+axis_ratio", ["theta_E", "axis_ratio"]),
    ],
)
def test_numbers_are_shown_with_the_true_ones(tmp_path, artefacts, task, names):
    """The best scene has the least error, in units of scatter; what is not known does not count."""
    truth = {
        "theta_E": np.array([1.0, 1.5, 2.0, 0.5, 1.2]),
        "axis_ratio": np.array([0.5, 0.6, np.nan, 0.8, 0.9]),
    }
    images = np.ones((5, 1, 8, 8), np.float32)
    scene = np.array(IDS, dtype="S")
    write_arrays(tmp_path / "images-ii.h5", {"scene": scene, "images": images} | truth)
    off = np.array([0.3, 0.0, 0.1, 0.2, 0.6])[:, None]
    mean = np.stack([truth[name] for name in names], 1) + off
    write_predictions(
        tmp_path / "predictions-pp.parquet",
        IDS,
        {"mean": np.nan_to_num(mean), "sigma": mean * 0 + 1},
    )
    rows = rows_of("morphology", task=task, metric="rmse_theta_E", higher_is_better=False)
    (drawn,) = draw_scenes(rows, stored_scenes(artefacts), kept_predictions(artefacts))["sets"]
    assert drawn["columns"] == names
    assert [scene["id"] for scene in drawn["scenes"]] == ["test-1", "test-3", "test-4"]
    worst = drawn["scenes"][2]
    assert worst["truth"].startswith("theta_E 1.2") and worst["truth"].count(",") == len(names) - 1
    assert worst["answers"][0]["values"][0] == pytest.approx(1.8)
    assert worst["answers"][0]["loss"] > 1


def test_answers_to_other_targets_than_the_task_names_are_left_out(tmp_path, artefacts):
    """Their columns would be told by wrong names."""
    scene = np.array(IDS, dtype="S")
    arrays = {"scene": scene, "images": np.ones((5, 1, 8, 8), np.float32), "theta_E": np.ones(5)}
    write_arrays(tmp_path / "images-ii.h5", arrays)
    write_predictions(tmp_path / "predictions-pp.parquet", IDS, {"mean": np.ones((5, 2))})
    rows = rows_of("morphology", task="regression", metric="rmse_theta_E")
    assert draw_scenes(rows, stored_scenes(artefacts), kept_predictions(artefacts))["sets"] == []


def test_what_cannot_be_read_is_left_out(tmp_path, artefacts):
    """Damaged files and answers to other scenes are not shown: there is no gallery of them."""
    write_skies(tmp_path, [0.0] * 5)
    (tmp_path / "skies-tt.h5").write_bytes(b"no HDF5")
    assert (
        draw_scenes(rows_of("superres"), stored_scenes(artefacts), kept_predictions(artefacts))[
            "sets"
        ]
        == []
    )
    write_skies(tmp_path, [0.0] * 5)
    others = ["another"] * 5
    write_predictions(tmp_path / "predictions-pp.h5", others, {"sky": np.ones((5, 1, 16, 16))})
    assert (
        draw_scenes(rows_of("superres"), stored_scenes(artefacts), kept_predictions(artefacts))[
            "sets"
        ]
        == []
    )
