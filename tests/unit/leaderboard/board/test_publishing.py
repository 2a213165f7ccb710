"""Where boards are published, what is left out of them, and how bundles join them."""

from __future__ import annotations

import dataclasses
import json
import tomllib
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pytest
import tomli_w
import yaml
from tests.forged_boards import members_of

from lensbench.errors import DataError, RunError, UsageError
from lensbench.leaderboard.board.archive import board_folder
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.destinations import publish_to
from lensbench.leaderboard.board.documents import (
    ContrastField,
    PublishedField,
    StudyDocument,
)
from lensbench.leaderboard.board.joining import include_blocks, merge, one_entrant
from lensbench.leaderboard.board.manifest import Check, Finding, Manifest
from lensbench.leaderboard.board.texts import first_path, plain
from lensbench.leaderboard.board.writing import without_nulls, write_board
from lensbench.leaderboard.page import values_of
from lensbench.leaderboard.page.evidence import gather
from lensbench.stats.contrasts import Contrast
from lensbench.stats.published import PublishedValue
from lensbench.store import open_store
from lensbench.store.keys import key_of
from lensbench.store.records import records_frame
from lensbench.study.spec import Study, parse_study


class Hub:
    """What boards need of `huggingface_hub.HfApi`: repositories of files, one commit at a time."""

    def __init__(self, folder: Path, broken: str = "") -> None:
        self.folder, self.broken, self.commits = folder, broken, 0

    def create_repo(self, *, repo_id: str, repo_type: str, exist_ok: bool) -> None:
        assert repo_type == "dataset"
        (self.folder / repo_id).mkdir(parents=True, exist_ok=exist_ok)

    def upload_folder(self, *, folder_path, repo_id, repo_type, commit_message, delete_patterns):
        if self.broken:
            raise OSError(self.broken)
        assert repo_type == "dataset"
        assert commit_message
        goal = self.folder / repo_id
        for pattern in delete_patterns:
            for old in goal.glob(pattern):
                old.unlink()
        for path in Path(folder_path).rglob("*"):
            if path.is_file():
                copy = goal / path.relative_to(folder_path)
                copy.parent.mkdir(exist_ok=True)
                copy.write_bytes(path.read_bytes())
        self.commits += 1


def test_hub(make_contents, tmp_path):
    """A board goes to a dataset repository in one commit, which takes away an earlier board."""
    hub = Hub(tmp_path)
    publish_to(make_contents("spectrum-logreg"), "hf://datasets/someone/board", client=hub)
    assert open_board(tmp_path / "someone" / "board").records["baseline"][0] == "spectrum-logreg"
    publish_to(make_contents("hog-svm"), "hf://datasets/someone/board/", client=hub)
    assert open_board(tmp_path / "someone" / "board").records["baseline"].to_list() == ["hog-svm"]
    assert hub.commits == 2


def test_stale_fits_go(make_contents, tmp_path):
    """What an earlier board had and the new one has not leaves the repository."""
    hub = Hub(tmp_path)
    publish_to(make_contents("a", "b"), "hf://datasets/someone/board", client=hub)
    publish_to(make_contents("c"), "hf://datasets/someone/board", client=hub)
    assert len(members_of(tmp_path / "someone" / "board", "fits/")) == 1


def test_hub_signatures():
    """The hub's client takes what boards give it."""
    import inspect

    from huggingface_hub import HfApi

    inspect.signature(HfApi.create_repo).bind(
        None, repo_id="a/b", repo_type="dataset", exist_ok=True
    )
    inspect.signature(HfApi.upload_folder).bind(
        None, folder_path="x", repo_id="a/b", repo_type="dataset", commit_message="x",
        delete_patterns=[],
    )  # fmt: skip


def test_hub_refuses(make_contents, tmp_path):
    """What the hub says against it is one line."""
    with pytest.raises(RunError, match="403 Forbidden") as error:
        publish_to(make_contents("a"), "hf://datasets/x/y", client=Hub(tmp_path, "403 Forbidden\n"))
    assert "\n" not in error.value.message


@pytest.mark.parametrize("target", ["hf://models/a/b", "hf://datasets/a", "s3://bucket/x"])
def test_no_place(make_contents, target):
    """Other URLs are a mistake in the call."""
    with pytest.raises(UsageError, match="not a place"):
        publish_to(make_contents("a"), target)


