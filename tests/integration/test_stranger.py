"""A stranger's path, as the how-to writes it, where nothing of this checkout is installed."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import polars as pl
import pytest
from tests.pages import entrants_of

from lensbench.leaderboard.board.contents import open_board

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to" / "publish-a-result.md"
PLUGIN = ROOT / "plugins" / "example-plugin"

pytestmark = pytest.mark.slow

STUDY = """
name = "two"
summary = "Who tells substructure, as small as it can be."
budget = "smoke"

[axes]
task = ["morphology"]
baseline = ["spectrum-logreg"]

[tests]
condition = []
"""


def commands() -> list[list[str]]:
    """The stranger's commands as the how-to has them."""
    marked = r"<!-- parsed: \S*test_stranger.py .*? -->\n```console\n(.*?)```"
    block = re.search(marked, HOW_TO.read_text(), re.DOTALL)
    assert block, "the how-to has no block of commands"
    return [shlex.split(line.removeprefix("$ ")) for line in block[1].splitlines()]


def test_path_of_a_stranger(make_environment, tmp_path):
    """Ten commands or fewer: install, sweep, submit, merge, verify; the row is on the page."""
    environment = make_environment()
    quiet = {"OMP_NUM_THREADS": "1", "PIP_NO_INDEX": "1", "PIP_NO_BUILD_ISOLATION": "0"}

    def call(*words: str, cwd: Path = tmp_path) -> str:
        done = environment.call(*words, cwd=cwd, **quiet)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    where = call("python", "-c", "import lensbench; print(lensbench.__file__)")
    assert Path(where.strip()).is_relative_to(environment.site)
    maintainer = tmp_path / "maintainer"
    maintainer.mkdir()
    (maintainer / "study.toml").write_text(STUDY)
    call("lensbench", "sweep", "study.toml", "--workers", "0", "--quiet", cwd=maintainer)
    call("lensbench", "leaderboard", "publish", "study.toml", "--to", "board", cwd=maintainer)

    place = tmp_path / "stranger"
    shutil.copytree(PLUGIN, place / "example-plugin")
    board = shutil.copytree(maintainer / "board", place / "board")
    path = commands()
    assert len(path) <= 10
    assert [words[0] for words in path] == ["pip", *["lensbench"] * (len(path) - 1)]
    for words in path:
        printed = call(
            *(["python", "-m", "pip"] if words[0] == "pip" else words[:1]), *words[1:], cwd=place
        )
        if "show" in words:
            assert "polar + none" in printed
    assert "polar + none + finetune" in entrants_of(board / "index.html")
    opened = open_board(board)
    row = opened.records.filter(pl.col("encoder") == "polar")
    assert set(row["state"]) == {"done"}
    assert opened.tiers[row["cell"][0]] == "fresh"
    assert {check.tier for check in opened.manifest.checks} >= {"re-scored", "re-run", "fresh"}
    text = "".join(file.read_text() for file in board.glob("*.[jmt]*"))
    for folder in (tmp_path, environment.folder, ROOT):
        assert str(folder) not in text
