"""A board whose predictions lie elsewhere: what it knows of them, what it takes in their place."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lensbench.cli.leaderboard.runs import predictions_elsewhere
from lensbench.errors import DataError
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.joining import merge, one_entrant
from lensbench.leaderboard.board.manifest import Check, File, Finding, write_manifest
from lensbench.leaderboard.board.writing import write_board


@pytest.fixture
def contents(make_contents):
    """Of two baselines, the predictions in files."""
    return make_contents("spectrum-logreg", "hog-svm")


@pytest.fixture
def bare(contents, tmp_path):
    """Its board, without any predictions."""
    return write_board(predictions_elsewhere(contents, 0), tmp_path / "bare")


def put_back(contents, folder: Path) -> None:
    """Copies the predictions to where the board would have them."""
    (folder / "predictions").mkdir(exist_ok=True)
    for name, path in contents.files.items():
        if name.startswith("predictions/"):
            shutil.copyfile(path, folder / name)


def test_size_decides(contents, tmp_path):
    """Files of so many bytes go, smaller ones stay."""
    size = max(p.stat().st_size for n, p in contents.files.items() if n.startswith("pred"))
    assert predictions_elsewhere(contents, size + 1).elsewhere == {}
    assert len(predictions_elsewhere(contents, size).elsewhere) > 0
    whole = write_board(predictions_elsewhere(contents, size + 1), tmp_path / "whole")
    assert whole.without_predictions == set()


def test_known_but_not_there(bare, contents):
    """The board knows the digest of each file and which cells it lacks."""
    assert not (bare.folder / "predictions").exists()
    assert len(bare.manifest.elsewhere) == 2
    assert "2 files of predictions" in (bare.folder / "README.md").read_text()
    assert bare.without_predictions == set(contents.records["cell"])
    assert all(bare.predictions(key) is None for key in bare.records["predictions"])


def test_put_back(bare, contents):
    """What is put into its place is read, and is the same evidence."""
    put_back(contents, bare.folder)
    whole = open_board(bare.folder)
    assert whole.without_predictions == set()
    ids, _ = whole.predictions(whole.records["predictions"][0])
    assert len(ids) == 24
    assert whole.evidence == bare.evidence


def test_something_else_is_put_back(bare, contents):
    """Another file under that name is refused."""
    put_back(contents, bare.folder)
    one, other = sorted((bare.folder / "predictions").iterdir())
    shutil.copyfile(one, other)
    with pytest.raises(DataError, match=f"{other.name} is not what"):
        open_board(bare.folder)


def test_same_evidence_whether_carried_or_not(bare, contents, tmp_path):
    """A finding on a board with its predictions holds for one without, and the other way round."""
    assert write_board(contents, tmp_path / "whole").evidence == bare.evidence


@pytest.mark.parametrize(
    ("tried", "earned"),
    [({"re-run": True}, "re-run"), ({"re-run": False}, "reported"), ({"fresh": True}, "fresh"),
     ({"re-scored": False, "re-run": True}, "reported")],
)  # fmt: skip
def test_tiers(bare, contents, tmp_path, tried, earned):
    """Without predictions a cell can be re-run or fresh at once; with them it is scored first."""
    cell = bare.records["cell"][0]

    def check(board, tier, passed):
        found = {cell: Finding(passed=passed, evidence=board.evidence[cell])}
        return Check(tier=tier, date="2026-01-01T00:00:00Z", lensbench="0.1.0", cells=found)

    for board, expected in ((bare, earned), (write_board(contents, tmp_path / "w"), "reported")):
        checks = tuple(check(board, *one) for one in tried.items())
        write_manifest(board.folder, board.manifest.model_copy(update={"checks": checks}))
        assert open_board(board.folder).tiers[cell] == expected


@pytest.mark.parametrize("name", ["records.parquet", "fits/{cell}.safetensors", "../secret"])
def test_only_predictions_can_be_elsewhere(bare, name):
    """A manifest that has other files elsewhere is refused."""
    name = name.format(cell=bare.records["cell"][0])
    far = {**bare.manifest.elsewhere, name: File(sha256="0" * 64, size=1)}
    write_manifest(bare.folder, bare.manifest.model_copy(update={"elsewhere": far}))
    with pytest.raises(DataError, match="manifest"):
        open_board(bare.folder)


def test_predictions_that_nobody_knows(bare):
    """A record whose predictions are neither here nor elsewhere is refused."""
    write_manifest(bare.folder, bare.manifest.model_copy(update={"elsewhere": {}}))
    with pytest.raises(DataError, match="the board has no predictions/"):
        open_board(bare.folder)


def test_elsewhere_of_no_record(bare):
    """Predictions elsewhere that belong to no record are refused."""
    far = {**bare.manifest.elsewhere, f"predictions/{'0' * 20}.h5": File(sha256="0" * 64, size=1)}
    write_manifest(bare.folder, bare.manifest.model_copy(update={"elsewhere": far}))
    with pytest.raises(DataError, match="belongs to no record"):
        open_board(bare.folder)


def test_merged(make_contents, tmp_path):
    """A bundle brings its own along, here or elsewhere; what lies in the folder stays."""
    mine, other = make_contents("hog-svm"), make_contents("spectrum-logreg", "centroid")
    board = write_board(predictions_elsewhere(mine, 0), tmp_path / "board")
    put_back(mine, board.folder)
    bundles = (one_entrant(predictions_elsewhere(other, 0), "centroid"),
               one_entrant(other, "spectrum-logreg"))  # fmt: skip
    for number, bundle in enumerate(bundles):
        board = merge(board, write_board(bundle, tmp_path / f"bundle-{number}"))
    assert len(board.manifest.elsewhere) == 2
    lacking = board.records.filter(board.records["cell"].is_in(list(board.without_predictions)))
    assert set(lacking["entrant"]) == {"centroid"}


def test_another_board_takes_the_place(bare, contents, make_contents):
    """What was put back goes with the board that knew it."""
    put_back(contents, bare.folder)
    new = write_board(make_contents("centroid"), bare.folder, replace=True)
    assert list((new.folder / "predictions").iterdir()) == []
    assert new.shelf.tables.keys() == set(new.records["predictions"])
