"""Contrasts that a study declares: tested among themselves, and no others."""

from __future__ import annotations

import polars as pl
import pytest
from boards import read_board, rows, write_board

from lensbench.leaderboard.changes import power_note
from lensbench.leaderboard.comparisons import compare_entrants, compare_sources
from lensbench.leaderboard.contrasts import answers, contrast_table, declared
from lensbench.leaderboard.page import Evidence, values_of
from lensbench.leaderboard.source import open_source
from lensbench.stats.contrasts import Contrast
from lensbench.store.scores import read_scores

PLACES = ("home", "away")


@pytest.fixture
def board(tmp_path):
    """Three entrants: one is half a decibel better, one is the same as it."""
    parts = (rows("old", 30.0), rows("new", 30.5), rows("like", 30.5))
    return write_board(tmp_path / "board", *parts)


def of(board, *contrasts: Contrast):
    return answers(contrasts, read_board(board), read_scores([board / "scores.parquet"]))


def contrast(a: str, b: str, **more) -> Contrast:
    return Contrast(a, b, "superres", **more)


def test_a_contrast_is_tested_as_two_entrants_are(board):
    """The difference is the first less the second, on the same scenes."""
    (found,) = of(board, contrast("new", "old"))
    (change,) = compare_entrants(open_source(str(board), lambda: None), "old", "new")
    assert found.change == change
    assert (change.verdict, change.method) == ("better", "paired")


def test_p_values_are_corrected_for_the_contrasts_alone(board):
    """Two contrasts: the smaller p-value is doubled, whatever else the board holds."""
    (alone,) = of(board, contrast("new", "old"))
    both = of(board, contrast("new", "old"), contrast("like", "new"))
    assert both[0].change.p == pytest.approx(2 * alone.change.p)
    assert both[1].change.verdict in ("same", "no difference shown")


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (Contrast("new", "old", "dancing"), "no record is of this task"),
        (contrast("new", "nobody"), "there is no entrant 'nobody'"),
        (contrast("new", "old", labels=7), "no record"),
        (contrast("new", "old", condition="moon"), "no record"),
    ],
)
def test_what_cannot_be_tested_says_why(board, one, reason):
    """It stays in the table, and is no test."""
    found = of(board, one, contrast("new", "old"))
    (alone,) = of(board, contrast("new", "old"))
    assert reason in found[0].reason
    assert found[1].change.p == alone.change.p
    table = contrast_table(found)
    assert reason in table.rows[0][-1] and "1 tests" in table.note


def test_a_contrast_on_other_scenes_says_on_which(board):
    """Else two questions about one pair of entrants look the same."""
    here, there = contrast("new", "old"), contrast("new", "old", test_dataset="elsewhere")
    table = contrast_table(of(board, here, there))
    assert [row[2] for row in table.rows] == ["trained on", "trained on, elsewhere"]


def test_some_records_have_their_contrasts_alone(tmp_path):
    """Those of other records get no row, and still count in the correction."""
    skills = {"old": 30.0, "new": 30.5}
    sides = [rows(name, skills[name], condition=place) for place in PLACES for name in skills]
    board = write_board(tmp_path / "board", *sides)
    asked = [contrast("new", "old", condition=place) for place in PLACES]
    records, found = read_board(board), of(board, *asked)
    for place in PLACES:
        shown = contrast_table(found, records.filter(pl.col("test_condition") == place))
        assert [row[2] for row in shown.rows] == [place]
        assert "2 tests" in shown.note
    assert not contrast_table(found, records.clear()).rows


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ('[[contrast]]\na = "x"\nb = "y"\ntask = "t"', 1),
        ("name = 'plain'", 0),
        ("[[contrast]]\na = 1", 0),
        ("not TOML", 0),
        ("contrast = 'a text'", 0),
    ],
)
def test_contrasts_are_read_from_a_study(text, count):
    """One that cannot be read declares none."""
    assert len(declared(text)) == count


def test_a_board_shows_the_contrasts_of_its_study(board, lensbench):
    """In `show`, in `export` and on the page, with their test."""
    text = '[[contrast]]\na = "new"\nb = "old"\ntask = "superres"\nquestion = "Is it better?"\n'
    (board / "study.toml").write_text(text)
    shown = lensbench("leaderboard", "show", board).out
    assert "Primary contrasts" in shown and "new less old" in shown and "better" in shown
    lensbench("leaderboard", "export", board, "--to", board / "tables")
    assert "new less old" in (board / "tables" / "contrasts.md").read_text()
    scores = read_scores([board / "scores.parquet"])
    values = values_of(Evidence("x", read_board(board), scores, study=text))
    (row,) = values["contrasts"]["rows"]
    (change,) = compare_entrants(open_source(str(board), lambda: None), "old", "new")
    assert (row["verdict"], row["p"]) == ("better", pytest.approx(change.p, rel=1e-7))
    assert row["difference"][0] == pytest.approx(change.difference.value, rel=1e-7)


def test_a_family_too_large_to_show_anything_says_so(tmp_path):
    """Two draws have one degree of freedom: 60 tests need a difference of hundreds of errors."""
    entrants = [f"one-{number:02}" for number in range(60)]
    before = write_board(tmp_path / "b", *(rows(name, 30.0, draws=2) for name in entrants))
    after = write_board(
        tmp_path / "a", *(rows(name, 30.01, chance=1, draws=2) for name in entrants)
    )
    sources = [open_source(str(folder), lambda: None) for folder in (before, after)]
    changes = compare_sources(*sources)
    assert {change.verdict for change in changes} == {"too many tests"}
    assert min(change.critical for change in changes) > 10
    assert "60 tests" in power_note(changes)
    assert power_note([]) == ""
