"""The boards that come with the project are what their manifests say, and answer its studies."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import polars as pl
import pytest

from lensbench.cells.checks import Checks
from lensbench.cells.resolved import Resolver
from lensbench.leaderboard.board.contents import open_board
from lensbench.leaderboard.seeds import over_seeds
from lensbench.registry import load_catalogue
from lensbench.study.expand import expand
from lensbench.study.spec import parse_study

ROOT = Path(__file__).resolve().parents[3]
BOARDS = sorted(path.parent for path in (ROOT / "leaderboards").glob("*/manifest.json"))


def test_there_are_some():
    """So that what follows is of something."""
    assert len(BOARDS) >= 3


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_it_is_whole_and_verified(folder):
    """Files and claims agree, each cell was scored again, some run again; the reading is there."""
    board = open_board(folder)
    assert set(board.tiers.values()) <= {"re-scored", "re-run", "fresh"}
    assert "re-run" in {check.tier for check in board.manifest.checks}
    assert (folder / "READING.md").read_text().strip() in (folder / "README.md").read_text()


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_its_study_is_the_projects(folder):
    """What was asked is what the study of its name asks, so that anyone can ask it again."""
    name = tomllib.loads((folder / "study.toml").read_text())["name"]
    resolver = Resolver(load_catalogue())
    ours, theirs = (
        parse_study(path.read_text())
        for path in (ROOT / "studies" / f"{name}.toml", folder / "study.toml")
    )
    asked = [
        expand(resolver.catalogue, study, Checks(resolver.plugins).check).cells
        for study in (ours, theirs)
    ]
    assert set(asked[0]) == set(asked[1])
    for part in ("budget", "seeds", "tests", "contrast", "published"):
        assert getattr(ours, part) == getattr(theirs, part), part


def values(folder):
    """Every value of a board's tables, with the half widths of its interval."""
    records = pl.read_parquet(folder / "records.parquet")
    rows = over_seeds(records.filter(pl.col("state") == "done")).select("value", "low", "high")
    return [(x, x - low, high - x) for x, low, high in rows.drop_nulls().iter_rows()]


def not_of(known, text):
    """What a text says as `0.966 ± 0.007` and no table has."""
    wrong = []
    for value, half in re.findall(r"(\d+\.\d+)″? ± (\d+\.\d+)", text):
        digits, wide = (len(number.split(".")[1]) for number in (value, half))
        if not any(
            f"{x:.{digits}f}" == value and half in (f"{below:.{wide}f}", f"{above:.{wide}f}")
            for x, below, above in known
        ):
            wrong.append(f"{value} ± {half}")
    return wrong


@pytest.mark.parametrize("folder", BOARDS, ids=lambda folder: folder.name)
def test_what_is_said_of_it_is_what_its_tables_have(folder):
    """In its own README, and in paragraphs of the docs that name it."""
    known = values(folder)
    assert not_of(known, "0.123 ± 4.567") == ["0.123 ± 4.567"]
    assert not_of(known, (folder / "READING.md").read_text().replace("\n", " ")) == []
    for page in sorted((ROOT / "docs").rglob("*.md")):
        for paragraph in page.read_text().split("\n\n"):
            if re.search(rf"leaderboards/{folder.name}\b", paragraph):
                assert not_of(known, paragraph.replace("\n", " ")) == [], page.name