def test_tar(make_contents, tmp_path):
    """A tar holds the board; what is there is replaced when asked for."""
    target = tmp_path / "board.tar"
    publish_to(make_contents("a"), str(target))
    with board_folder(target) as folder:
        assert open_board(folder).records["baseline"][0] == "a"
    with pytest.raises(UsageError, match="there already"):
        publish_to(make_contents("b"), str(target))
    publish_to(make_contents("c"), str(target), replace=True)
    with board_folder(target) as folder:
        assert open_board(folder).records["baseline"][0] == "c"


def test_git_checkout(make_contents, tmp_path):
    """Hidden files of a checkout stay, through a second publishing too."""
    checkout = tmp_path / "checkout"
    (checkout / ".git").mkdir(parents=True)
    (checkout / ".git" / "HEAD").write_text("ref: x")
    publish_to(make_contents("a"), str(checkout))
    publish_to(make_contents("b"), str(checkout), replace=True)
    assert open_board(checkout).records["baseline"].to_list() == ["b"]
    assert (checkout / ".git" / "HEAD").read_text() == "ref: x"
    assert len(members_of(checkout, "predictions/")) == 1


def test_no_mixing(make_contents, tmp_path):
    """A folder with other files, and a board where none is to be replaced, are left alone."""
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "thesis.tex").write_text("x")
    with pytest.raises(UsageError, match=r"thesis\.tex"):
        publish_to(make_contents("a"), str(tmp_path / "work"))
    publish_to(make_contents("b"), str(tmp_path / "board"))
    with pytest.raises(UsageError, match="already"):
        publish_to(make_contents("c"), str(tmp_path / "board"))


@pytest.mark.parametrize(
    "option", ["images:path=/home/ada/x", "images:path=~/x", "custom:/data/psf.fits", "x:y=C:\\x"]
)
def test_paths_are_refused(make_contents, tmp_path, option):
    """An option that is a path of this machine is not published."""
    contents = make_contents("a")
    records = contents.records.with_columns(test_dataset=pl.lit(option))
    with pytest.raises(DataError, match="means nothing elsewhere"):
        write_board(dataclasses.replace(contents, records=records), tmp_path / "board")
    assert not (tmp_path / "board").exists()


def test_paths_in_errors(make_contents, tmp_path):
    """The error of a failed cell keeps the last part of a path, and no mark-up."""
    contents = make_contents("a")
    described = {kind: dict(entries) for kind, entries in contents.provenance.items()}
    (fit,) = described["fits"].values()
    described["fits"][key_of(fit | {"baseline": "b"})] = fit | {"baseline": "b"}
    lost = contents.records.row(0, named=True) | {
        "state": "failed", "value": None, "low": None, "high": None, "n": None,
        "predictions": None, "images": None, "baseline": "b", "entrant": "b",
        "cell": key_of(fit | {"baseline": "b"}),
        "error": "OSError: /home/ada/work/model.pt: not <b>there</b>\n=x",
    }  # fmt: skip
    records = pl.concat([contents.records, records_frame([lost])])
    contents = dataclasses.replace(contents, records=records, provenance=described)
    board = write_board(contents, tmp_path / "board")
    (error,) = board.records["error"].drop_nulls()
    assert error == "OSError: …/model.pt: not ‹b>there‹/b> =x"
    assert set(board.tiers) == set(contents.records.filter(state="done")["cell"])


def test_what_a_path_is():
    """Paths are found in options and errors; URLs, units and ratios are none."""
    for text in ("/a/b", "in '/a/b'", "x=/a/b", "x:/a/b", "~/a", "~ada/a", "C:\\Users\\ada"):
        assert first_path(text), text
    for text in ("https://a.b/c", "µJy/arcsec²", "1/2", "a / b", "hf:org/name", "~10", "(m)/s"):
        assert not first_path(text), text
    assert plain("open(/home/ada/x.npy) and C:\\Users\\ada\\y.h5") == "open(…/x.npy) and …/y.h5"


def test_one_entrant(make_contents, board, tmp_path):
    """A bundle has one entrant's rows and files, and a board takes it in whole."""
    bundle = write_board(one_entrant(make_contents("c", "d"), "d"), tmp_path / "bundle")
    assert bundle.records["entrant"].to_list() == ["d"]
    assert len(bundle.provenance["fits"]) == len(bundle.provenance["predictions"]) == 1
    assert len(bundle.shelf.tables) == len(members_of(bundle.folder, "predictions/")) == 1
    joined = merge(board, bundle)
    assert set(joined.records["entrant"]) == {"spectrum-logreg", "hog-svm", "d"}
    assert len(joined.shelf.tables) == len(members_of(joined.folder, "predictions/")) == 3
    study = parse_study((joined.folder / "study.toml").read_text())
    named = [block.axes.baseline for block in study.blocks()]
    assert named == [("spectrum-logreg", "hog-svm"), ("d",)]


