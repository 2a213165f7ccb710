"""`lensbench show-run`: a picture for each table of a run, of that table's images alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import polars as pl
import pytest
from matplotlib import image as picture
from sklearn.metrics import roc_auc_score

from lensbench.leaderboard import answer_pictures
from lensbench.store.records import read_records

STUDY = """
name = "several"
budget = "smoke"
[axes]
dataset = ["lenses:population=pedagogical"]
task = ["morphology"]
baseline = ["spectrum-logreg", "pca-logreg"]
labels = [24, "all"]
[seeds]
draw = [0, 1]
[tests]
dataset = ["lenses:population=pedagogical", "lenses:population=deeplense-ii"]
condition = ["rubin-r"]
"""


def drawn(lensbench: Callable[..., Any], kind: str, *words: object) -> list[tuple[Any, ...]]:
    """What each picture of a kind shows: path, title, classes, truth and answers."""
    seen = []

    def record(*shown: Any) -> None:
        seen.append(shown)
        getattr(answer_pictures, kind)(*shown)

    with mock.patch(f"lensbench.leaderboard.gallery.{kind}", record):
        done = lensbench("show-run", *words)
    assert done.code == 0, done.err
    assert done.out.split() == [str(shown[0]) for shown in seen]
    for path in done.out.split():
        assert picture.imread(path).std() > 0.05
    return seen


@pytest.mark.slow
def test_several_test_sets_have_pictures_of_their_own(
    tmp_path: Path, lensbench: Callable[..., Any]
) -> None:
    """Each shows every entrant once, on images of one set and after training on as many labels."""
    study, store = tmp_path / "study.toml", tmp_path / "store"
    study.write_text(STUDY)
    swept = lensbench("sweep", study, "--store", store, "--workers", 0, "--quiet")
    assert swept.code == 0, swept.err
    seen = drawn(lensbench, "class_picture", "--store", store, "--out", tmp_path / "pictures")
    titles = [title.split("\n") for _, title, *_ in seen]
    assert {tuple(title) for title in titles} == {
        (f"morphology on lenses:population={population}, {condition}", f"labels: {labels}")
        for population in ("pedagogical", "deeplense-ii")
        for condition in ("euclid-vis", "rubin-r")
        for labels in (24, "all")
    }
    assert len(titles) == 8
    records = read_records((store / "runs").glob("*.parquet"))
    values = records.filter(pl.col("primary"), pl.col("seed_draw") == 0)["value"].to_list()
    for _, _, classes, truth, answers in seen:
        names = [answer.entrant for answer in answers]
        assert sorted(names) == ["pca-logreg", "spectrum-logreg"]
        assert list(classes) == ["no_sub", "cdm", "vortex"]
        for answer in answers:  # of these images, for its AUROC is that of a record
            probability = answer.predictions["probability"]
            value = roc_auc_score(truth, probability, multi_class="ovr")
            values.remove(next(one for one in values if one == pytest.approx(value, abs=1e-6)))
    assert not values


@pytest.mark.slow
def test_classes_are_those_of_the_task(tmp_path: Path, lensbench: Callable[..., Any]) -> None:
    """Not another class target of as many classes; for anomalies the normal class comes first."""
    random = np.random.default_rng(0)
    for kind in ("lens", "other"):
        (tmp_path / "images" / kind).mkdir(parents=True)
        for i in range(30):
            pixels = random.normal(size=(24, 24))
            pixels[8:16, 8:16] += 40 if kind == "lens" else 10
            np.save(tmp_path / "images" / kind / f"{i}.npy", pixels)
    words = ("--dataset", f"stored:path={tmp_path / 'images'}", "--store", tmp_path / "store")
    words += ("--budget", "smoke", "--workers", 0, "--quiet", "--alone")
    for kind, task, baseline, expected in (
        ("class_picture", "finding", "spectrum-logreg", ["non_lens", "lens"]),
        ("score_picture", "anomaly:normal=other", "ocsvm", ["other", "lens"]),
    ):
        done = lensbench("run", "--task", task, "--baseline", baseline, *words)
        assert done.code == 0, done.err
        shown = ("--store", tmp_path / "store", "--out", tmp_path / "pictures")
        ((_, _, classes, truth, (answer,)),) = drawn(lensbench, kind, *shown)
        assert list(classes) == expected and np.bincount(truth).tolist() == [6, 6]
        predicted = answer.predictions
        if kind == "class_picture":
            assert (predicted["probability"].argmax(1) == truth).mean() > 0.9
        else:
            assert predicted["score"][truth == 1].mean() > predicted["score"][truth == 0].mean()
