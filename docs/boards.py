"""Builds the pages of the published boards into the site: `boards/NAME/index.html`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lensbench.cli.leaderboard.build import command
from lensbench.leaderboard.board.manifest import read_manifest

BOARDS = Path(__file__).parents[1] / "leaderboards"


def on_post_build(config: Any) -> None:
    """Called by MkDocs when all other pages are there. Withdrawn boards have none."""
    for path in sorted(BOARDS.glob("*/manifest.json")):
        if read_manifest(path.parent).withdrawn is None:
            page = Path(config.site_dir) / "boards" / path.parent.name / "index.html"
            command.main([str(path.parent), "--out", str(page)], standalone_mode=False)