def test_blocks_of_records_name_what_was_pretrained_on():
    """So that a study which takes them in asks for the same cells, whatever it pretrains on."""
    row = {"encoder": "e", "pretraining": "mae", "transfer": "linear", "baseline": "", "task": "t",
           "dataset": "d", "train_condition": "a", "labels": None}  # fmt: skip
    records = records_frame([
        row | {"pretraining_views": "d a | d b | f a | f b"}, row | {"pretraining_views": ""},
    ])  # fmt: skip
    named = {name: value for name, value in row.items() if value not in ("", None)}
    named["labels"] = "all"  # else a block has the numbers of the study's axes
    assert include_blocks(records) == [
        named | {"pretraining_dataset": ["d", "f"], "pretraining_condition": ["a", "b"]}, named,
    ]  # fmt: skip


def test_merge_is_whole_or_nothing(make_contents, board, tmp_path, monkeypatch):
    """A board is as it was where a bundle breaks halfway."""
    bundle = write_board(make_contents("c"), tmp_path / "bundle")
    before = {p: p.read_bytes() for p in board.folder.rglob("*") if p.is_file()}

    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr("lensbench.leaderboard.board.writing.open_board", broken)
    with pytest.raises(OSError, match="disk full"):
        merge(board, bundle)
    assert {p: p.read_bytes() for p in board.folder.rglob("*") if p.is_file()} == before
    assert [p.name for p in board.folder.parent.iterdir() if p.name.startswith(".")] == []


def test_unknown_entrant(make_contents):
    """An entrant that a run has not is named with the nearest."""
    with pytest.raises(UsageError) as error:
        one_entrant(make_contents("spectrum-logreg"), "spectrum-logref")
    assert "spectrum-logreg" in error.value.hint


def test_same_twice(make_contents, tmp_path):
    """The same contents make the same files, bit for bit."""
    contents = make_contents("a", "b")
    one, other = (write_board(contents, tmp_path / name) for name in ("one", "other"))
    assert one.manifest == other.manifest


def _check(tier, evidence, passed=True):
    findings = {cell: Finding(passed=passed, evidence=digest) for cell, digest in evidence.items()}
    return Check(tier=tier, date="2026-01-01T00:00:00Z", lensbench="0.1.0", cells=findings)


@pytest.mark.parametrize(
    ("tried", "earned"),
    [
        ([], "reported"),
        ([("re-scored", True)], "re-scored"),
        ([("re-scored", True), ("re-run", True)], "re-run"),
        ([("re-scored", True), ("fresh", True)], "fresh"),
        ([("re-scored", True), ("re-run", False), ("fresh", True)], "re-scored"),
        ([("re-scored", True), ("fresh", False)], "re-scored"),
        ([("re-scored", False), ("fresh", True)], "reported"),
        ([("fresh", True)], "reported"),
        ([("re-scored", False), ("re-scored", True)], "re-scored"),
    ],
)
def test_tiers(tried, earned):
    """A row's tier is the highest that it passed with none failed below; the latest word counts."""
    evidence = {"0" * 20: "1" * 64}
    manifest = Manifest(
        format=3, lensbench="0.1.0", licence="MIT", files={},
        checks=tuple(_check(tier, evidence, passed) for tier, passed in tried),
    )  # fmt: skip
    assert manifest.tiers(evidence) == {"0" * 20: earned}
    assert manifest.tiers({"0" * 20: "2" * 64}) == {"0" * 20: "reported"}


def test_a_board_takes_all_that_a_study_file_may_have():
    """Tables of a study file, and the keys of a contrast, are those of the board's document."""
    assert set(StudyDocument.model_fields) == set(Study.model_fields)
    keys = {field.name for field in dataclasses.fields(Contrast)}
    assert keys == set(get_args(ContrastField))
    keys = {field.name for field in dataclasses.fields(PublishedValue)}
    assert keys == set(get_args(PublishedField))
    contrast = {"a": "wiener", "b": "bicubic", "task": "superres", "labels": 100}
    given = {"name": "one", "budget": "smoke", "axes": {"task": ["superres"]}}
    document = StudyDocument.model_validate(given | {"contrast": [contrast]})
    assert document.contrast == [contrast]
    with pytest.raises(ValueError, match="tag"):
        StudyDocument.model_validate(given | {"contrast": [contrast | {"question": "<b>"}]})
    value = {
        "name": "RCAN",
        "source": "a paper",
        "task": "superres",
        "metric": "psnr",
        "value": 65.1,
    }
    assert StudyDocument.model_validate(given | {"published": [value]}).published == [value]
    with pytest.raises(ValueError, match="tag"):
        StudyDocument.model_validate(given | {"published": [value | {"source": "<b>"}]})


