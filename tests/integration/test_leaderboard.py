"""Boards that were forged, and a cheat that only fresh scenes find.

The stranger's package is installed as files and metadata on the path.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.calls import Result, called, installed
from tests.forged_boards import change_predictions, reseal
from tests.pages import gallery_of

from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.tables import Prediction
from lensbench.verification import rescoring
from lensbench.verification.published import cells_of

pytestmark = pytest.mark.slow

HOOKS = """
import lensbench
from lensbench import Entry

@lensbench.hookimpl
def lensbench_baselines():
    return [
        Entry("centroid", "stranger.centroid:Centroid", summary="Nearest mean image.",
              citation="someone 2026", licence="MIT", tasks=("morphology",)),
        Entry("memory", "stranger.memory:Memory", summary="Has seen the test.",
              citation="nobody 2026", licence="MIT", tasks=("morphology",)),
    ]
"""

CENTROID = """
import torch
from lensbench import Baseline, stretch

class Centroid(Baseline):

    def fit(self, context):
        images = stretch(context.train.images)
        labels = context.train.targets["substructure"]
        means = [images[labels == label].mean(0) for label in range(3)]
        return Nearest(torch.stack(means), torch.arange(3), 1.0)

    def restore(self, context, state):
        return Nearest(state["images"], state["labels"], float(state["sharpness"]))

class Nearest:
    def __init__(self, images, labels, sharpness):
        self.images, self.labels, self.sharpness = images, labels, sharpness

    def __call__(self, samples):
        images = stretch(samples.images)
        if images.shape[1:] != self.images.shape[1:]:
            images = torch.nn.functional.interpolate(images, self.images.shape[-2:])
        far = torch.cdist(images.flatten(1), self.images.flatten(1))
        shares = torch.softmax(-self.sharpness * far, 1)
        return {"probability": shares @ torch.eye(3)[self.labels]}

    def state(self):
        return {"images": self.images, "labels": self.labels,
                "sharpness": torch.tensor(self.sharpness)}
"""

MEMORY = """
import torch
from lensbench import condition_of, draw_scenes, population_of, stretch
from lensbench.sky.observation import observe
from stranger.centroid import Centroid, Nearest

class Memory(Centroid):
    def fit(self, context):
        scenes = draw_scenes(population_of("pedagogical"), "test", range(24), 0)
        images = observe(scenes, context.train.condition, 6.4, 0)
        labels = torch.from_numpy(scenes.targets["substructure"])
        return Nearest(stretch(images), labels, 10.0)
"""

STUDY = """
name = "three-baselines"
summary = "Who tells substructure, as small as it can be."
budget = "smoke"

[axes]
dataset = ["lenses:population=pedagogical"]
task = ["morphology"]
baseline = ["spectrum-logreg", "hog-svm"]

[tests]
condition = ["euclid-vis"]
"""

Call = Callable[..., Result]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a maintainer's board, where a stranger's package is installed."""
    folder = tmp_path_factory.mktemp("stranger")
    package = folder / "site" / "stranger"
    package.mkdir(parents=True)
    for name, text in {"__init__": "", "hooks": HOOKS, "centroid": CENTROID,
                       "memory": MEMORY}.items():  # fmt: skip
        (package / f"{name}.py").write_text(text)
    metadata = folder / "site" / "stranger-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[lensbench]\nstranger = stranger.hooks\n")
    (folder / "study.toml").write_text(STUDY)
    return folder


@pytest.fixture(scope="module")
def call(place) -> Iterator[Call]:
    """Runs `lensbench` there, where the stranger's package is installed."""
    with pytest.MonkeyPatch.context() as patch, installed(place / "site", "stranger"):
        patch.chdir(place)
        patch.setenv("LENSBENCH_STORE", str(place / "store"))
        yield called


@pytest.fixture(scope="module")
def board(place, call) -> Path:
    """A board of two baselines, with their weights."""
    assert call("sweep", "study.toml", "--workers", "0", "--quiet").code == 0
    made = call("leaderboard", "publish", "study.toml", "--to", "board", "--with-weights")
    assert made.code == 0, made.err
    return place / "board"


