"""The boards that come with the project are what their manifests say, and answer its studies."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lensbench.leaderboard.board.contents import open_board
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
    ours, theirs = (
        parse_study(path.read_text()).model_dump()
        for path in (ROOT / "studies" / f"{name}.toml", folder / "study.toml")
    )
    assert ours == theirs
