"""How a board is refused: in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from lensbench.errors import DataError
from lensbench.leaderboard.board.contents import open_board


def refused(folder: Path, *words: str) -> str:
    """The one line with which a board is refused."""
    with pytest.raises(DataError) as error:
        open_board(folder)
    message = error.value.message
    assert "\n" not in message
    assert len(message) < 500
    for word in words:
        assert word in message
    return message