def test_a_page_of_a_board_draws_scenes_again(board, call, tmp_path):
    """The board has predictions and no images, and the store is empty."""
    page = tmp_path / "page.html"
    built = call("leaderboard", "build", board, "--out", page, "--store", tmp_path / "none")
    assert built.code == 0, built.err
    sets = gallery_of(page)
    records = open_board(board).records
    drawn = {(one["table"]["task"], one["condition"]) for one in sets}
    assert drawn == set(records.select("task", "test_condition").rows())
    scenes = [scene for one in sets for scene in one["scenes"]]
    assert all(scene["input"].startswith("data:image/png") for scene in scenes)
    names = {answer["name"] for scene in scenes for answer in scene["answers"]}
    assert names == set(records["entrant"])


def forged(board: Path, tmp_path: Path, change: Callable[[Path], None]) -> Path:
    """A copy of a board that was changed, its digests made to agree."""
    folder = tmp_path / "forged"
    shutil.copytree(board, folder)
    change(folder)
    reseal(folder)
    return folder


def better_score(folder: Path) -> None:
    path = folder / "records.parquet"
    first = (pl.int_range(pl.len()) == 0) & (pl.col("metric") == "accuracy")
    better = pl.when(first).then(0.9).otherwise(pl.col("value")).alias("value")
    pl.read_parquet(path).sort("metric").with_columns(better).write_parquet(path)


def better_answers(folder: Path) -> None:
    def better(prediction: Prediction) -> Prediction:
        ids, answers = prediction
        assert answers["probability"].shape == (24, 3)
        labels = np.array([int(i.rsplit("-", 1)[1]) % 3 for i in ids])
        return ids, {"probability": np.eye(3, dtype=np.float32)[labels]}

    change_predictions(folder, better, most=1)


def scenes_of_training(folder: Path) -> None:
    def renamed(prediction: Prediction) -> Prediction:
        ids, answers = prediction
        return [i.replace("test", "train") for i in ids], answers

    change_predictions(folder, renamed)


@pytest.mark.parametrize(
    ("change", "word"),
    [(better_answers, "the predictions give"), (scenes_of_training, "no test scene")],
)  # fmt: skip
def test_forged(board, call, tmp_path, change, word):
    """Better answers or other scenes fail at re-scored though digests match."""
    folder = forged(board, tmp_path, change)
    assert call("leaderboard", "verify", folder, "--no-rescore").code == 0
    done = call("leaderboard", "verify", folder, "--json")
    assert done.code == 1
    notes = [finding["note"] for finding in json.loads(done.out)["checks"][1]["cells"].values()]
    assert any(word in note for note in notes), notes
    assert "reported" in open_board(folder).tiers.values()


def test_a_gallery_has_no_predictions_of_other_scenes(board, call, tmp_path):
    """Predictions that say they are of other scenes than those drawn again are not shown."""
    folder = forged(board, tmp_path, scenes_of_training)
    page = tmp_path / "page.html"
    assert call("leaderboard", "build", folder, "--out", page).code == 0
    assert gallery_of(page) == []


def test_processes(board, tmp_path, monkeypatch):
    """Two processes find what one finds, in the same order: what fails and what agrees.

    Progress counts each set of scenes once, and each cell.
    """
    monkeypatch.setattr(rescoring, "EACH", 1)
    opened = open_board(forged(board, tmp_path, better_answers))
    cells = cells_of(opened.records)
    told: list[tuple[str, int, int]] = []
    alone, both = (
        rescoring.rescore(
            opened, cells, str(tmp_path / f"scenes-{count}"), count,
            lambda stage, done, total, _: told.append((stage, done, total)),
        )
        for count in (1, 2)
    )  # fmt: skip
    count = len(cells)
    once = [("drawing test scenes", 1, 1)]
    once += [("scoring cells again", done, count) for done in range(1, count + 1)]
    assert told == 2 * once
    assert [finding.passed for finding in alone.values()].count(False) == 1
    assert list(alone.items()) == list(both.items())


