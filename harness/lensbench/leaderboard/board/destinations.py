"""Where a board is published: a folder, a git checkout, a tar, or a dataset of the hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lensbench.errors import UsageError
from lensbench.leaderboard.board.archive import pack
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.writing import Contents, write_board
from lensbench.store.claims import temporary_folder
from lensbench.store.hub import repository_of, upload

_REPLACED = ("*.zip", "predictions/*", "index.html")


def publish_to(contents: Contents, target: str, replace: bool = False, client: Any = None) -> Board:
    """Makes a board and puts it where `target` says.

    Args:
        contents: What it is made from.
        target: A folder, `NAME.tar`, or `hf://datasets/OWNER/NAME`.
        replace: Whether a board that is there gives way.
        client: The hub's client, as `huggingface_hub.HfApi`; made where none is given.

    Raises:
        UsageError: Where the target has another form, or holds something else.
        RunError: Where the hub refuses.
    """
    if "://" not in target and not target.endswith(".tar"):
        return write_board(contents, Path(target), replace)
    hub = repository_of(target)
    if "://" in target and hub is None:
        raise UsageError(f"{target!r} is not a place for a board", "e.g. hf://datasets/OWNER/NAME")
    if hub is None and Path(target).exists() and not replace:
        raise UsageError(f"{target!r} is there already", "--replace puts this in its place")
    with temporary_folder() as scratch:
        board = write_board(contents, scratch / "board")
        if hub:
            upload(board.folder, hub, "Publish a leaderboard", _REPLACED, client)
        else:
            Path(target).absolute().parent.mkdir(parents=True, exist_ok=True)
            pack(board.folder, Path(target))
    return board
