"""Limits that a board states beneath its entrants."""

import dataclasses
import math
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner
from tests.calls import called

from lensbench.cli.leaderboard.show import command as show
from lensbench.errors import DataError, StoreError
from lensbench.leaderboard.beneath import beyond_limits
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.joining import merge, with_limits
from lensbench.leaderboard.board.layout import LIMITS
from lensbench.leaderboard.board.limits import limit_finder, limits_frame, read_limits
from lensbench.leaderboard.board.manifest import Check, Finding
from lensbench.leaderboard.board.writing import write_board
from lensbench.leaderboard.page.building import values_of
from lensbench.leaderboard.page.evidence import gather
from lensbench.leaderboard.page.payload import combine
from lensbench.leaderboard.page.rankings import rankings_of
from lensbench.leaderboard.standings import Limit
from lensbench.limits import stored
from lensbench.limits.classes import ClassLimit
from lensbench.limits.places import PlaceLimit
from lensbench.limits.stored import ensure_class_limits
from lensbench.registry import load_catalogue
from lensbench.store import open_store
from lensbench.study.cell import View
from lensbench.verification.tiers import write_checks

BOUND = 0.987

BOARDS = sorted((Path(__file__).parents[4] / "leaderboards").glob(f"*/{LIMITS}"))


def known(first):
    """What a store knows of the limits of the boards here."""
    return (
        {("auroc", "euclid-vis"): Limit(math.nan, BOUND)} if first["task"] == "morphology" else {}
    )


def no_store():
    """There is none."""
    raise StoreError("there is no store")


@pytest.fixture
def limited(make_contents, tmp_path):
    """A board that states the limit of its one table."""
    contents = make_contents("spectrum-logreg")
    limits = limits_frame(contents.records, known)
    return write_board(dataclasses.replace(contents, limits=limits), tmp_path / "limited")


def test_a_board_keeps_the_limits_of_its_tables(limited):
    frame = read_limits(limited.folder)
    assert frame.rows() == [("morphology", "lenses", "auroc", "euclid-vis", None, BOUND)]
    found = limit_finder(frame)(limited.records.row(0, named=True))
    assert math.isnan(found["auroc", "euclid-vis"].reference)
    assert found["auroc", "euclid-vis"].bound == BOUND
    assert limit_finder(frame)({"task": "anomaly", "test_dataset": "lenses"}) == {}


def test_a_board_without_limits_has_no_file_of_them(board):
    assert not (board.folder / "limits.parquet").exists()
    assert read_limits(board.folder).is_empty()


def test_tables_and_the_page_show_them(limited, tmp_path):
    """As a row beneath the entrants, from the board alone: the store is empty."""
    shown = CliRunner().invoke(show, [str(limited.folder), "--store", str(tmp_path / "none")])
    assert shown.exit_code == 0, shown.output
    row = next(
        line for line in shown.output.splitlines() if line.startswith("limit of information")
    )
    assert row.split()[3] == "0.987"
    ranking = values_of(gather(str(limited.folder), no_store))["rankings"][0]
    assert ranking["beneath"] == [
        {"name": "limit of information", "texts": ["0.987"], "efficiency": "–"}
    ]
    assert ranking["bounds"] == [0.987]
    assert ranking["about"].startswith("Limit of information: an upper bound")


def test_a_bundle_changes_none_of_them(limited, make_contents, tmp_path):
    other = write_board(make_contents("hog-svm"), tmp_path / "bundle")
    merged = merge(limited, other)
    assert read_limits(merged.folder)["bound"].to_list() == [BOUND]


def test_a_board_takes_newer_limits_from_a_store(limited, tmp_path, monkeypatch):
    """In the place of its own; checks that were passed stay, as nothing else changed."""
    found = {key: Finding(passed=True, evidence=said) for key, said in limited.evidence.items()}
    check = Check(tier="re-scored", date="2026-01-01T00:00:00Z", lensbench="0.1.0", cells=found)
    write_checks(limited, (check,))
    before = (limited.folder / "morphology.zip").read_bytes()
    pairs = [("no_sub", "cdm"), ("no_sub", "vortex"), ("cdm", "vortex")]
    monkeypatch.setattr(stored, "drawn_scenes", lambda *_: [])
    monkeypatch.setattr(stored, "class_limits", lambda *_: [ClassLimit(*p, (9.0,)) for p in pairs])
    monkeypatch.setattr(
        stored, "place_limits", lambda *_: [PlaceLimit(*p, (9.0,), 0.8, 0.7) for p in pairs]
    )
    store = open_store(tmp_path / "store")
    words = ["limits", str(limited.folder), "--store", str(tmp_path / "store")]
    nothing = called("leaderboard", *words)
    assert nothing.code == 2
    assert "the store has no limits of this board" in nothing.err
    asked = "lensbench limits --task morphology --dataset lenses --conditions euclid-vis --seed 0"
    assert f"hint: {asked}" in nothing.err
    ensure_class_limits(store, load_catalogue(), "morphology", View("lenses", "euclid-vis"))
    done = called("leaderboard", *words)
    assert done.out.strip() == f"{limited.folder}: limits new or changed: 1; as before: 0"
    again = open_board(limited.folder)
    assert read_limits(again.folder)["bound"].to_list() == [pytest.approx(0.8)]
    assert set(again.tiers.values()) == {"re-scored"}
    assert (again.folder / "morphology.zip").read_bytes() == before


