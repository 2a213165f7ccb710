"""Forged bundles: none enters a board, whatever state its rows claim and whomever they name."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
import signal
from pathlib import Path

import pytest
from forgeries import FORGERIES, forge, with_two_metrics
from refusals import refused

from lensbench.cli.leaderboard.runs import predictions_elsewhere
from lensbench.errors import DataError
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.joining import merge, one_entrant
from lensbench.leaderboard.board.writing import write_board

EACH = int(os.environ.get("LENSBENCH_FORGERIES", "180")) // len(FORGERIES)
"""Bundles of each kind; so many bundles in all are tried as `LENSBENCH_FORGERIES` says."""


@pytest.fixture
def two_metrics(make_contents, tmp_path):
    """A board of three entrants with two metrics each, and an honest bundle of a fourth."""

    def written(name, *baselines):
        contents = make_contents(*baselines)
        contents = dataclasses.replace(contents, records=with_two_metrics(contents))
        return write_board(contents, tmp_path / name)

    return written("board", "spectrum-logreg", "hog-svm", "ring"), written("bundle", "centroid")


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda forgery: forgery.__name__.strip("_"))
def test_no_forged_bundle_is_taken(two_metrics, forgery, tmp_path):
    """Rows that are made up, of a rival, not asked, dropped, turned or implausible are refused."""
    board, honest = two_metrics
    chance = random.Random(forgery.__name__)
    accepted = 0
    for _ in range(EACH):
        folder = tmp_path / "forged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(honest.folder, folder)
        forge(folder, forgery, chance)
        try:
            merge(board, open_board(folder))
        except DataError:
            continue
        accepted += 1
    assert accepted == 0
    assert set(open_board(board.folder).records["entrant"]) == set(board.records["entrant"])
    merge(board, honest)


def test_a_dropped_metric_without_predictions(two_metrics, make_contents, tmp_path):
    """A metric that every entrant of a task has is missed where no predictions show that it can."""
    board, _ = two_metrics
    bare = predictions_elsewhere(make_contents("radial"), 0)
    with pytest.raises(DataError, match="lacks accuracy of morphology"):
        merge(board, write_board(bare, tmp_path / "bare"))


def test_a_bundle_has_one_entrant(board, make_contents, tmp_path):
    """Rows of two entrants in one bundle are refused."""
    bundle = write_board(make_contents("c", "d"), tmp_path / "bundle")
    with pytest.raises(DataError, match="rows of 2 entrants"):
        merge(board, bundle)


def test_an_entrant_of_the_board_is_replaced_when_asked(board, make_contents, tmp_path):
    """Else a bundle of it is refused; replaced, its old rows and files go and the others stay."""
    contents = make_contents("hog-svm")
    fit = dict(next(iter(contents.provenance["fits"].values())))
    bundle = write_board(one_entrant(contents, "hog-svm"), tmp_path / "bundle")
    with pytest.raises(DataError, match="hog-svm already"):
        merge(board, bundle)
    joined = merge(board, bundle, replacing=True)
    assert sorted(joined.records["entrant"]) == ["hog-svm", "spectrum-logreg"]
    assert fit in joined.provenance["fits"].values()
    assert len(joined.provenance["predictions"]) == 2


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ("citations.json", '{"a": 1}'),
        ("citations.json", '[{"kind": "task", "name": "x", "citation": "a\\n# heading"}]'),
        ("citations.json", '[{"kind": "task", "name": "x", "more": "y"}]'),
        ("environment.json", "[]"),
        ("environment.json", '{"python": "3.11", "packages": {"a": 1}}'),
        ("study.toml", 'name = "x"\nbudget = "smoke"\ninclude = 5\naxes = {}'),
        ("study.toml", 'budget = "smoke"\naxes = {}'),
        ("study.toml", 'name = "x"\nbudget = "smoke"\nseeds = {draw = nan}\naxes = {}'),
        ("study.toml", 'name = "x"\nbudget = "smoke"\naxes = {}\nmore = 1'),
        ("study.toml", "a." * 200_000 + "a = 1"),
        ("study.toml", "x = {" + "a." * 20_000 + "a = 1}"),
        ("study.toml", "x = " + "[" * 200_000),
        ("README.md", "<img src=x onerror=alert(1)>"),
        ("README.md", "[look](javascript:alert(1))"),
        ("LICENSE", "<script>x</script>"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_documents(board, reseal, document, text):
    """A document of other fields or types, with HTML or nested too deeply, is refused at once."""
    (board.folder / document).write_text(text)
    reseal(board.folder)
    signal.setitimer(signal.ITIMER_PROF, 5.0)
    try:
        refused(board.folder)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)


@pytest.mark.parametrize("version", [-1, 0, 99])
def test_formats_that_are_not_known(board, version):
    """A manifest of a format that this version does not know is refused."""
    manifest = json.loads((board.folder / "manifest.json").read_text())
    (board.folder / "manifest.json").write_text(json.dumps(manifest | {"format": version}))
    refused(board.folder, "manifest.json", "format")


@pytest.mark.parametrize("name", ["manifest.json", "records.parquet", "study.toml"])
def test_pipes(board, name):
    """A pipe in the place of a file is refused, and is not waited for."""
    (board.folder / name).unlink()
    os.mkfifo(board.folder / name)
    refused(board.folder)


def test_citations_are_plain_text_in_the_readme(make_contents, tmp_path):
    """Markdown in a citation is shown as it stands: no heading, link or image."""
    contents = make_contents("a")
    citation = "# Big [x](https://evil.example) ![y](z) _A_"
    cited = [{"kind": "task", "name": "morphology", "citation": citation}]
    board = write_board(dataclasses.replace(contents, citations=cited), tmp_path / "board")
    readme = Path(board.folder / "README.md").read_text()
    line = r"\# Big \[x\](https\://evil.example) !\[y\](z) \_A\_"
    assert f"- `morphology` (task): {line}" in readme.splitlines()