def test_toml():
    """What is written as TOML is read back the same."""
    values = {
        "name": 'a "b" \\ é', "n": 3, "x": 1.5, "yes": True, "list": ["a", 1], "empty": [],
        "table": {"inner": {"a": [1, 2]}, "b": "c"}, "blocks": [{"a": "b"}, {"c": [1]}],
    }  # fmt: skip
    assert tomllib.loads(tomli_w.dumps(without_nulls(values | {"none": None}))) == values


def test_workflow():
    """The workflow of a leaderboard's repository reads alone and calls verbs that there are."""
    from lensbench.cli.leaderboard import VERBS

    text = (Path(__file__).parents[4] / "leaderboards" / "verify.yml").read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request" in workflow[True]  # YAML 1.1 takes `on` for true
    assert "secrets" not in text
    runs = [step["run"] for job in workflow["jobs"].values() for step in job["steps"]
            if "run" in step]  # fmt: skip
    called = [line.split()[2] for run in runs for line in run.splitlines()
              if line.strip().startswith("lensbench leaderboard")]  # fmt: skip
    assert called
    assert set(called) <= set(VERBS)


def test_readme_of_manifest(board):
    """The manifest is plain JSON that names every file."""
    manifest = json.loads((board.folder / "manifest.json").read_text())
    there = {p.relative_to(board.folder).as_posix() for p in board.folder.rglob("*") if p.is_file()}
    assert set(manifest["files"]) == there - {"manifest.json"}


@pytest.mark.parametrize(
    ("change", "word"),
    [({}, ""), ({"n": 23}, "n 23"), ({"values": [0.75] * 24}, "0.75 by scene"),
     ({"metric": "other"}, "no record"), ({"values": [0.7] * 23}, "by scene"),
     ({"values": "x"}, "cannot be read"), ({"more": 1}, "other columns"),
     ({"values": [0.7] * 24}, "interval from 0.699997 to 0.699997")],
)  # fmt: skip
def test_scores_by_scene(make_contents, tmp_path, change, word):
    """Scores by scene go with a board and its bundles where they come to the records' values."""
    contents = make_contents("a", "b")
    files = {}
    for cell in contents.records["cell"]:
        row = {
            "cell": cell, "test_dataset": "lenses", "test_condition": "euclid-vis",
            "metric": "auroc", "per_scene": True, "scenes": "0" * 20, "n": 24,
            "values": np.linspace(0.5, 0.9, 24, dtype=np.float32).tolist(),
        } | change  # fmt: skip
        path = tmp_path / f"{cell}.parquet"
        pl.DataFrame([row]).write_parquet(path)
        files[f"scores/{path.name}"] = path
    contents = dataclasses.replace(contents, files={**contents.files, **files})
    if word:
        with pytest.raises(DataError, match=word):
            write_board(contents, tmp_path / "board")
        return
    assert len(members_of(write_board(contents, tmp_path / "board").folder, "scores/")) == 2
    bundle = write_board(one_entrant(contents, "b"), tmp_path / "bundle")
    assert len(members_of(bundle.folder, "scores/")) == 1


def test_a_page_in_a_board_leaves_it_a_board(make_contents, tmp_path, lensbench):
    """Built into its folder, with `--out` or without, the page is no part of what is checked."""
    board = write_board(make_contents("spectrum-logreg"), tmp_path / "board").folder
    for words in ((), ("--out", board / "index.html")):
        built = lensbench("leaderboard", "build", board, "--store", tmp_path / "none", *words)
        assert built.code == 0, built.err
        assert (board / "index.html").is_file()
        assert "index.html" not in open_board(board).manifest.files


def test_the_page_of_a_board_knows_how_many_labels_all_are(board, tmp_path):
    """From the descriptions of its images; the fits of other numbers of labels are left out."""
    evidence = gather(str(board.folder), lambda: open_store(tmp_path / "store"))
    assert evidence.all_labels == dict.fromkeys(board.records["cell"], 64)
    assert values_of(evidence)["all_labels"] == [64]
