"""Tables of a board say what each row has earned."""

from __future__ import annotations

import csv
import io
import json

import polars as pl
import pytest

from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.board.manifest import Check, Finding, Withdrawal, write_manifest


@pytest.fixture
def checked(board):
    """A board of which one row was scored again."""
    (cell,) = board.records.filter(pl.col("entrant") == "hog-svm")["cell"]
    found = Finding(passed=True, evidence=board.evidence[cell])
    check = Check(
        tier="re-scored", date="2026-01-01T00:00:00Z", lensbench="0.1.0", cells={cell: found}
    )
    write_manifest(board.folder, board.manifest.model_copy(update={"checks": (check,)}))
    return board


EARNED = {"hog-svm": "re-scored", "spectrum-logreg": "reported"}


@pytest.mark.parametrize("form", ["terminal", "markdown", "latex"])
def test_ranked_tables(checked, lensbench, form):
    """A column `trust` in every form."""
    shown = lensbench("leaderboard", "show", checked.folder, "--format", form)
    assert shown.code == 0, shown.err
    assert "trust" in shown.out
    for line in shown.out.splitlines():
        for entrant, tier in EARNED.items():
            assert entrant not in line or tier in line


@pytest.mark.parametrize("words", [(), ("--each-seed",), ("--columns", "entrant,tier")])
def test_flat_tables(checked, lensbench, words):
    """A column `tier`, over seeds and for each."""
    shown = lensbench("leaderboard", "show", checked.folder, "--format", "csv", *words)
    assert shown.code == 0, shown.err
    rows = csv.DictReader(io.StringIO(shown.out))
    assert {row["entrant"]: row["tier"] for row in rows} == EARNED


def test_sorted_by_tier(checked, lensbench):
    """Rows can be sorted by it."""
    words = ("--json", "--columns", "entrant,tier", "--sort", "tier")
    shown = lensbench("leaderboard", "show", checked.folder, *words)
    assert [row["entrant"] for row in json.loads(shown.out)] == ["hog-svm", "spectrum-logreg"]


def test_changed_records_have_earned_nothing(checked, lensbench, change_records):
    """A tier is of the records that were checked, not of others."""
    for entrant in EARNED:
        records = pl.read_parquet(checked.folder / "records.parquet")
        records.filter(entrant=entrant).write_parquet(checked.folder / "records.parquet")
        change_records(checked.folder, value=0.75)
        shown = lensbench("leaderboard", "show", checked.folder, "--json")
        assert [row["tier"] for row in json.loads(shown.out)] == ["reported"]
        records.write_parquet(checked.folder / "records.parquet")


def test_a_withdrawn_board_says_so(board, lensbench):
    """Tables and verification state why; of its scenes nothing is checked, of its files all is."""
    words = ("--reason", "a label was corrected", "--successor", "board-2")
    done = lensbench("leaderboard", "withdraw", board.folder, *words)
    assert done.code == 0, done.err
    said = "a label was corrected; see board-2"
    assert done.out.endswith(f"withdrawn: {said}\n")
    withdrawn = open_board(board.folder)
    assert withdrawn.manifest.withdrawn == Withdrawal(
        reason="a label was corrected", successor="board-2"
    )
    assert withdrawn.evidence == board.evidence
    readme = (board.folder / "README.md").read_text()
    assert "**Withdrawn:** a label was corrected. Its successor is board-2." in readme
    shown = lensbench("leaderboard", "show", board.folder, "--json")
    assert [row["withdrawn"] for row in json.loads(shown.out)] == [said, said]
    shown = lensbench("leaderboard", "show", board.folder, "--format", "markdown")
    assert shown.out.startswith("**Withdrawn:** a label was corrected; see board-2\n\n")
    assert f"withdrawn: {said}" in shown.err
    verified = lensbench("leaderboard", "verify", board.folder, "--fresh", "--no-write", "--json")
    assert verified.code == 0, verified.err
    assert "board-2; only files, documents and claims are checked" in verified.err
    assert [check["tier"] for check in json.loads(verified.out)["checks"]] == ["reported"]
    (board.folder / "study.toml").write_text("name = 1")
    assert lensbench("leaderboard", "verify", board.folder, "--no-write").code == 1


@pytest.mark.parametrize("reason", ["", "two\nlines", "<b>bold</b>"])
def test_a_reason_is_one_plain_line(board, lensbench, reason):
    """Else nothing is withdrawn."""
    done = lensbench("leaderboard", "withdraw", board.folder, "--reason", reason)
    assert done.code == 2
    assert open_board(board.folder).manifest.withdrawn is None
