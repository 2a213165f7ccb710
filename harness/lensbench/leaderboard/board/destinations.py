"""Where a board is published: a folder, a git checkout, a tar, or a dataset of the hub."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lensbench.errors import LensbenchError, RunError, UsageError
from lensbench.leaderboard.board.archive import pack
from lensbench.leaderboard.board.contents import Board
from lensbench.leaderboard.board.writing import Contents, write_board

_HUB = re.compile(r"hf://datasets/([\w.-]{1,96}/[\w.-]{1,96})/?")


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
    hub = _HUB.fullmatch(target)
    if "://" in target and hub is None:
        raise UsageError(f"{target!r} is no place for a board", "e.g. hf://datasets/OWNER/NAME")
    if hub is None and Path(target).exists() and not replace:
        raise UsageError(f"{target!r} is there already", "--replace puts this in its place")
    with TemporaryDirectory(prefix="lensbench-board-") as scratch:
        board = write_board(contents, Path(scratch) / "board")
        if hub:
            upload(board.folder, hub[1], client)
        else:
            Path(target).absolute().parent.mkdir(parents=True, exist_ok=True)
            pack(board.folder, Path(target))
    return board


def upload(folder: Path, repository: str, client: Any = None) -> None:
    """Makes one commit of a board's files in a dataset repository, which is made where it lacks.

    Files of an earlier board go in the same commit, so that no reader meets half of each.

    Raises:
        RunError: Where the hub refuses, with its reason.
    """
    if client is None:
        from huggingface_hub import HfApi

        client = HfApi()
    try:
        client.create_repo(repo_id=repository, repo_type="dataset", exist_ok=True)
        client.upload_folder(
            folder_path=str(folder),
            repo_id=repository,
            repo_type="dataset",
            commit_message="Publish a leaderboard",
            delete_patterns=["predictions/*", "scores/*", "weights/*", "fits/*", "index.html"],
        )
    except LensbenchError:
        raise
    except Exception as error:  # of the hub's client, of requests, of the network
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise RunError(
            f"the hub did not take {repository}: {reason}", "log in with the command hf auth login"
        ) from error
