"""A board of images without its images: what verification can still say of it, and what not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.calls import called
from tests.forged_boards import change_members, change_scores

import lensbench
from lensbench.cells.code import Code
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.manifest import read_manifest

pytestmark = pytest.mark.slow

STUDY = """
name = "skies"
budget = "smoke:train_scenes=24,validation_scenes=8,test_scenes=12"

[axes]
task = ["superres"]
baseline = ["wiener", "richardson-lucy"]

[tests]
condition = ["euclid-vis", "rubin-r"]
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder with a store and a board whose predictions are elsewhere."""
    folder = tmp_path_factory.mktemp("skies")
    (folder / "study.toml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("LENSBENCH_STORE", str(folder / "store"))
        assert called("sweep", "study.toml", "--workers", "0", "--quiet").code == 0
        words = ("--with-weights", "--predictions-below", "0.01")
        made = called("leaderboard", "publish", "study.toml", "--to", "board", *words)
    assert made.code == 0, made.err
    assert "Left out: 4 files of predictions" in made.out
    return folder


@pytest.fixture
def board(place, tmp_path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(place / "board", tmp_path / "board"))


def test_can_be_run_again_and_tried_fresh(board):
    """What is run again is trusted as such; weights are held against scores by scene."""
    first = called("leaderboard", "verify", board)
    assert first.code == 0, first.err
    assert "not checked: wiener (1): not scored again: its predictions are elsewhere" in first.out
    assert set(open_board(board).tiers.values()) == {"reported"}
    assert called("leaderboard", "verify", board, "--rerun", "1").code == 0
    assert sorted(open_board(board).tiers.values()) == ["re-run", "reported"]
    done = called("leaderboard", "verify", board, "--fresh", "--json")
    assert done.code == 0, done.out
    assert json.loads(done.out)["untried"] == {}
    assert set(open_board(board).tiers.values()) == {"fresh"}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"source": "0" * 20}, f"other code than is here: lensbench {lensbench.__version__}"),
        ({"torch": "1.0"}, "torch {torch}, and 1.0 is here"),
    ],
)
def test_a_repeated_cell_of_other_code_says_so(board, monkeypatch, changed, told):
    """Another version may train otherwise, so that scores differ and nobody lied."""
    torch = open_board(board).records["torch"][0]
    here = Code.of
    monkeypatch.setattr(Code, "of", lambda self, *asked: {**here(self, *asked), **changed})
    done = called("leaderboard", "verify", board, "--rerun", "1", "--no-write")
    assert done.code == 0, done.out
    assert "the same to the last digit; it was made with " + told.format(torch=torch) in done.out


def test_can_be_scored_again_once_they_are_there(place, board):
    """Predictions that were fetched are checked and scored."""
    (board / "predictions").mkdir()
    for name in read_manifest(board).elsewhere:
        shutil.copyfile(place / "store" / name, board / name)
    done = called("leaderboard", "verify", board, "--json")
    assert done.code == 0, done.out
    assert json.loads(done.out)["unscored"] == []
    assert set(open_board(board).tiers.values()) == {"re-scored"}


def test_scores_in_another_order_are_refused(board):
    """They have the mean of the record, and another interval: resamples are of scenes by place."""
    turned = pl.col("values").list.reverse()  # of the same mean
    change_scores(board, lambda scores: scores.with_columns(turned))
    done = called("leaderboard", "verify", board, "--fresh", "--json")
    assert done.code == 1
    assert "by scene, the record says" in done.out, done.out


def test_neither_predictions_nor_scores(board):
    """Without scores by scene there is nothing to hold the weights against."""
    change_members(board, "scores/", lambda _: None)
    done = called("leaderboard", "verify", board, "--fresh")
    assert done.code == 0, done.err
    assert "neither its predictions nor its scores by scene are here" in done.out
