"""What a stranger may claim in a board, and how each is refused in one line."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import polars as pl
import pytest
from refusals import refused
from tests.forged_boards import change_predictions

from lensbench.errors import DataError
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.writing import write_board
from lensbench.verification.completeness import shared_predictions
from lensbench.verification.rerunning import _agreement


def test_honest(board):
    """A board that was tampered with in no way is read, and its rows are reported."""
    assert set(board.tiers.values()) == {"reported"}


@pytest.mark.parametrize("name", ["records.parquet", "morphology.zip", "study.toml", "README.md"])
def test_changed_file(board, name):
    """A file with one more byte is refused by its digest."""
    path = board.folder / name
    path.write_bytes(path.read_bytes() + b"\n")
    refused(board.folder, "SHA-256")


def test_changed_digest(board):
    """A digest that was changed in the manifest is refused."""
    manifest = json.loads((board.folder / "manifest.json").read_text())
    manifest["files"]["records.parquet"]["sha256"] = "0" * 64
    (board.folder / "manifest.json").write_text(json.dumps(manifest))
    refused(board.folder, "records.parquet", "SHA-256")


@pytest.mark.parametrize("column", ["value", "low", "high", "chance", "seconds_fit"])
@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_not_finite(board, change_records, column, number):
    """NaN and Inf in a column of numbers are refused."""
    change_records(board.folder, **{column: number})
    refused(board.folder, column, "not finite")


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_predictions_not_finite(board, number):
    """NaN and Inf in predictions are refused."""

    def change(prediction):
        ids, arrays = prediction
        probability = arrays["probability"].copy()
        probability[3, 1] = number
        return ids, {"probability": probability}

    change_predictions(board.folder, change, 1)
    refused(board.folder, "not finite")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda ids: ids[:-1], "23 scenes"),
        (lambda ids: [*ids[:-1], ids[0]], "more than once"),
        (lambda ids: [*ids, "0-test-24"], "25 scenes"),
        (lambda ids: ids[::-1], "other scenes"),
        (lambda ids: [i.replace("test", "train") for i in ids], "other scenes"),
    ],
)
def test_scenes(board, change, word):
    """Predictions of missing, repeated, further or other scenes are refused."""

    def changed(prediction):
        ids, arrays = prediction
        others = change(list(ids))
        rows = np.arange(len(others)) % len(ids)
        return others, {"probability": arrays["probability"][rows]}

    change_predictions(board.folder, changed, 1)
    refused(board.folder, word)


@pytest.mark.parametrize(
    ("column", "value"),
    [("budget", "quick"), ("labels", 10), ("seed_draw", 1), ("seed_fit", 1), ("task", "einstein"),
     ("train_condition", "hst-acs"), ("test_condition", "hst-acs"), ("dataset", "deeplense"),
     ("test_dataset", "deeplense"), ("device", "cuda"), ("code", "def")],
)  # fmt: skip
def test_claims(board, change_records, column, value):
    """A row that claims other than what its key was made from is refused."""
    change_records(board.folder, **{column: value})
    refused(board.folder, "budgets" if column == "budget" else "made from")


def test_budget_of_all(board, reseal):
    """A whole board that says another budget than its keys is refused."""
    path = board.folder / "records.parquet"
    pl.read_parquet(path).with_columns(budget=pl.lit("quick")).write_parquet(path)
    study = board.folder / "study.toml"
    study.write_text(study.read_text().replace('"smoke"', '"quick"'))
    reseal(board.folder)
    refused(board.folder, "budget", "smoke")


def test_provenance(board, reseal):
    """A description that was changed no longer hashes to its key."""
    path = board.folder / "provenance.json"
    text = path.read_text()
    assert '"count":24' in text
    path.write_text(text.replace('"count":24', '"count":240'))
    reseal(board.folder)
    refused(board.folder, "hashes")


def test_labels_from_another_split(board, reseal):
    """Predictions whose images are said to be of the training split are refused."""
    records = pl.read_parquet(board.folder / "records.parquet")
    described = json.loads((board.folder / "provenance.json").read_text())
    train = next(k for k, entry in described["images"].items() if entry["split"] == "train")
    records.with_columns(images=pl.lit(train)).write_parquet(board.folder / "records.parquet")
    reseal(board.folder)
    refused(board.folder, "made from")


@pytest.mark.parametrize(
    "text",
    ["<script>alert(1)</script>", "=cmd|'/C calc'!A0", "+1", "-1", "@SUM(A1)", "a\nb", "a\x00b",
     "\u202egnp.exe", "naïve", "x" * 10**7, "\t=1", "../../etc/passwd"],
)  # fmt: skip
@pytest.mark.parametrize("column", ["entrant", "task", "test_condition", "metric", "system"])
def test_names(board, change_records, column, text):
    """Tags, formulas, control characters and 10 MB in a name are refused."""
    change_records(board.folder, **{column: text})
    refused(board.folder)


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "=1+1", "@x", "\x1b[31m", "<img src=x>", "e" * 10**7]
)
@pytest.mark.parametrize("column", ["error", "unit"])
def test_free_text(board, change_records, column, text):
    """Tags, formulas, control characters and 10 MB in free text are refused."""
    change_records(board.folder, **{column: text})
    refused(board.folder)


@pytest.mark.parametrize(
    ("name", "old", "where"),
    [("study.toml", "by-hand", "name"), ("environment.json", "3.11", "python"),
     ("citations.json", "someone", "tag")],
)  # fmt: skip
def test_text_of_documents(board, reseal, name, old, where):
    """A tag in any text beside the records is refused."""
    path = board.folder / name
    path.write_text(path.read_text().replace(old, "<script>x"))
    reseal(board.folder)
    refused(board.folder, name, where)


def test_another_name(board, change_records):
    """An entrant under another's name is refused."""
    change_records(board.folder, entrant="mae-vit + mae + finetune")
    refused(board.folder, "not what its parts say")