@pytest.mark.parametrize(
    ("here", "asked", "lacks"),
    [
        ('"hog-svm"', '"hog-svm", "pca-logreg"', "pca-logreg, morphology"),
        ('"euclid-vis"', '"euclid-vis", "hst-acs"', "hog-svm, morphology"),
    ],
)
def test_a_board_without_a_cell_of_its_study(board, call, tmp_path, here, asked, lacks):
    """An entrant or a condition was left out, perhaps because it went badly."""

    def change(folder: Path) -> None:
        path = folder / "study.toml"
        assert here in path.read_text()
        path.write_text(path.read_text().replace(here, asked))

    folder = forged(board, tmp_path, change)
    assert call("leaderboard", "verify", folder, "--no-rescore").code == 0
    done = call("leaderboard", "verify", folder, "--sample", "1", "--no-write")
    assert done.code == 1
    assert f"FAILED: the board lacks a cell that its study asks for: {lacks}" in done.out


def test_a_score_that_is_not_its_scenes(board, call, tmp_path):
    """A better score fails at once: it is not the mean over the scenes."""
    done = call("leaderboard", "verify", forged(board, tmp_path, better_score), "--no-rescore")
    assert done.code == 1
    assert "by scene, the record says 0.9" in done.err


def test_digests(board, call, tmp_path):
    """A changed file ends with exit 1 and one line; a board that is not there with exit 2."""
    folder = tmp_path / "changed"
    shutil.copytree(board, folder)
    (folder / "study.toml").write_text("name = 1")
    done = call("leaderboard", "verify", folder)
    assert done.code == 1
    assert "study.toml is not what manifest.json says" in done.err
    assert "Traceback" not in done.err
    assert call("leaderboard", "verify", tmp_path / "nothing").code == 2


def test_cheat(board, call, place):
    """A fit that has seen the public test passes every tier below, and fails on fresh scenes."""
    study = [
        "study.toml", "--set", "axes.baseline=['memory','spectrum-logreg']", "--set", "name=cheat",
    ]  # fmt: skip
    assert call("sweep", *study, "--workers", "0", "--quiet").code == 0
    assert call("leaderboard", "publish", "--to", "cheat", "--with-weights").code == 0
    below = call("leaderboard", "verify", "cheat", "--rerun", "2")
    assert below.code == 0, below.out
    done = call("leaderboard", "verify", "cheat", "--fresh", "--json")
    assert done.code == 1
    opened = open_board(place / "cheat")
    cell = dict(opened.records.select("entrant", "cell").unique().rows())
    found = json.loads(done.out)["checks"][-1]["cells"]
    assert "significant" in found[cell["memory"]]["note"]
    assert found[cell["spectrum-logreg"]]["passed"]
    assert opened.tiers == {cell["memory"]: "re-run", cell["spectrum-logreg"]: "fresh"}


def test_a_board_can_be_small_and_say_what_is_read_from_it(place, call, board):
    """Primary scores and small weights alone; the reading stands in the README, and is checked."""
    (place / "reading.md").write_text("## Reading\n\nNothing can be told apart.\n")
    words = ("--primary-scores", "--with-weights", "--weights-below", "1e-6")
    made = call(
        "leaderboard", "publish", "study.toml", "--to", "small", "--reading", "reading.md", *words
    )
    assert made.code == 0, made.err
    small = open_board(place / "small")
    assert "Nothing can be told apart." in (place / "small" / "README.md").read_text()
    assert not [name for name in small.shelf.members if name.startswith(("fits/", "weights/"))]
    metrics = {key[3] for key in small.scores}
    assert metrics == set(small.records.filter(pl.col("primary"))["metric"])
    assert metrics < {key[3] for key in open_board(board).scores}
    assert call("leaderboard", "verify", "small").code == 0
    (place / "small" / "READING.md").write_text("All is told apart.\n")
    assert call("leaderboard", "verify", "small").code == 1