def test_limits_of_what_a_board_has_no_record_of_are_not_taken(limited):
    """And its own stay, of which the others say nothing."""
    other = limits_frame(limited.records, known).with_columns(metric=pl.lit("accuracy"), bound=0.5)
    kept = with_limits(limited, other)
    assert read_limits(kept.folder).rows() == read_limits(limited.folder).rows()


WRONG = {
    "other columns": (lambda frame: frame.drop("bound"), "other columns than task"),
    "twice": (lambda frame: pl.concat([frame, frame]), "two limits of one metric"),
    "of nothing": (lambda f: f.with_columns(task=pl.lit(None, pl.String)), "a row that is of no"),
    "negative": (lambda f: f.with_columns(bound=pl.lit(-1.0)), r"bound -1\.0, which is none"),
    "not a number": (lambda f: f.with_columns(bound=pl.lit(math.nan)), "bound nan, which is none"),
    "infinite": (lambda f: f.with_columns(bound=pl.lit(math.inf)), "bound inf, which is none"),
    "above one": (lambda f: f.with_columns(bound=pl.lit(1.2)), "of 'auroc' of 1.2, above 1"),
    "of no condition": (
        lambda f: pl.concat([f, f.with_columns(test_condition=pl.lit("jwst-nircam-f150w"))]),
        "jwst-nircam-f150w', which no record is of",
    ),
    "of no metric": (lambda f: f.with_columns(metric=pl.lit("r2")), "which no record is of"),
    "mark-up": (lambda f: f.with_columns(metric=pl.lit("<b>auroc")), "limits.parquet: metric"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_limits_that_are_none_are_refused(limited, reseal, kind):
    change, said = WRONG[kind]
    path = limited.folder / "limits.parquet"
    change(pl.read_parquet(path)).write_parquet(path)
    reseal(limited.folder)
    with pytest.raises(DataError, match=said):
        open_board(limited.folder)


def test_a_file_that_is_no_table_is_refused(limited, reseal):
    (limited.folder / "limits.parquet").write_bytes(b"PAR1 nothing PAR1")
    reseal(limited.folder)
    with pytest.raises(DataError, match=r"limits\.parquet cannot be read as Parquet"):
        open_board(limited.folder)


@pytest.mark.parametrize("value", [1.7, -0.1])
def test_published_values_that_are_none_are_refused(limited, reseal, value):
    """An AUROC of a paper is between zero and one, as one of a board is."""
    path = limited.folder / "study.toml"
    text = path.read_text()
    published = """
[[published]]
name = "a"
source = "b"
task = "morphology"
metric = "auroc"
value = """
    path.write_text(f"{text}{published}0.9\n")
    reseal(limited.folder)
    open_board(limited.folder)
    path.write_text(f"{text}{published}{value}\n")
    reseal(limited.folder)
    with pytest.raises(DataError, match=f"published 'auroc' of {value}"):
        open_board(limited.folder)


def test_a_board_keeps_no_limit_of_what_it_has_no_record_of(make_contents, tmp_path):
    """So that a bundle of one task carries no limits of others."""
    contents = make_contents("ring")
    found = limits_frame(contents.records, known)
    other = found.with_columns(metric=pl.lit("accuracy"))
    contents = dataclasses.replace(contents, limits=pl.concat([found, other]))
    assert read_limits(write_board(contents, tmp_path / "b").folder).equals(found)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.parent.name)
def test_nobody_beats_the_limits_of_the_published_boards(path):
    """A test of the limits as much as of the entrants."""
    evidence = gather(str(path.parent), no_store)
    rows = combine(evidence.records, evidence.tiers)
    for ranking in rankings_of(rows, evidence.limits):
        assert beyond_limits(ranking) == []