def test_repeated_row(board, reseal):
    """A row that occurs twice is refused."""
    path = board.folder / "records.parquet"
    records = pl.read_parquet(path)
    pl.concat([records, records.head(1)]).write_parquet(path)
    reseal(board.folder)
    refused(board.folder, "twice")


def test_link(board, tmp_path):
    """A link in the folder is refused, wherever it leads."""
    (tmp_path / "secret").write_text("secret")
    readme = board.folder / "README.md"
    readme.unlink()
    readme.symlink_to(tmp_path / "secret")
    refused(board.folder, "link")


def test_further_file(board):
    """A file that the manifest does not name is refused."""
    (board.folder / "run.sh").write_text("rm -rf")
    refused(board.folder, "run.sh")


@pytest.mark.parametrize(
    "name", ["../x", "/etc/passwd", "predictions/../../x", "run.sh", "a" * 10**7]
)
def test_names_in_manifest(board, name):
    """A manifest that names files which no board has is refused."""
    manifest = json.loads((board.folder / "manifest.json").read_text())
    manifest["files"][name] = manifest["files"]["README.md"]
    (board.folder / "manifest.json").write_text(json.dumps(manifest))
    refused(board.folder, "no such file")


def _of_both_draws(make_contents, **study):
    """Contents of two entrants on draws 0 and 1."""
    both = [make_contents("spectrum-logreg", "hog-svm", draw=draw) for draw in (0, 1)]
    first, second = both
    described = {
        kind: first.provenance[kind] | second.provenance[kind] for kind in first.provenance
    }
    return dataclasses.replace(
        first,
        records=pl.concat([one.records for one in both]),
        study=first.study | {"seeds": {"draw": 2}} | study,
        provenance=described,
        files=first.files | second.files,
    )


def test_an_unlucky_draw_is_not_left_out(make_contents, tmp_path):
    """An entrant without its worst draw would have a better mean; the others have that draw."""
    contents = _of_both_draws(make_contents)
    write_board(contents, tmp_path / "honest")
    unlucky = (pl.col("entrant") == "hog-svm") & (pl.col("seed_draw") == 1)
    gone = contents.records.filter(unlucky).row(0, named=True)
    kept = {
        name: path
        for name, path in contents.files.items()
        if gone["cell"] not in name and gone["predictions"] not in name
    }
    forgotten = {gone["cell"], gone["predictions"]}
    described = {
        kind: {key: one for key, one in known.items() if key not in forgotten}
        for kind, known in contents.provenance.items()
    }
    rows = contents.records.filter(~unlucky)
    short = dataclasses.replace(contents, records=rows, files=kept, provenance=described)
    with pytest.raises(DataError, match="'hog-svm' lacks draw 1 of morphology"):
        write_board(short, tmp_path / "short")


@pytest.mark.parametrize(
    ("draws", "said"),
    [
        (3, r"draw 2 is in study\.toml and not in records\.parquet"),
        (1, r"draw 1 is in records\.parquet and not in study\.toml"),
    ],
)
def test_draws_are_those_of_the_study(make_contents, tmp_path, draws, said):
    """All draws that the study asks for are there, and no other was added."""
    contents = _of_both_draws(make_contents, seeds={"draw": draws})
    with pytest.raises(DataError, match=said):
        write_board(contents, tmp_path / "board")


def test_a_copied_entrant_is_named(board):
    """Two entrants whose predictions are the same to the last bit, on so many tests."""
    one, other = sorted(board.records["entrant"].unique())
    assert shared_predictions(board) == {}
    answers = board.predictions(board.records["predictions"][0])
    change_predictions(board.folder, lambda _: answers)
    assert shared_predictions(open_board(board.folder)) == {(one, other): 1}


def test_how_a_fit_ended_is_run_again_too(board):
    """Where scores are the same to the last digit, so is whether the fit converged."""
    records = board.records.with_columns(stopped_fit=pl.lit("converged"))
    honest = dataclasses.replace(board, records=records)
    key = records["cell"][0]
    mine = records.filter(pl.col("cell") == key)
    assert _agreement(honest, key, mine, 0.5) == (True, "the same to the last digit")
    passed, note = _agreement(
        honest, key, mine.with_columns(stopped_fit=pl.lit("limit")), tolerance=0.5
    )
    assert not passed
    assert note == "the fit is published as converged, run again it ended as limit"


def test_scores_without_an_interval_do_not_decide_a_rerun(board):
    """Unless no score has one: rounding may move them, and re-scoring has checked them."""
    key, *_ = board.records["cell"].unique().sort()
    mine = board.records.filter(pl.col("cell") == key)
    bare = {"low": None, "high": None}
    other = mine.with_columns(
        metric=pl.lit("ece_excess"), **{n: pl.lit(v) for n, v in bare.items()}
    )
    moved = pl.col("value") + pl.when(pl.col("metric") == "ece_excess").then(0.02).otherwise(0)
    both = pl.concat([mine, other], how="vertical_relaxed")
    wide = dataclasses.replace(board, records=both)
    assert _agreement(wide, key, both.with_columns(moved), 0.5)[0]
    far = both.with_columns(pl.col("value") + 1.0)
    assert not _agreement(wide, key, far, 0.5)[0]
    alone = dataclasses.replace(board, records=other)
    assert not _agreement(alone, key, other.with_columns(moved), 0.5)[0]
